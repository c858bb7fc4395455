// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pids.c - the PIDs of a tree between its two lives: gone, free, and kept free
 *
 * A restore needs the very PIDs of the dump. The kernel hands out PIDs in
 * ascending order and wraps around, so a PID just freed stays free until the
 * counter (/proc/sys/kernel/ns_last_pid) comes by. With pid_max at its old
 * default of 32768, a busy build farm goes once around in half a minute, and a move
 * of a second would now and then lose its PID. Setting the counter to just behind
 * one of our PIDs, the one with the widest gap to the next of ours, makes that
 * need almost a whole round.
 */
#include "libmig/pids.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"

static int pids_compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

void pids_keep_clear(const pid_t *pids, size_t n)
{
	_cleanup_free_ pid_t *sorted = malloc(n * sizeof(*sorted));
	uint64_t pid_max = 32768, best_gap = 0;
	pid_t best = 0;
	char text[16];

	if (!sorted || n == 0)
		return;
	memcpy(sorted, pids, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), pids_compare);
	file_read_u64(AT_FDCWD, "/proc/sys/kernel/pid_max", &pid_max);
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

int pids_reap(const pid_t *pids, size_t n, uint64_t timeout_usec, struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + timeout_usec;

	for (size_t i = 0; i < n; i++) {
		while (kill(pids[i], 0) == 0 || errno != ESRCH) {
			if (waitpid(pids[i], NULL, __WALL | WNOHANG) > 0)
				continue;
			if (clock_mono_usec() > deadline)
				return err_set(err, ETIMEDOUT,
					       "pid %d of the old copy does not go away",
					       (int)pids[i]);
			clock_sleep_usec(50);
		}
	}
	return 0;
}
