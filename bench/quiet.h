/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * quiet.h - waiting for a quiet moment, and recording the noise
 *
 * On a shared machine, most of the noise is CPU time of other processes. Before each measurement of
 * lock and interfere, vcbench waits until no other process needs a CPU. It repeats disturbed
 * measurements until its patience is used up, and then keeps them. The rule uses the CPU time of
 * others and stolen time only, never a result, so it does not select results. The results contain
 * the noise.
 */
#ifndef VC_BENCH_BENCH_QUIET_H
#define VC_BENCH_BENCH_QUIET_H

#include "bench/bench.h"
#include "bench/estimate.h"

#define BENCH_QUIET_PCT 10.0 /* of all CPUs: the most that others use in a quiet moment */

/* The noise of one benchmark; initially zero. */
struct bench_noise {
	struct samples others_pct, steal_pct; /* of the measurements that were kept */
	size_t noisy;                         /* the number of these above the limit */
	size_t again;                         /* the number of repeated measurements */
};

/* The ticks of all CPUs so far: busy, and stolen by the hypervisor. */
void bench_machine_times(uint64_t *busy, uint64_t *steal);
/* Waits for a quiet moment, for a limited time and until the patience is used up. */
void bench_await_quiet(struct bench *bench);
/* Returns true if a measurement must be repeated; otherwise records its noise. Percentages NAN: not
 * known, so false. */
bool bench_too_noisy(struct bench *bench, struct bench_noise *noise, double others_pct,
		     double steal_pct, uint64_t took_usec);
/* The present share of others and of the hypervisor in percent, while nothing of ours runs: for
 * measurements whose own CPU time is not known. Takes 0.1 s. */
void bench_look(double *ret_others_pct, double *ret_steal_pct);
/* Sets the noise of a comparison over n rounds. noise: the share of others and of the hypervisor in
 * each round, of each side. NAN: not measured. */
void bench_note_noise(struct estimate *estimate, const double *const noise[2], size_t n);
/* The verdict on an estimate; more and less are the words for a ratio above and below 1. */
const char *bench_verdict(struct estimate estimate, const char *more, const char *less);
/* Prints a sentence about the noise. */
void bench_print_noise(struct bench_noise *noise);
/* {"others_pct", "steal_pct": {"median", "p90"} or null, "limit_pct", "kept", "noisy",
 * "again"}; the caller's. */
json_t *bench_noise_json(struct bench_noise *noise);
void bench_noise_done(struct bench_noise *noise);

#endif
