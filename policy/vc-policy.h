/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vc-policy.h - the interface of placement policies (installed; a policy needs no other header)
 *
 * A policy is a pure function: it gets the partitions' loads and returns an index. It does no I/O,
 * keeps no state and allocates nothing. All data that it needs is in the view, so the same view
 * always has the same answer, and a table can test it. Build one out of tree with
 *
 *	cc -shared -fPIC -o mine.so mine.c $(pkg-config --cflags vcrun-policy)
 *
 * put it into the policy directory, and use it with vcrun --policy=mine.
 *
 *	#include <vc-policy.h>
 *
 *	static int mine_place(const struct vc_view *view)
 *	{
 *		for (uint32_t i = 0; i < view->n; i++)
 *			if (vc_up(view, i))
 *				return (int)i;
 *		return -1;
 *	}
 *	VC_POLICY(.name = "mine", .summary = "the first partition that is up",
 *		  .place = mine_place);
 *
 * The daemon checks every answer. If the answer is not a partition, or a partition that is down, it
 * falls back to leastcpu and informs the user.
 *
 * Compatibility: fields are only appended. A policy has the size of the struct that it was built
 * with, and each view has its own. VC_POLICY_API changes only when the meaning of something here
 * changes; then old modules are refused.
 */
#ifndef VC_POLICY_H
#define VC_POLICY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VC_POLICY_API 1

/* vc_load.flags */
#define VC_LOAD_UP 1u /* its daemon lives; on a busy machine its sample can be late */

/* The last sample of a partition. Percentages are of the whole partition: 100 means that all its
 * CPUs are busy. */
struct vc_load {
	uint32_t flags;
	uint32_t ncpus;
	double cpu_pct;             /* utilisation of its CPUs by all processes, 0..100 */
	double group_cpu_pct;       /* its own share of that: by its jobs */
	double pending;             /* placements too recent to show in the sample, decaying */
	uint32_t runnable;          /* threads running or waiting for a CPU */
	uint32_t jobs;              /* jobs alive */
	uint64_t mem_used_bytes;    /* real memory of its jobs, without reclaimable page cache */
	uint64_t mem_limit_bytes;   /* its memory; the machine's when it has no limit */
	double mem_stall_pct;       /* PSI memory "some", 10 s average; 0 where unknown */
	uint64_t mem_charged_bytes; /* mem_used_bytes and page cache */
	double pending_mem_bytes;   /* expected of the placements in pending, decaying with them */
};

struct vc_view {
	uint32_t size;      /* sizeof(struct vc_view) of the caller */
	uint32_t load_size; /* sizeof(struct vc_load) of the caller: use vc_load_at() */
	uint32_t n;         /* partitions, at least 1 */
	/* The partition of the process that asks; for a move, of the process that asked for the
	 * job. The first partition if that process runs in none. */
	int32_t parent;
	const struct vc_load *loads;
	uint64_t now_usec;      /* CLOCK_MONOTONIC */
	uint64_t turn;          /* counts this policy's placements, over all daemons: 0, 1, 2 …;
				 * for an ordered move: its moves out of the same partition */
	uint64_t random;        /* 64 fresh random bits; derive more with vc_random() */
	int32_t current;        /* -1 for a new job; for a move, the job's partition */
	uint64_t job_mem_bytes; /* used by a job that can move; expected of a new one; 0 if not
				 * known */
	double job_cpus;        /* of a job that can move: CPUs kept busy; 0 if not known */
	/* Not 0: a user has ordered a move, and the policy chooses the target. Then place() is
	 * asked, and current counts as down. The answer current means that the job should stay. */
	uint32_t ordered;
	uint32_t outside; /* not 0: the process of parent runs in no partition */
};

struct vc_policy {
	uint32_t api;        /* VC_POLICY_API */
	uint32_t size;       /* sizeof(struct vc_policy) of the module */
	const char *name;    /* [a-z][a-z0-9]*, the file's name without .so */
	const char *summary; /* one line, for --help */
	/* Returns the index of the chosen partition; -1: none fits. Required. */
	int (*place)(const struct vc_view *view);
	/* For the balancer: returns where a job of view->current should move; -1: it stays.
	 * NULL: this policy never moves a job. */
	int (*rebalance)(const struct vc_view *view);
};

#if defined(__GNUC__)
#define VC_POLICY_EXPORT __attribute__((visibility("default")))
#else
#define VC_POLICY_EXPORT
#endif

/* Defines the one symbol that a module exports. */
#define VC_POLICY(...)                                                                             \
	extern VC_POLICY_EXPORT const struct vc_policy vc_policy;                                  \
	const struct vc_policy vc_policy = { .api = VC_POLICY_API,                                 \
					     .size = sizeof(struct vc_policy),                     \
					     __VA_ARGS__ }

/* The load of partition i, for any size of the caller's struct. */
static inline const struct vc_load *vc_load_at(const struct vc_view *view, uint32_t i)
{
	return (const struct vc_load *)(const void *)((const char *)view->loads +
						      (size_t)i * view->load_size);
}

/* False if i is not a partition. */
static inline int vc_up(const struct vc_view *view, uint32_t i)
{
	return i < view->n && (vc_load_at(view, i)->flags & VC_LOAD_UP) != 0;
}

static inline uint32_t vc_count_up(const struct vc_view *view)
{
	uint32_t up = 0;

	for (uint32_t i = 0; i < view->n; i++)
		up += vc_up(view, i) ? 1 : 0;
	return up;
}

/* The nth partition, from 0, of those that are up; -1: fewer are up. */
static inline int vc_nth_up(const struct vc_view *view, uint32_t nth)
{
	for (uint32_t i = 0; i < view->n; i++)
		if (vc_up(view, i) && nth-- == 0)
			return (int)i;
	return -1;
}

/*
 * The k-th random number of this view (splitmix64; Steele, Lea, Flood: "Fast
 * splittable pseudorandom number generators", OOPSLA 2014).
 */
static inline uint64_t vc_random(const struct vc_view *view, uint32_t k)
{
	uint64_t z = view->random + (uint64_t)k * 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Percentages with a smaller difference are equal: samples are not more exact. */
#define VC_SAME_PCT 1.0

/* The partition that an ordered move leaves; -1: no move was ordered. */
static inline int32_t vc_leaving(const struct vc_view *view)
{
	return view->size > offsetof(struct vc_view, ordered) && view->ordered ? view->current : -1;
}

/* Whether the process of parent runs in no partition. */
static inline int vc_outside(const struct vc_view *view)
{
	return view->size > offsetof(struct vc_view, outside) && view->outside;
}

/* The memory that the pending placements of partition i are expected to use. */
static inline double vc_pending_mem_bytes(const struct vc_view *view, uint32_t i)
{
	return view->load_size > offsetof(struct vc_load, pending_mem_bytes)
		       ? vc_load_at(view, i)->pending_mem_bytes
		       : 0;
}

/* Its CPUs; never 0. */
static inline double vc_cpus(const struct vc_view *view, uint32_t i)
{
	uint32_t ncpus = vc_load_at(view, i)->ncpus;

	return ncpus > 0 ? ncpus : 1;
}

/* The expected CPU utilisation: each pending placement takes one CPU. Can exceed 100. */
static inline double vc_demand_pct(const struct vc_view *view, uint32_t i)
{
	const struct vc_load *load = vc_load_at(view, i);

	return load->cpu_pct + 100.0 * load->pending / vc_cpus(view, i);
}

/* The memory that an unknown job is expected to use: the mean of the jobs alive, and at least 1 %
 * of the mean partition, so that a placement always has a cost. */
static inline double vc_typical_mem_bytes(const struct vc_view *view)
{
	double used = 0, limit = 0, jobs = 0, up = 0, mean, least;

	for (uint32_t i = 0; i < view->n; i++) {
		const struct vc_load *load = vc_load_at(view, i);

		if (!vc_up(view, i))
			continue;
		used += (double)load->mem_used_bytes;
		limit += (double)load->mem_limit_bytes;
		jobs += load->jobs;
		up++;
	}
	mean = jobs > 0 ? used / jobs : 0;
	least = up > 0 ? limit / up / 100 : 0;
	return mean > least ? mean : least;
}

/* A partition's own share of its CPUs, in whole percents, so that equality is transitive. */
static inline int vc_own_pct(const struct vc_view *view, uint32_t i)
{
	return (int)(vc_load_at(view, i)->group_cpu_pct / VC_SAME_PCT + 0.5);
}

/*
 * The order of equals: the smaller own share of the CPUs, which differs for partitions with the
 * same CPUs; then fewer runnable threads, then fewer jobs, then the lower index. Below 0 if a is
 * better.
 */
static inline int vc_tie(const struct vc_view *view, uint32_t a, uint32_t b)
{
	const struct vc_load *la = vc_load_at(view, a), *lb = vc_load_at(view, b);

	if (vc_own_pct(view, a) != vc_own_pct(view, b))
		return vc_own_pct(view, a) < vc_own_pct(view, b) ? -1 : 1;
	if (la->runnable != lb->runnable)
		return la->runnable < lb->runnable ? -1 : 1;
	if (la->jobs != lb->jobs)
		return la->jobs < lb->jobs ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The partition with the lowest vc_demand_pct() that is up, without except (-1: without none); of
 * equal ones the first by vc_tie(). -1: there is none. */
static inline int vc_least_demand(const struct vc_view *view, int32_t except)
{
	double least = 0;
	int best = -1;

	for (uint32_t i = 0; i < view->n; i++) {
		if (!vc_up(view, i) || (int32_t)i == except)
			continue;
		if (best < 0 || vc_demand_pct(view, i) < least) {
			least = vc_demand_pct(view, i);
			best = (int)i;
		}
	}
	/* The tie is broken around the minimum, not pair by pair: "about equal" is
	 * not transitive. */
	for (uint32_t i = 0; i < view->n; i++) {
		if (!vc_up(view, i) || (int32_t)i == except)
			continue;
		if (vc_demand_pct(view, i) <= least + VC_SAME_PCT &&
		    vc_tie(view, i, (uint32_t)best) < 0)
			best = (int)i;
	}
	return best;
}

#ifdef __cplusplus
}
#endif

#endif
