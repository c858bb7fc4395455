/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * quiet.h - waiting for a quiet moment; how noisy it was
 *
 * On a machine that others use, most of the noise is their CPU time. vcbench waits before
 * each measurement of lock and interfere until nobody else wants a CPU, and measures again
 * what was disturbed meanwhile, until its patience is used up; then it takes what it
 * gets. The rule knows nothing of a measurement's result, only of others' CPU time and of
 * stolen time, so it does not choose among results. How noisy it was stands in the figures.
 */
#ifndef VC_BENCH_BENCH_QUIET_H
#define VC_BENCH_BENCH_QUIET_H

#include "bench/bench.h"
#include "bench/estimate.h"

#define BENCH_QUIET_PCT 10.0 /* of all CPUs: what others may have in a quiet moment */

/* Of the measurements of one benchmark; begins zeroed. */
struct bench_noise {
	struct samples others_pct, steal_pct; /* of those that were kept */
	size_t noisy;                         /* of these, above the limit */
	size_t again;                         /* were thrown away */
};

/* All CPUs' ticks so far: busy, and taken by the hypervisor for other machines. */
void bench_machine_times(uint64_t *busy, uint64_t *steal);
/* Returns in a quiet moment, or after a while, or when the patience is used up. */
void bench_await_quiet(struct bench *bench);
/* Whether a measurement that took so long is to be thrown away and done again; if not, it
 * is noted. Percentages NAN: not known, so no. */
bool bench_too_noisy(struct bench *bench, struct bench_noise *noise, double others_pct,
		     double steal_pct, uint64_t took_usec);
/* What others and the hypervisor have of the machine at this moment, in percent, when nothing of
 * ours runs: for measurements whose own CPU time is not known. Takes 0.1 s. */
void bench_look(double *ret_others_pct, double *ret_steal_pct);
/* A comparison of what was measured in n rounds; noise: what others and the hypervisor had in each
 * of them, of the one side and of the other. NAN: not measured. */
void bench_note_noise(struct estimate *estimate, const double *const noise[2], size_t n);
/* What is said of an estimate on the terminal, "gain" and "cost" being the caller's words. */
const char *bench_verdict(struct estimate estimate, const char *more, const char *less);
/* A sentence on the terminal: how noisy it was. */
void bench_print_noise(struct bench_noise *noise);
/* {"others_pct", "steal_pct": {"median", "p90"} or null, "limit_pct", "kept", "noisy",
 * "again"}; the caller's. */
json_t *bench_noise_json(struct bench_noise *noise);
void bench_noise_done(struct bench_noise *noise);

#endif
