/* The first code of a static, position-independent program (rcrt1.o), in place of musl 1.2.3's: it applies packed
   relative relocations (DT_RELR) besides plain ones (DT_RELA), as musl does since 1.2.4. Packed, the 7,000 relocations of
   the program take 3 KB instead of 170. x86_64.

   It runs before anything is relocated: no library function, no global but through the stack and _DYNAMIC. */
#include <elf.h>
#include <stddef.h>

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

__asm__(".text\n"
	".global _start\n"
	".type _start,%function\n"
	"_start:\n"
	"	xor %ebp,%ebp\n" /* the outermost frame */
	"	mov %rsp,%rdi\n"
	".hidden _DYNAMIC\n"
	"	lea _DYNAMIC(%rip),%rsi\n"
	"	and $-16,%rsp\n"
	"	call start_relocated\n");

extern int main(int, char **, char **);
extern void _init(void) __attribute__((weak));
extern void _fini(void) __attribute__((weak));
extern int __libc_start_main(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void));

/* Where the program was put: the address of its dynamic section less the one that it was linked for. */
static size_t load_base(const size_t *auxiliary, const size_t *dynamic)
{
	size_t headers = 0, size = 0, count = 0;
	for (; auxiliary[0] != AT_NULL; auxiliary += 2) {
		if (auxiliary[0] == AT_PHDR)
			headers = auxiliary[1];
		else if (auxiliary[0] == AT_PHENT)
			size = auxiliary[1];
		else if (auxiliary[0] == AT_PHNUM)
			count = auxiliary[1];
	}
	for (; count--; headers += size) {
		const Elf64_Phdr *header = (const Elf64_Phdr *)headers;
		if (header->p_type == PT_DYNAMIC)
			return (size_t)dynamic - header->p_vaddr;
	}
	return 0;
}

static void relocate(size_t base, const size_t *dynamic)
{
	const Elf64_Rela *plain = NULL;
	const size_t *packed = NULL;
	size_t plain_size = 0, packed_size = 0;
	for (; dynamic[0] != DT_NULL; dynamic += 2) {
		switch (dynamic[0]) {
		case DT_RELA: plain = (const Elf64_Rela *)(base + dynamic[1]); break;
		case DT_RELASZ: plain_size = dynamic[1]; break;
		case DT_RELR: packed = (const size_t *)(base + dynamic[1]); break;
		case DT_RELRSZ: packed_size = dynamic[1]; break;
		}
	}
	for (; plain_size >= sizeof *plain; plain_size -= sizeof *plain, plain++) {
		if (ELF64_R_TYPE(plain->r_info) == R_X86_64_RELATIVE)
			*(size_t *)(base + plain->r_offset) = base + plain->r_addend;
	}
	/* An even entry is the address of a word to relocate; an odd one is a bitmap of the 63 words that follow. */
	size_t *next = NULL;
	for (; packed_size >= sizeof *packed; packed_size -= sizeof *packed, packed++) {
		if (!(*packed & 1)) {
			next = (size_t *)(base + *packed);
			*next++ += base;
			continue;
		}
		for (size_t i = 0, bits = *packed >> 1; bits; i++, bits >>= 1) {
			if (bits & 1)
				next[i] += base;
		}
		next += 63;
	}
}

/* A function of its own, so that no address is fetched from a table before the table is relocated. */
static __attribute__((noinline, noreturn)) void run(size_t *stack)
{
	__libc_start_main(main, (int)stack[0], (char **)(stack + 1), _init, _fini, NULL);
	__builtin_trap();
}

/* The stack at the start: argc, argv, null, environment, null, auxiliary vector. */
__attribute__((used, visibility("hidden"))) void start_relocated(size_t *stack, const size_t *dynamic)
{
	const size_t *auxiliary = stack + 1 + stack[0] + 1;
	while (*auxiliary++)
		;
	relocate(load_base(auxiliary, dynamic), dynamic);
	run(stack);
}
