// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * threads.c - the CPU affinity of a job's threads, over a change of their cpuset
 *
 * The kernel lets a thread run on all CPUs of its new cpuset, whatever it was bound to. Threads
 * that were created during the move have the affinity of the thread that created them: the old one
 * or already the new one, but which thread that was is not known.
 */
#include "libmig/live/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/affinity.h"

struct thread {
	pid_t pid, tid;
	struct affinity affinity;
};

struct threads {
	struct thread *list;
	size_t n;
	bool bound; /* one of them at least may not run on all CPUs */
};

/* Calls f for each thread of a process, until it fails. A process that has ended has none. */
static int threads_each(pid_t pid, int (*f)(pid_t pid, pid_t tid, void *arg), void *arg)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	pid_t tid;
	int r = 0;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid);
	while (r == 0 && (tid = procdir_next_pid(&dir)) > 0)
		r = f(pid, tid, arg);
	return r;
}

struct taking {
	struct threads *threads;
	struct cpu_mask cpuset;
};

static int threads_take_one(pid_t pid, pid_t tid, void *arg)
{
	struct taking *taking = arg;
	struct threads *threads = taking->threads;
	struct thread *thread;
	int r;

	thread = array_add(&threads->list, &threads->n);
	if (!thread)
		return -ENOMEM;
	thread->pid = pid;
	thread->tid = tid;
	r = affinity_read(tid, &taking->cpuset, &thread->affinity);
	if (r < 0) {
		threads->n--;
		return r;
	}
	threads->bound |= thread->affinity.position != NULL;
	return 0;
}

int threads_take(const pid_t *pids, size_t n, const char *cpus, struct threads **ret)
{
	struct taking taking = { .threads = calloc(1, sizeof(*taking.threads)) };
	int r = taking.threads ? affinity_parse(cpus, &taking.cpuset) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = threads_each(pids[i], threads_take_one, &taking);
	if (r < 0)
		threads_free(taking.threads);
	else
		*ret = taking.threads;
	return r;
}

void threads_free(struct threads *threads)
{
	if (!threads)
		return;
	for (size_t i = 0; i < threads->n; i++)
		free(threads->list[i].affinity.position);
	free(threads->list);
	free(threads);
}

/* The thread itself, else another one of its process. NULL: the process was not noted. */
static const struct thread *threads_find(const struct threads *threads, pid_t pid, pid_t tid)
{
	const struct thread *other = NULL;

	for (size_t i = 0; i < threads->n; i++) {
		const struct thread *thread = &threads->list[i];

		if (thread->pid == pid && thread->tid == tid)
			return thread;
		if (thread->pid == pid && (!other || thread->tid == pid))
			other = thread;
	}
	return other;
}

struct putting {
	const struct threads *threads;
	struct cpu_mask cpuset;
	int first;
};

static int threads_put_one(pid_t pid, pid_t tid, void *arg)
{
	struct putting *putting = arg;
	const struct thread *thread = threads_find(putting->threads, pid, tid);
	pid_t parent;
	int r;

	if (!thread && proc_look(pid, NULL, &parent) == 0)
		thread = threads_find(putting->threads, parent, parent);
	r = thread ? affinity_put(tid, &thread->affinity, &putting->cpuset) : 0;
	if (r < 0 && r != -ESRCH && putting->first == 0)
		putting->first = r;
	return 0;
}

int threads_put(const struct threads *threads, const pid_t *pids, size_t n, const char *cpus)
{
	struct putting putting = { .threads = threads };
	int r = affinity_parse(cpus, &putting.cpuset);

	if (r < 0 || !threads->bound)
		return r;
	for (size_t i = 0; i < n; i++)
		threads_each(pids[i], threads_put_one, &putting);
	return putting.first;
}
