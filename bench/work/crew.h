/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crew.h - what vcbench and the programs that do its work have in common
 *
 * A crew is a number of threads that do the same work at the same time, in one
 * process or in several (domains: what stands in a domain shares its locks). They
 * meet in one file, mapped by all, so that it does not matter who started a
 * process, and that neither side makes a system call while it is measured.
 *
 *	READY, all threads have come -> WARM -> MEASURE -> [COUNT] -> END
 *
 * vcbench turns the phase; each thread looks at it after every operation, and notes
 * for itself when it began and ended to be measured. COUNT is apart from MEASURE
 * because a counted tracepoint slows down just what is contended.
 */
#ifndef VC_BENCH_CREW_H
#define VC_BENCH_CREW_H

#include <stdatomic.h>
#include <stdint.h>

#define CREW_MAGIC 0x76636377
#define CREW_THREADS 1024
#define CREW_CONNECTIONS 8 /* of each thread that asks a server */

/* Latencies: 32 buckets an octave, so 3 % wide, from 1 ns to 18 minutes. */
#define HIST_SUB_BITS 5
#define HIST_SUB (1u << HIST_SUB_BITS)
#define HIST_OCTAVES 35
#define HIST_BUCKETS (HIST_SUB * (HIST_OCTAVES + 1))

/* name, perf's type and config (of a tracepoint: its path; of HITM: by the CPU), what it is
 * called in JSON. What the kernel takes for a cache miss is the CPU's own: of the last
 * level on Intel's, of L2 on AMD's Zen. */
#define CREW_COUNTERS(X)                                                                           \
	X(CYCLES, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, NULL, "cycles")                    \
	X(INSTRUCTIONS, PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, NULL, "instructions")      \
	X(CACHE_MISSES, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, NULL, "cache_misses")      \
	X(HITM, PERF_TYPE_RAW, COUNT_HITM_CONFIG, NULL, "hitm_loads")                              \
	X(SWITCHES, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, NULL, "context_switches")  \
	X(MIGRATIONS, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, NULL, "cpu_migrations")    \
	X(PAGE_FAULTS, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, NULL, "page_faults")         \
	X(CONTENTIONS, PERF_TYPE_TRACEPOINT, 0, "lock/contention_begin", "kernel_lock_waits")

enum crew_counter {
#define X(name, type, config, path, json) COUNTER_##name,
	CREW_COUNTERS(X)
#undef X
		N_COUNTERS,
};

enum crew_phase { CREW_READY, CREW_WARM, CREW_MEASURE, CREW_COUNT, CREW_END };

/* One thread's figures, written by that thread alone; valid when its process has ended. */
struct crew_thread {
	_Alignas(64) uint64_t ops;
	uint64_t nsec;      /* how long it was measured */
	uint64_t wait_nsec; /* of these, in the application's own lock */
	uint64_t waits;
	uint64_t cpu_nsec, queue_nsec; /* on a CPU; runnable without one */
	uint64_t children_nsec;        /* on a CPU: children that it has reaped */
	uint64_t switches_own, switches_forced;
	uint64_t counted_ops;         /* in COUNT */
	int64_t counters[N_COUNTERS]; /* -1: this machine has none */
	uint32_t hist[HIST_BUCKETS];
};

struct crew_map {
	uint32_t magic;
	uint32_t n_threads, n_domains;
	_Alignas(64) _Atomic uint32_t ready; /* threads that have come */
	_Alignas(64) _Atomic uint32_t phase; /* enum crew_phase */
	_Alignas(64) char error[256];        /* of a process that gives up: why */
	struct crew_thread threads[];
};

static inline uint32_t hist_bucket(uint64_t nsec)
{
	uint32_t octave, bucket;

	if (nsec < HIST_SUB)
		return (uint32_t)nsec;
	octave = 63 - (uint32_t)__builtin_clzll(nsec) - HIST_SUB_BITS;
	bucket = (octave + 1) * HIST_SUB + (uint32_t)(nsec >> octave) - HIST_SUB;
	return bucket < HIST_BUCKETS ? bucket : HIST_BUCKETS - 1;
}

/* The middle of a bucket, in nanoseconds. */
static inline double hist_value(uint32_t bucket)
{
	uint32_t octave = bucket / HIST_SUB;

	if (octave == 0)
		return bucket;
	return ((double)(bucket % HIST_SUB + HIST_SUB) + 0.5) *
	       (double)(UINT64_C(1) << (octave - 1));
}

#endif
