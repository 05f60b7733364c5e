/* Completes the unwinder of a glibc system's gcc for programs that are linked with musl (x86_64). Without this, linking
   fails (1), or the first panic is a segmentation fault (2).

   1. Since gcc 12 the unwinder finds its tables through _dl_find_object, which glibc has and musl has not. musl has
      dl_iterate_phdr, which tells the same.
   2. The unwinder refers to pthread functions weakly and calls them unasked. A static link takes nothing out of libc.a
      for a weak reference, so here are strong ones. */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stdint.h>

/* struct dl_find_object of glibc's <dlfcn.h>; the unwinder reads the last named member. */
struct object {
	unsigned long long flags;
	void *start, *end, *link_map, *eh_frame;
	unsigned long long reserved[7];
};

struct search {
	uintptr_t address;
	struct object *found;
};

static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
	struct search *search = context;
	uintptr_t low = UINTPTR_MAX, high = 0, tables = 0;
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr;
		if (header->p_type == PT_GNU_EH_FRAME)
			tables = start;
		if (header->p_type != PT_LOAD)
			continue;
		if (start < low)
			low = start;
		if (start + header->p_memsz > high)
			high = start + header->p_memsz;
	}
	if (!tables || search->address < low || search->address >= high)
		return 0;
	*search->found = (struct object){ .start = (void *)low, .end = (void *)high, .eh_frame = (void *)tables };
	return 1;
}

int _dl_find_object(void *address, struct object *found)
{
	struct search search = { (uintptr_t)address, found };
	return dl_iterate_phdr(visit, &search) ? 0 : -1;
}

extern int __pthread_key_create(pthread_key_t *, void (*)(void *));

__attribute__((used)) static void *const strong[] = {
	(void *)pthread_once,        (void *)pthread_mutex_lock,  (void *)pthread_mutex_unlock,
	(void *)pthread_key_create,  (void *)__pthread_key_create, (void *)pthread_getspecific,
	(void *)pthread_setspecific,
};
