// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shm-touched.c - munmap(), mremap(), mmap(): notices whether a program changes its attachments by
 * them
 *
 * Until then, this process has a segment attached as often as it called shmat() without shmdt().
 * Afterwards the kernel is asked each time. The calls themselves are the kernel's.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/raw.h"
#include "ipcmap/preload/sysv/shm-attach.h"

/* The range of the attachments; empty: there are none. */
static struct {
	uintptr_t from, to;
	uint32_t touched;
} attached;

bool shm_is_touched(void)
{
	return __atomic_load_n(&attached.touched, __ATOMIC_ACQUIRE);
}

void shm_watch(const void *memory, size_t size)
{
	uintptr_t at = (uintptr_t)memory;

	if (attached.to == 0 || at < attached.from)
		__atomic_store_n(&attached.from, at, __ATOMIC_RELEASE);
	if (at + size > attached.to)
		__atomic_store_n(&attached.to, at + size, __ATOMIC_RELEASE);
}

void shm_watch_none(void)
{
	__atomic_store_n(&attached.to, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&attached.touched, 0, __ATOMIC_RELEASE);
}

static void shm_touch(const void *memory, size_t size)
{
	uintptr_t at = (uintptr_t)memory;

	if (at < __atomic_load_n(&attached.to, __ATOMIC_ACQUIRE) &&
	    at + size > __atomic_load_n(&attached.from, __ATOMIC_ACQUIRE))
		__atomic_store_n(&attached.touched, 1, __ATOMIC_RELEASE);
}

/* The next functions after ours: of a sanitizer, an allocator or the C library. NULL until the
 * constructors have run. */
static struct {
	int (*munmap)(void *memory, size_t size);
	void *(*mremap)(void *memory, size_t size, size_t new_size, int flags, ...);
	void *(*mmap)(void *memory, size_t size, int prot, int flags, int fd, off_t offset);
} real;

void shm_touched_begin(void)
{
	real.munmap = dlsym(RTLD_NEXT, "munmap");
	real.mremap = dlsym(RTLD_NEXT, "mremap");
	real.mmap = dlsym(RTLD_NEXT, "mmap64");
}

static void *touched_map(long r)
{
	return (void *)(r < 0 && r >= -4095 ? preload_result((int)r) : r);
}

void *shm_mmap(void *memory, size_t size, int prot, int flags, int fd, off_t offset)
{
	return touched_map(raw_kernel(
		SYS_mmap, (const long[6]){ (long)memory, (long)size, prot, flags, fd, offset }));
}

void *shm_copy(const void *memory, size_t size)
{
	return touched_map(RAW_KERNEL(SYS_mremap, (long)memory, 0, (long)size, MREMAP_MAYMOVE, 0));
}

INTERPOSE int munmap(void *memory, size_t size)
{
	shm_touch(memory, size);
	if (real.munmap)
		return real.munmap(memory, size);
	return preload_result((int)RAW_KERNEL(SYS_munmap, (long)memory, (long)size));
}

static int touched_call(long nr, const void *memory, size_t size, long more)
{
	shm_touch(memory, size);
	return preload_result((int)RAW_KERNEL(nr, (long)memory, (long)size, more));
}

INTERPOSE int mprotect(void *memory, size_t size, int prot)
{
	return touched_call(SYS_mprotect, memory, size, prot);
}

INTERPOSE int madvise(void *memory, size_t size, int advice)
{
	return touched_call(SYS_madvise, memory, size, advice);
}

INTERPOSE int mlock(const void *memory, size_t size)
{
	return touched_call(SYS_mlock, memory, size, 0);
}

INTERPOSE int munlock(const void *memory, size_t size)
{
	return touched_call(SYS_munlock, memory, size, 0);
}

INTERPOSE void *mremap(void *memory, size_t size, size_t new_size, int flags, ...)
{
	void *target;
	va_list ap;

	/* Mostly absent, and not read then. */
	va_start(ap, flags);
	target = va_arg(ap, void *);
	va_end(ap);
	if (flags & MREMAP_FIXED)
		shm_touch(target, new_size);
	/* Of size 0: one more mapping of the same memory. */
	shm_touch(memory, size ? size : 1);
	if (real.mremap)
		return real.mremap(memory, size, new_size, flags, target);
	return touched_map(RAW_KERNEL(SYS_mremap, (long)memory, (long)size, (long)new_size, flags,
				      (long)target));
}

INTERPOSE void *mmap64(void *memory, size_t size, int prot, int flags, int fd, off64_t offset)
{
	if (flags & MAP_FIXED)
		shm_touch(memory, size);
	return (real.mmap ? real.mmap : shm_mmap)(memory, size, prot, flags, fd, offset);
}

INTERPOSE void *mmap(void *memory, size_t size, int prot, int flags, int fd, off_t offset)
{
	return mmap64(memory, size, prot, flags, fd, offset);
}

long raw_memory(long nr, const long args[6])
{
	switch (nr) {
	case SYS_munmap:
		return munmap((void *)args[0], (size_t)args[1]);
	case SYS_mremap:
		return (long)mremap((void *)args[0], (size_t)args[1], (size_t)args[2], (int)args[3],
				    (void *)args[4]);
	case SYS_mmap:
		return (long)mmap64((void *)args[0], (size_t)args[1], (int)args[2], (int)args[3],
				    (int)args[4], args[5]);
	default:
		return touched_call(nr, (const void *)args[0], (size_t)args[1], args[2]);
	}
}
