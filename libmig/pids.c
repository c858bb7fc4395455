// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pids.c - the PIDs of a tree between its two lives: gone, free, and kept free
 *
 * A restore needs the very PIDs of the dump. The kernel hands out PIDs in
 * ascending order and wraps around, so a PID just freed stays free until the
 * counter (/proc/sys/kernel/ns_last_pid) comes by. With pid_max at its old
 * default of 32768, a busy build farm goes once around in half a minute, and a move
 * of a second would now and then lose its PID. When it is near, setting it to just behind
 * one of our PIDs, the one with the widest gap to the next of ours, makes that
 * need almost a whole round. Threads have numbers of the same kind, mostly the
 * very next after their process's, so they count as much as the processes do.
 */
#include "libmig/pids.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/proc.h"
#include "common/procdir.h"

static int pids_compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

struct pids_list {
	pid_t *numbers;
	size_t n, size;
};

static int pids_add(struct pids_list *list, pid_t number)
{
	if (list->n == list->size) {
		size_t size = list->size ? list->size * 2 : 64;
		pid_t *grown = realloc(list->numbers, size * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->numbers = grown;
		list->size = size;
	}
	list->numbers[list->n++] = number;
	return 0;
}

static int pids_add_threads(struct pids_list *list, pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	pid_t tid;
	int r = 0;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid);
	while (r == 0 && (tid = procdir_next_pid(&dir)) > 0)
		if (tid != pid)
			r = pids_add(list, tid);
	return r;
}

/* A number kept only by a group or session: nobody has it, and yet it is not free. */
static int pids_add_groups(struct pids_list *list, pid_t pid)
{
	int group, session, r = 0;

	if (proc_scan_stat(pid, " %*c %*d %d %d", &group, &session) != 2)
		return 0;
	if (group > 0 && kill(group, 0) < 0 && errno == ESRCH)
		r = pids_add(list, group);
	if (r == 0 && session > 0 && session != group && kill(session, 0) < 0 && errno == ESRCH)
		r = pids_add(list, session);
	return r;
}

int pids_numbers(const pid_t *pids, size_t n, pid_t **ret, size_t *ret_n)
{
	struct pids_list list = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = pids_add(&list, pids[i]);
		if (r == 0)
			r = pids_add_threads(&list, pids[i]);
		if (r == 0)
			r = pids_add_groups(&list, pids[i]);
	}
	if (r < 0) {
		free(list.numbers);
		return r;
	}
	*ret = list.numbers;
	*ret_n = list.n;
	return 0;
}

/* Whether the counter has a quarter of its round to go before it comes to one of ours. Then
 * it is best left alone: what is just behind us may be what another move needs. */
static bool pids_are_far(const pid_t *sorted, size_t n, uint64_t pid_max)
{
	uint64_t last, next = (uint64_t)sorted[0] + pid_max;

	if (file_read_u64(AT_FDCWD, "/proc/sys/kernel/ns_last_pid", &last) < 0)
		return false;
	for (size_t i = n; i > 0 && (uint64_t)sorted[i - 1] > last; i--)
		next = (uint64_t)sorted[i - 1];
	return next - last > pid_max / 4;
}

void pids_keep_clear(const pid_t *numbers, size_t n)
{
	_cleanup_free_ pid_t *sorted = malloc(n * sizeof(*sorted));
	uint64_t pid_max = 32768, best_gap = 0;
	pid_t best = 0;
	char text[16];

	if (!sorted || n == 0)
		return;
	memcpy(sorted, numbers, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), pids_compare);
	file_read_u64(AT_FDCWD, "/proc/sys/kernel/pid_max", &pid_max);
	if (pids_are_far(sorted, n, pid_max))
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t next = i + 1 < n ? (uint64_t)sorted[i + 1] : (uint64_t)sorted[0] + pid_max;
		uint64_t gap = next - (uint64_t)sorted[i];

		if (gap > best_gap) {
			best_gap = gap;
			best = sorted[i];
		}
	}
	snprintf(text, sizeof(text), "%d", (int)best);
	file_write(AT_FDCWD, "/proc/sys/kernel/ns_last_pid", text);
}

/* Whose process or thread it is. */
static unsigned int pids_uid(pid_t pid)
{
	struct stat st = { .st_uid = 0 };
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	stat(path, &st);
	return (unsigned int)st.st_uid;
}

int pids_reap(const pid_t *numbers, size_t n, uint64_t timeout_usec, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + timeout_usec;

	for (size_t i = 0; i < n; i++) {
		while (kill(numbers[i], 0) == 0 || errno != ESRCH) {
			char name[PROC_NAME];

			if (waitpid(numbers[i], NULL, __WALL | WNOHANG) > 0)
				continue;
			if (clock_mono_usec() <= deadline) {
				clock_sleep_usec(50);
				continue;
			}
			proc_name(numbers[i], name);
			return err_set(err, ETIMEDOUT,
				       "pid %d, which the job must have again, is taken by another "
				       "process (%s, uid %u)",
				       (int)numbers[i], name, pids_uid(numbers[i]));
		}
	}
	return 0;
}
