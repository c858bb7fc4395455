// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memory.c - checks that memory exists where the program's argument points
 *
 * The kernel returns EFAULT for a wrong pointer, while a library would get SIGSEGV. So the kernel
 * is asked, by calls that change nothing: rt_sigprocmask(2) reads the set before it refuses the
 * command, and FUTEX_WAKE_OP adds 0 to a word if it can write it. Each checks one page.
 */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"

#define PAGE_BYTES 4096u /* no page is smaller */
#define NO_COMMAND (-1)
#define STACK_PAGES 256u

static __thread uintptr_t memory_page; /* number of a page that was writable at the last check */

static int memory_is_readable(uintptr_t at)
{
	return syscall(SYS_rt_sigprocmask, NO_COMMAND, at & ~7ul, NULL, sizeof(uint64_t)) < 0 &&
	       errno != EFAULT;
}

static int memory_is_writable(uintptr_t at)
{
	uint32_t word = 0;

	return syscall(SYS_futex, &word, FUTEX_WAKE_OP_PRIVATE, 0, 0, at & ~3ul,
		       FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) >= 0;
}

/*
 * Most arguments are on the stack, which exists: in the page of this frame, or in a higher page
 * that existed at the last call.
 */
static bool memory_is_stack(uintptr_t at, uintptr_t frame)
{
	uintptr_t page = at / PAGE_BYTES, here = frame / PAGE_BYTES;

	return page == here || (page == memory_page && page > here && page - here < STACK_PAGES);
}

static int memory_check(const void *memory, size_t size, int (*is_there)(uintptr_t))
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	uintptr_t at = (uintptr_t)memory, end = at + size;
	int saved = errno;

	if (size == 0)
		return 0;
	/* NULL, and addresses that are rounded to it. */
	if (at < sizeof(uint64_t) || end < at)
		return -EFAULT;
	for (; at < end; at = (at / PAGE_BYTES + 1) * PAGE_BYTES) {
		if (memory_is_stack(at, frame))
			continue;
		if (!is_there(at)) {
			errno = saved;
			return -EFAULT;
		}
		if (is_there == memory_is_writable)
			memory_page = at / PAGE_BYTES;
	}
	errno = saved;
	return 0;
}

int memory_check_read(const void *memory, size_t size)
{
	return memory_check(memory, size, memory_is_readable);
}

int memory_check_write(void *memory, size_t size)
{
	return memory_check(memory, size, memory_is_writable);
}

int memory_take(void *ret, const void *argument, size_t size)
{
	int r = memory_check_read(argument, size);

	if (r == 0)
		memcpy(ret, argument, size);
	return r;
}

int memory_give(void *argument, const void *from, size_t size)
{
	int r = memory_check_write(argument, size);

	if (r == 0)
		memcpy(argument, from, size);
	return r;
}
