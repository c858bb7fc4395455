// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * quiet.c - waiting for a quiet moment, and recording the noise
 */
#include "bench/quiet.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"

#define QUIET_LOOK_USEC 40000u
#define QUIET_LOOK_LONG_USEC 100000u
#define QUIET_PAUSE_USEC 100000u
#define QUIET_LONGEST_USEC 15000000u /* for one wait: the patience is for the whole run */

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

/* The clock of /proc/stat is coarse: quiet means at most one tick. */
static bool quiet_now(void)
{
	uint64_t busy, steal, busy_then, steal_then;

	bench_machine_times(&busy, &steal);
	clock_sleep_usec(QUIET_LOOK_USEC);
	bench_machine_times(&busy_then, &steal_then);
	return busy_then - busy + steal_then - steal <= 1;
}

void bench_look(double *ret_others_pct, double *ret_steal_pct)
{
	double ticks = (double)sysconf(_SC_CLK_TCK) * (double)sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t busy, steal, busy_then, steal_then, began = clock_mono_usec();
	double all;

	bench_machine_times(&busy, &steal);
	clock_sleep_usec(QUIET_LOOK_LONG_USEC);
	bench_machine_times(&busy_then, &steal_then);
	all = ticks * (double)(clock_mono_usec() - began) / 1e6;
	*ret_others_pct = 100 * (double)(busy_then - busy) / all;
	*ret_steal_pct = 100 * (double)(steal_then - steal) / all;
}

void bench_note_noise(struct estimate *estimate, const double *const noise[2], size_t n)
{
	struct samples all = { 0 };
	size_t noisy = 0;

	for (size_t i = 0; i < 2 * n; i++) {
		double pct = noise[i % 2][i / 2];

		if (!isfinite(pct))
			continue;
		samples_add(&all, pct);
		noisy += pct > BENCH_QUIET_PCT;
	}
	if (all.n > 0) {
		estimate->noise_pct = samples_quantile(&all, 0.5);
		estimate->noisy_pct = 100 * (double)noisy / (double)all.n;
	}
	samples_done(&all);
}

const char *bench_verdict(struct estimate estimate, const char *more, const char *less)
{
	switch (estimate_says(estimate)) {
	case SAYS_FEW:
		return "few rounds";
	case SAYS_NOISY:
		return "not quiet";
	case SAYS_MORE:
		return more;
	case SAYS_LESS:
		return less;
	case SAYS_SAME:
		return "none shown";
	case SAYS_NONE:
		break;
	}
	return "-";
}

void bench_print_noise(struct bench_noise *noise)
{
	double kept = (double)noise->others_pct.n;

	if (noise->others_pct.n == 0)
		return;
	printf("Others had %.1f %% of the machine meanwhile (median; %.1f %% in the worst tenth), "
	       "the "
	       "hypervisor's other machines %.1f %%; %zu of %.0f measurements were disturbed by "
	       "more than %.0f %%.\n",
	       samples_quantile(&noise->others_pct, 0.5), samples_quantile(&noise->others_pct, 0.9),
	       samples_quantile(&noise->steal_pct, 0.5), noise->noisy, kept, BENCH_QUIET_PCT);
	if (100 * (double)noise->noisy > ESTIMATE_NOISY * kept)
		puts("It was not quiet: nothing is said of what was disturbed. Measure again with "
		     "a "
		     "larger --patience, or when nobody else uses the machine.");
}

void bench_await_quiet(struct bench *bench)
{
	uint64_t began = clock_mono_usec(), waited = 0;

	while (!bench_stop && waited < bench->patience_usec && waited < QUIET_LONGEST_USEC &&
	       !quiet_now()) {
		clock_sleep_usec(QUIET_PAUSE_USEC);
		waited = clock_mono_usec() - began;
	}
	bench->patience_usec -= waited < bench->patience_usec ? waited : bench->patience_usec;
}

bool bench_too_noisy(struct bench *bench, struct bench_noise *noise, double others_pct,
		     double steal_pct, uint64_t took_usec)
{
	bool noisy = others_pct + steal_pct > BENCH_QUIET_PCT;

	if (noisy && bench->patience_usec > took_usec && !bench_stop) {
		bench->patience_usec -= took_usec;
		noise->again++;
		return true;
	}
	if (isfinite(others_pct) && isfinite(steal_pct)) {
		samples_add(&noise->others_pct, others_pct);
		samples_add(&noise->steal_pct, steal_pct);
		noise->noisy += noisy;
	}
	return false;
}

static json_t *noise_share_json(struct samples *samples)
{
	if (samples->n == 0)
		return json_null();
	return json_pack("{s:f, s:f}", "median", samples_quantile(samples, 0.5), "p90",
			 samples_quantile(samples, 0.9));
}

json_t *bench_noise_json(struct bench_noise *noise)
{
	return json_pack("{s:o, s:o, s:f, s:i, s:i, s:i}", "others_pct",
			 noise_share_json(&noise->others_pct), "steal_pct",
			 noise_share_json(&noise->steal_pct), "limit_pct", BENCH_QUIET_PCT, "kept",
			 (int)noise->others_pct.n, "noisy", (int)noise->noisy, "again",
			 (int)noise->again);
}

void bench_noise_done(struct bench_noise *noise)
{
	samples_done(&noise->others_pct);
	samples_done(&noise->steal_pct);
}
