/* Completes the unwinder of a glibc system's gcc for programs that are linked with musl (x86_64). Without this, linking
   fails (1), or the first panic is a segmentation fault (2).

   1. Since gcc 12 the unwinder finds its tables through _dl_find_object, which glibc has and musl has not. A static program
      is one object; its tables (.eh_frame) are read from their start, since their index (.eh_frame_hdr) would be 8 bytes for
      each function of the program and shorten nothing but a panic.
   2. The unwinder refers to pthread functions weakly and calls them unasked. A static link takes nothing out of libc.a
      for a weak reference, so here are strong ones. */
#include <pthread.h>

/* struct dl_find_object of glibc's <dlfcn.h>; the unwinder reads the last named member. */
struct object {
	unsigned long long flags;
	void *start, *end, *link_map, *eh_frame;
	unsigned long long reserved[7];
};

extern __attribute__((visibility("hidden"))) char __executable_start[], _end[];

/* The header of tables without an index: version 1, and where they are, as a signed distance; the linker script knows. */
extern char tables[];
__asm__(".section .rodata\n"
	".balign 4\n"
	"tables: .byte 1, 0x1b, 0xff, 0xff\n"
	"	.long start_of_eh_frame - .\n"
	".previous\n");

int _dl_find_object(char *address, struct object *found)
{
	if (address < __executable_start || address >= _end)
		return -1;
	*found = (struct object){ .start = __executable_start, .end = _end, .eh_frame = tables };
	return 0;
}

extern int __pthread_key_create(pthread_key_t *, void (*)(void *));

__attribute__((used)) static void *const strong[] = {
	(void *)pthread_once,        (void *)pthread_mutex_lock,  (void *)pthread_mutex_unlock,
	(void *)pthread_key_create,  (void *)__pthread_key_create, (void *)pthread_getspecific,
	(void *)pthread_setspecific,
};
