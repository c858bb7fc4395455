// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * recharge.c - a job's memory is charged to the group that its processes are in now
 *
 * Two ways, both of which the kernel offers for other processes:
 *
 *	collapse  MADV_COLLAPSE makes a new huge page of a whole block. The kernel leaves a block
 *		  alone that is a huge page already, so such a block is split first: by MADV_COLD
 *		  for one small page of it, which has no other effect than the page's age.
 *	copy      The process is made to fork. Its pages are shared with the child then, and reading
 *		  one by process_vm_readv(2) makes the kernel give the process a copy of its own:
 *		  the page is pinned for the read, and a shared page may not be pinned. No content
 *		  is written, so the process may write during it. With the child's end the old
 *		  pages are free.
 *
 * A fork takes the time that the page table's copy takes, during which the process cannot take page
 * faults: about 1 ms for RECHARGE_COPY_MAX of small pages. Larger processes keep these pages where
 * they are. Pages that several processes share since a fork are left alone, because each process
 * would get a copy.
 *
 * A child process does the work. It is the tracer of the job's threads for some 100 us at a time.
 *If the caller is killed, the child finishes its work.
 */
#include "libmig/live/recharge.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "libmig/live/fork.h"
#include "libmig/live/pages.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define RECHARGE_COPY_MAX (UINT64_C(32) << 20)
#define RECHARGE_CHUNK (8u * PAGES_BLOCK) /* between two reports */
#define RECHARGE_PAGE 4096u
#define RECHARGE_READ 512 /* pages in one call */
/* The work takes this long at most, with more for each process and each byte that is charged anew:
 * a job's user can make single steps last. */
#define RECHARGE_USEC 10000000u
#define RECHARGE_PROCESS_USEC 10000u
#define RECHARGE_BYTES_PER_USEC 32u
#define RECHARGE_END_USEC 1000000u /* for a killed child that is in an uninterruptible sleep */
#define RECHARGE_MENDS 4           /* passes */

/* What the child has done; it reports this. */
struct recharging {
	struct recharge sum;
	size_t done; /* of the processes */
	uint64_t begun_usec;
	int pipe;
};

static bool recharge_report(struct recharging *recharging)
{
	return write(recharging->pipe, recharging, sizeof(*recharging)) ==
	       (ssize_t)sizeof(*recharging);
}

/* An administrator who wants no huge pages at all gets none. */
static bool recharge_may_collapse(void)
{
	char text[64];

	return file_read(AT_FDCWD, "/sys/kernel/mm/transparent_hugepage/enabled", text,
			 sizeof(text)) > 0 &&
	       !strstr(text, "[never]");
}

static int recharge_advise(int pidfd, struct iovec *ranges, size_t n, int advice)
{
	return syscall(SYS_process_madvise, pidfd, ranges, n, advice, 0) < 0 ? -errno : 0;
}

static int recharge_collapse_chunk(int pidfd, uint64_t start, uint64_t end)
{
	struct iovec first[RECHARGE_CHUNK / PAGES_BLOCK];
	struct iovec all = { .iov_base = (void *)start, .iov_len = end - start };
	size_t n = 0;

	for (uint64_t at = start; at < end; at += PAGES_BLOCK)
		first[n++] = (struct iovec){ .iov_base = (void *)at, .iov_len = RECHARGE_PAGE };
	recharge_advise(pidfd, first, n, MADV_COLD);
	return recharge_advise(pidfd, &all, 1, MADV_COLLAPSE);
}

/* Blocks that cannot be collapsed are to be copied. */
static void recharge_collapse(int pidfd, struct pages *pages, struct recharging *recharging)
{
	bool may = recharge_may_collapse();

	for (size_t i = 0; i < pages->blocks.n; i++) {
		const struct pages_range *range = &pages->blocks.list[i];

		for (uint64_t at = range->start, end; at < range->end; at = end) {
			end = range->end - at > RECHARGE_CHUNK ? at + RECHARGE_CHUNK : range->end;
			if (may && recharge_collapse_chunk(pidfd, at, end) == 0)
				recharging->sum.moved_bytes += end - at;
			else
				pages_add(&pages->small, at, end);
			if (!recharge_report(recharging))
				_exit(0);
		}
	}
}

/* Claims the pages of a range for the process. Returns the bytes that were read. */
static uint64_t recharge_claim(pid_t pid, const struct pages_range *range)
{
	uint64_t at = range->start, bytes = 0;

	while (at < range->end) {
		struct iovec remote[RECHARGE_READ], local;
		char byte[RECHARGE_READ];
		size_t n = 0;
		ssize_t got;

		for (uint64_t page = at; page < range->end && n < RECHARGE_READ;
		     page += RECHARGE_PAGE)
			remote[n++] = (struct iovec){ .iov_base = (void *)page, .iov_len = 1 };
		local = (struct iovec){ .iov_base = byte, .iov_len = n };
		got = process_vm_readv(pid, &local, 1, remote, n, 0);
		if (got < 0 && errno != EFAULT)
			break;
		/* One that was unmapped since is passed by. */
		bytes += got > 0 ? (uint64_t)got * RECHARGE_PAGE : 0;
		at += ((uint64_t)(got > 0 ? got : 0) + ((size_t)got != n)) * RECHARGE_PAGE;
	}
	return bytes;
}

/* Huge pages that the process has written to while the child lived are broken into small ones, and
 * the rest of each is still charged. A block with a page that another CPU holds for a moment cannot
 * be collapsed then, so there is more than one pass. */
static void recharge_mend(pid_t pid, int pidfd)
{
	size_t broken = recharge_may_collapse();

	for (int pass = 0; broken > 0 && pass < RECHARGE_MENDS; pass++) {
		struct pages pages;

		if (pages_look(pid, true, &pages) < 0)
			return;
		broken = pages.blocks.n;
		for (size_t i = 0; i < pages.blocks.n; i++) {
			const struct pages_range *range = &pages.blocks.list[i];
			struct iovec all = { .iov_base = (void *)range->start,
					     .iov_len = range->end - range->start };

			recharge_advise(pidfd, &all, 1, MADV_COLLAPSE);
		}
		pages_done(&pages);
	}
}

/* While the child lives, a write of the process costs it a copy. So this is not to wait for others'
 * turns on a busy machine. */
static void recharge_hurry(bool hurry)
{
	const struct sched_param param = { .sched_priority = hurry ? 1 : 0 };

	sched_setscheduler(0, hurry ? SCHED_FIFO : SCHED_OTHER, &param);
}

/* -EBUSY: no other process may be tried, see fork_begin(). */
static int recharge_copy(pid_t pid, int pidfd, const struct pages *pages,
			 struct recharging *recharging)
{
	struct forked forked;
	uint64_t bytes = 0;
	int r, end;

	if (pages->small.bytes == 0 || pages->small.bytes > RECHARGE_COPY_MAX)
		return 0;
	recharge_hurry(true);
	r = fork_begin(pid, pidfd, &forked);
	for (size_t i = 0; r == 0 && i < pages->small.n; i++)
		bytes += recharge_claim(pid, &pages->small.list[i]);
	end = fork_end(&forked);
	recharge_hurry(false);
	if (forked.stop_usec > recharging->sum.stop_usec)
		recharging->sum.stop_usec = forked.stop_usec;
	recharging->sum.moved_bytes += bytes;
	return r == -EBUSY || end == -EBUSY ? -EBUSY : 0;
}

/* Opens a process of the job; -ESRCH: the number is another process's. */
static int recharge_open(const struct recharge_job *job, pid_t pid)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0 || !job->has(pid, job->ctx) ||
	    syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0)
		return -ESRCH;
	return steal_fd(&pidfd);
}

/* -EBUSY: see recharge_copy(). */
static int recharge_process(const struct recharge_job *job, pid_t pid,
			    struct recharging *recharging)
{
	_cleanup_close_ int pidfd = recharge_open(job, pid);
	struct recharge *sum = &recharging->sum;
	uint64_t before = sum->moved_bytes, all, moved;
	struct pages pages;
	int r;

	if (pidfd < 0 || pages_look(pid, false, &pages) < 0)
		return 0;
	all = pages.blocks.bytes + pages.small.bytes;
	recharge_collapse(pidfd, &pages, recharging);
	r = recharge_copy(pid, pidfd, &pages, recharging);
	if (pages.blocks.n > 0)
		recharge_mend(pid, pidfd);
	moved = sum->moved_bytes - before;
	sum->left_bytes += pages.shared_bytes + (all > moved ? all - moved : 0);
	sum->shared_bytes += pages.shared_bytes;
	pages_done(&pages);
	return r;
}

/* Goes on where the child before it has ended. */
static _Noreturn void recharge_child(const struct recharge_job *job, struct recharging recharging)
{
	sigset_t child;
	int r = 0;

	/* For fork_begin(). */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGCHLD, SIG_DFL);
	/* The caller's connections are not to stay open here if it is killed. */
	if (recharging.pipe > 0)
		close_range(0, (unsigned int)recharging.pipe - 1, 0);
	close_range((unsigned int)recharging.pipe + 1, ~0u, 0);
	while (r == 0 && recharging.done < job->n) {
		r = recharge_process(job, job->pids[recharging.done++], &recharging);
		if (!recharge_report(&recharging))
			break;
	}
	_exit(0);
}

static uint64_t recharge_deadline(const struct recharging *recharging)
{
	return recharging->begun_usec + RECHARGE_USEC + recharging->done * RECHARGE_PROCESS_USEC +
	       recharging->sum.moved_bytes / RECHARGE_BYTES_PER_USEC;
}

/* The caller's handler of SIGCHLD removes a child that does not end in time. */
static void recharge_end(pid_t child)
{
	uint64_t deadline = clock_mono_usec() + RECHARGE_END_USEC;

	while (waitpid(child, NULL, WNOHANG) == 0 && clock_mono_usec() < deadline)
		clock_sleep_usec(RECHARGE_END_USEC / 1000);
}

static int recharge_await(pid_t child, int pipe, struct recharging *ret)
{
	struct pollfd pfd = { .fd = pipe, .events = POLLIN };
	struct recharging last;
	ssize_t n = 1;
	int r = 0;

	while (r == 0 && n != 0) {
		uint64_t now = clock_mono_usec(), deadline = recharge_deadline(ret);
		int ready = now < deadline ? poll(&pfd, 1, (int)((deadline - now) / 1000 + 1)) : 0;

		if (ready < 0 && errno == EINTR)
			continue;
		n = ready > 0 ? read(pipe, &last, sizeof(last)) : 0;
		if (ready <= 0)
			r = -ETIMEDOUT;
		else if (n == (ssize_t)sizeof(last))
			*ret = last;
	}
	if (r < 0)
		kill(child, SIGKILL);
	recharge_end(child);
	return r;
}

static int recharge_some(const struct recharge_job *job, struct recharging *recharging)
{
	size_t before = recharging->done;
	int ends[2], r;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	recharging->pipe = ends[1];
	child = fork();
	r = child < 0 ? -errno : 0;
	if (child == 0)
		recharge_child(job, *recharging);
	close(ends[1]);
	if (r == 0)
		r = recharge_await(child, ends[0], recharging);
	close(ends[0]);
	return r == 0 && recharging->done == before ? -EIO : r;
}

int recharge_run(const struct recharge_job *job, struct recharge *ret)
{
	struct recharging recharging = { .begun_usec = clock_mono_usec() };
	int r = 0;

	/* More than one child if a thread does not stop: it is traced until that child ends. */
	while (r == 0 && recharging.done < job->n)
		r = recharge_some(job, &recharging);
	*ret = recharging.sum;
	return r;
}

void recharge_look(const pid_t *pids, size_t n, struct recharge *ret)
{
	*ret = (struct recharge){ 0 };
	for (size_t i = 0; i < n; i++) {
		struct pages pages;
		uint64_t small;

		if (pages_look(pids[i], false, &pages) < 0)
			continue;
		small = pages.small.bytes + (recharge_may_collapse() ? 0 : pages.blocks.bytes);
		ret->moved_bytes += pages.blocks.bytes + pages.small.bytes;
		if (small > RECHARGE_COPY_MAX) {
			ret->moved_bytes -= small;
			ret->left_bytes += small;
		}
		ret->left_bytes += pages.shared_bytes;
		ret->shared_bytes += pages.shared_bytes;
		pages_done(&pages);
	}
}
