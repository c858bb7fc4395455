// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mem.c - kernel locks of one address space: mappings, page faults, futexes, fork
 *
 * A domain is a process. Its threads share mmap_lock and the page tables, and each
 * unmapping interrupts the CPUs of all of them. Since Linux 6.4 a fault takes the
 * lock of its own mapping only (mm/mmap_lock.h), and since 6.16 a process has a
 * futex hash of its own (kernel/futex/core.c): on a new kernel expect less there.
 */
#include "bench/work/work.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAP_PAGES 16u
#define FAULT_PAGES 64u
#define FUTEX_WORDS 1024u
#define FORK_BYTES (16u << 20) /* whose page tables each child gets a copy of */

static void touch_pages(unsigned char *memory, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		*(volatile unsigned char *)(memory + (size_t)i * 4096) = 1;
}

static unsigned char *map_pages(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Map 64 KiB, write to each page, unmap: what an allocator does under load. */
static uint64_t mmap_once(struct worker *worker)
{
	unsigned char *memory = map_pages(MAP_PAGES * 4096);

	if (!memory)
		work_die("mmap", errno);
	touch_pages(memory, MAP_PAGES);
	munmap(memory, MAP_PAGES * 4096);
	return 0;
}

WORK(mmap, .once = mmap_once);

static int fault_enter(struct worker *worker)
{
	worker->own = map_pages(FAULT_PAGES * 4096);
	if (!worker->own)
		return -errno;
	/* One fault a page, also where huge pages are the default. */
	madvise(worker->own, FAULT_PAGES * 4096, MADV_NOHUGEPAGE);
	return 0;
}

/* The mapping stays; its pages go and are faulted in again. */
static uint64_t fault_once(struct worker *worker)
{
	touch_pages(worker->own, FAULT_PAGES);
	if (madvise(worker->own, FAULT_PAGES * 4096, MADV_DONTNEED) < 0)
		work_die("madvise", errno);
	return 0;
}

static void fault_leave(struct worker *worker)
{
	munmap(worker->own, FAULT_PAGES * 4096);
}

WORK(fault, .enter = fault_enter, .once = fault_once, .leave = fault_leave);

static int futex_open(const struct domain_args *args, void **ret)
{
	*ret = calloc(FUTEX_WORDS, sizeof(uint32_t));
	return *ret ? 0 : -ENOMEM;
}

/* A wait that finds the word changed, and a wake: the lock of a hash bucket, twice. */
static uint64_t futex_once(struct worker *worker)
{
	uint32_t *word = (uint32_t *)worker->domain + work_random(worker) % FUTEX_WORDS;

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return 0;
}

WORK(futex, .open = futex_open, .close = free, .once = futex_once);

static int fork_open(const struct domain_args *args, void **ret)
{
	size_t bytes = FORK_BYTES / args->n_domains;
	unsigned char *memory = map_pages(bytes);

	if (!memory)
		return -errno;
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	touch_pages(memory, (unsigned int)(bytes / 4096));
	*ret = NULL; /* it goes with the process */
	return 0;
}

static uint64_t fork_once(struct worker *worker)
{
	work_child(worker, NULL);
	return 0;
}

WORK(fork, .open = fork_open, .once = fork_once);
