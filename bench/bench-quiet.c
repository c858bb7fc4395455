// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * bench-quiet.c - waiting for a quiet moment
 *
 * On a machine that others use, most of the noise is their CPU time. With --patience,
 * vcbench waits before each measurement until nobody wants the CPUs, and measures again
 * what was disturbed meanwhile; when its patience is used up it takes what it gets.
 * How noisy it was stands in the figures either way.
 */
#include "bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"

#define QUIET_LOOK_USEC 40000u
#define QUIET_PAUSE_USEC 100000u

void bench_machine_times(uint64_t *busy, uint64_t *steal)
{
	uint64_t t[8] = { 0 };
	char line[512];

	if (file_read(AT_FDCWD, "/proc/stat", line, sizeof(line)) > 0)
		sscanf(line, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &t[0], &t[1], &t[2], &t[3],
		       &t[4], &t[5], &t[6], &t[7]);
	*busy = t[0] + t[1] + t[2] + t[5] + t[6];
	*steal = t[7];
}

/* The clock of /proc/stat is coarse: at most one tick in the time of the look. */
static bool quiet_now(void)
{
	uint64_t busy, steal, busy_then, steal_then;

	bench_machine_times(&busy, &steal);
	clock_sleep_usec(QUIET_LOOK_USEC);
	bench_machine_times(&busy_then, &steal_then);
	return busy_then - busy + steal_then - steal <= 1;
}

void bench_await_quiet(struct bench *bench)
{
	uint64_t began = clock_mono_usec(), waited = 0;

	while (!bench_stop && waited < bench->patience_usec && !quiet_now()) {
		clock_sleep_usec(QUIET_PAUSE_USEC);
		waited = clock_mono_usec() - began;
	}
	bench->patience_usec -= waited < bench->patience_usec ? waited : bench->patience_usec;
}

bool bench_measure_again(struct bench *bench, double disturbed_pct, uint64_t took_usec)
{
	if (!(disturbed_pct > BENCH_QUIET_PCT) || bench->patience_usec <= took_usec || bench_stop)
		return false;
	bench->patience_usec -= took_usec;
	return true;
}
