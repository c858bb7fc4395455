// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * watch.c - the program that vcbench watches, and its log
 */
#include "bench/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"

#define VICTIM_READY_SEC 60

int victim_open(struct victim *victim, const struct bench *bench, int n, struct vc_err *err)
{
	_cleanup_close_ int fd = -1;

	snprintf(victim->path, sizeof(victim->path), "%s/images/bench-%d", bench->state_dir, n);
	fd = open(victim->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*victim->log)) < 0)
		return err_sys(err, errno, "%s", victim->path);
	victim->log = mmap(NULL, sizeof(*victim->log), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (victim->log == MAP_FAILED) {
		victim->log = NULL;
		return err_sys(err, errno, "%s", victim->path);
	}
	return 0;
}

int victim_await(const struct victim *victim, struct vc_err *err)
{
	const volatile uint32_t *magic = &victim->log->magic;
	uint64_t deadline = clock_mono_usec() + VICTIM_READY_SEC * UINT64_C(1000000);

	while (*magic != VICTIM_MAGIC) {
		if (bench_stop)
			return err_set(err, EINTR, "interrupted");
		if (clock_mono_usec() > deadline)
			return err_set(err, ETIMEDOUT,
				       "the program to be watched does not get ready");
		clock_sleep_usec(1000);
	}
	return 0;
}

void victim_end(struct victim *victim)
{
	if (!victim->log)
		return;
	victim->log->order = VICTIM_END;
	munmap(victim->log, sizeof(*victim->log));
	victim->log = NULL;
	unlink(victim->path);
}

double victim_gap_msec(const struct victim *victim, uint64_t since_usec)
{
	const struct victim_log *log = victim->log;
	uint64_t n = log->n_gaps, longest = 0;

	for (uint64_t i = n > VICTIM_GAPS ? n - VICTIM_GAPS : 0; i < n; i++) {
		const struct victim_gap *gap = &log->gaps[i % VICTIM_GAPS];

		if (gap->at_usec >= since_usec && gap->usec > longest)
			longest = gap->usec;
	}
	return (double)longest / 1e3;
}
