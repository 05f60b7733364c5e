/* memcpy, memcmp and bcmp in place of musl 1.2.3's, for a program whose texts are short: that memcmp goes byte by byte, and that
   memcpy spends more on its beginning than on a word or two. x86_64.

   Built without idioms (build with -fno-builtin), or a loop here would become a call of itself. */
#include <stddef.h>
#include <stdint.h>

typedef uint16_t two __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));
typedef uint64_t eight __attribute__((aligned(1), may_alias));
typedef uint8_t sixteen __attribute__((vector_size(16), aligned(1), may_alias));

/* From here on the processor's own instruction is faster, however long it takes to begin. */
#define LONG 512

/* The first bytes and the last ones, which may overlap; both are read before either is written. */
#define ENDS(type)                                                          \
	do {                                                                \
		type first = *(const type *)from;                           \
		type last = *(const type *)(from + size - sizeof(type));    \
		*(type *)to = first;                                        \
		*(type *)(to + size - sizeof(type)) = last;                 \
	} while (0)

/* Also right where `to` lies before `from` and they overlap, as memmove asks of __memcpy_fwd; so neither is `restrict`. */
void *memcpy(void *to_, const void *from_, size_t size)
{
	char *to = to_;
	const char *from = from_;
	if (size <= 16) {
		if (size >= 8)
			ENDS(eight);
		else if (size >= 4)
			ENDS(four);
		else if (size >= 2)
			ENDS(two);
		else if (size)
			*to = *from;
		return to_;
	}
	char *end = to + size - 16;
	sixteen last = *(const sixteen *)(from + size - 16);
	if (size < LONG) {
		for (; to < end; to += 16, from += 16)
			*(sixteen *)to = *(const sixteen *)from;
	} else {
		size_t words = size / 8;
		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	}
	*(sixteen *)end = last;
	return to_;
}

void *__memcpy_fwd(void *, const void *, size_t) __attribute__((alias("memcpy"), visibility("hidden")));

static int order(uint64_t one, uint64_t other)
{
	/* The first byte counts most. */
	one = __builtin_bswap64(one);
	other = __builtin_bswap64(other);
	return one == other ? 0 : one < other ? -1 : 1;
}

int memcmp(const void *one_, const void *other_, size_t size)
{
	const unsigned char *one = one_, *other = other_;
	if (size >= 8) {
		size_t at = 0;
		for (; at + 8 <= size; at += 8) {
			uint64_t a = *(const eight *)(one + at), b = *(const eight *)(other + at);
			if (a != b)
				return order(a, b);
		}
		/* What is left, with bytes before it that are equal. */
		return order(*(const eight *)(one + size - 8), *(const eight *)(other + size - 8));
	}
	if (size >= 4) {
		uint64_t a = *(const four *)one | (uint64_t)*(const four *)(one + size - 4) << 32;
		uint64_t b = *(const four *)other | (uint64_t)*(const four *)(other + size - 4) << 32;
		return order(a, b);
	}
	for (size_t at = 0; at < size; at++) {
		if (one[at] != other[at])
			return one[at] - other[at];
	}
	return 0;
}

int bcmp(const void *, const void *, size_t) __attribute__((alias("memcmp")));
