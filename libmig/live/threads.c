// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * threads.c - the CPU affinity of a job's threads, over a change of their cpuset
 *
 * The kernel lets a thread run on all CPUs of its new cpuset, whatever it was bound to. Threads
 * that were created during the move have the affinity of the thread that created them: the old one
 * or already the new one, but which thread that was is not known.
 */
#include "libmig/live/threads.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/affinity.h"

struct thread {
	pid_t pid, tid;
	struct affinity affinity;
};

struct threads {
	struct thread *list;
	size_t n, room;
	bool bound; /* one of them at least may not run on all CPUs */
};

/* Calls f for each thread of a process, until it fails. A process that has ended has none. */
static int threads_each(pid_t pid, int (*f)(pid_t pid, pid_t tid, void *arg), void *arg)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[32];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (r == 0 && dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = f(pid, (pid_t)atoi(entry->d_name), arg);
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

	if (threads->n == threads->room) {
		size_t room = threads->room ? 2 * threads->room : 64;
		struct thread *grown = reallocarray(threads->list, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		threads->list = grown;
		threads->room = room;
	}
	thread = &threads->list[threads->n];
	*thread = (struct thread){ .pid = pid, .tid = tid };
	r = affinity_read(tid, &taking->cpuset, &thread->affinity);
	if (r < 0)
		return r;
	threads->n++;
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
