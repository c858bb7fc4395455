// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-policy - each policy as a table: what is on the board -> where the job goes
 *
 * Every module is loaded as the daemon loads it; leastcpu is asked a second time
 * as linked in. Below the tables: what holds for all policies on any board.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

#include "policy/module.h"
#include "tests/policy-modules.h"

#define MB (1ull << 20)
#define GB (1ull << 30)
#define PARTS 4

#define UP .flags = VC_LOAD_UP, .ncpus = 4, .mem_limit_bytes = 8 * GB
#define DOWN .flags = 0, .ncpus = 4, .mem_limit_bytes = 8 * GB

static const char *const all_names[] = { "leastcpu",   "leastmem", "parent",
					 "notparent",  "random",   "roundrobin",
					 "twochoices", "joinidle", "cost" };

static char module_dir[64];
static struct policy_set *set;

struct row {
	const char *what;
	const char *policy;
	uint32_t n;
	int parent;
	uint64_t turn;
	uint64_t random;
	int current; /* not of new jobs */
	bool outside;
	double job_cpus;
	uint64_t job_mem_bytes;
	struct vc_load loads[PARTS];
	int expected;
};

static struct vc_view view_of(const struct row *row)
{
	return (struct vc_view){ .size = sizeof(struct vc_view),
				 .load_size = sizeof(struct vc_load),
				 .n = row->n,
				 .parent = row->parent,
				 .loads = row->loads,
				 .turn = row->turn,
				 .random = row->random,
				 .current = -1,
				 .job_mem_bytes = row->job_mem_bytes,
				 .outside = row->outside };
}

static const struct vc_policy *get(const char *name)
{
	const struct vc_policy *policy = NULL;
	struct vc_err err = { .code = 0 };

	if (policy_get(set, name, &policy, &err) < 0)
		fail_msg("policy '%s' expected to load, got: %s", name, err.text);
	return policy;
}

static void check(const struct row *row, const char *where, int got)
{
	if (got != row->expected)
		fail_msg("%s (%s): %s: got %d, expected %d", row->policy, where, row->what, got,
			 row->expected);
}

static const struct row place_rows[] = {
	{ "lowest utilisation", "leastcpu", 3,
	  .loads = { { UP, .cpu_pct = 50 }, { UP, .cpu_pct = 20 }, { UP, .cpu_pct = 70 } },
	  .expected = 1 },
	{ "a partition that is down looks idle", "leastcpu", 2,
	  .loads = { { UP, .cpu_pct = 90 }, { DOWN } }, .expected = 0 },
	{ "a placement underway counts as one CPU of four", "leastcpu", 2,
	  .loads = { { UP, .cpu_pct = 10, .pending = 1 }, { UP, .cpu_pct = 30 } }, .expected = 1 },
	{ "25 + 10 against 40", "leastcpu", 2,
	  .loads = { { UP, .cpu_pct = 10, .pending = 1 }, { UP, .cpu_pct = 40 } }, .expected = 0 },
	{ "within 1 %: fewer runnable", "leastcpu", 2,
	  .loads = { { UP, .cpu_pct = 99.5, .runnable = 9 },
		     { UP, .cpu_pct = 100, .runnable = 5 } },
	  .expected = 1 },
	{ "then fewer jobs", "leastcpu", 2,
	  .loads = { { UP, .runnable = 1, .jobs = 2 }, { UP, .runnable = 1, .jobs = 1 } },
	  .expected = 1 },
	{ "then the lower index", "leastcpu", 3, .loads = { { DOWN }, { UP }, { UP } },
	  .expected = 1 },
	{ "a tie is one with the lowest, not with each other", "leastcpu", 3,
	  .loads = { { UP, .cpu_pct = 11.6 },
		     { UP, .cpu_pct = 10.8, .runnable = 3 },
		     { UP, .cpu_pct = 10, .runnable = 4 } },
	  .expected = 1 },
	{ "the same CPUs: the smaller own share", "leastcpu", 3,
	  .loads = { { UP, .cpu_pct = 80, .group_cpu_pct = 50 },
		     { UP, .cpu_pct = 80, .group_cpu_pct = 10, .runnable = 9 },
		     { UP, .cpu_pct = 80, .group_cpu_pct = 20 } },
	  .expected = 1 },
	{ "the own share decides between equals only", "leastcpu", 2,
	  .loads = { { UP, .cpu_pct = 80, .group_cpu_pct = 0 },
		     { UP, .cpu_pct = 60, .group_cpu_pct = 60 } },
	  .expected = 1 },
	{ "own shares that are equal but for noise: fewer runnable", "leastcpu", 2,
	  .loads = { { UP, .cpu_pct = 50, .group_cpu_pct = 20.1, .runnable = 3 },
		     { UP, .cpu_pct = 50, .group_cpu_pct = 20.3, .runnable = 2 } },
	  .expected = 1 },
	{ "none is up", "leastcpu", 2, .loads = { { DOWN }, { DOWN } }, .expected = -1 },
	{ "no CPUs known", "leastcpu", 2,
	  .loads = { { .flags = VC_LOAD_UP, .pending = 1 }, { UP, .cpu_pct = 50 } },
	  .expected = 1 },

	{ "lowest fraction, not fewest bytes", "leastmem", 2,
	  .loads = { { UP, .mem_used_bytes = 4 * GB },
		     { .flags = VC_LOAD_UP,
		       .ncpus = 4,
		       .mem_used_bytes = 2 * GB,
		       .mem_limit_bytes = 3 * GB } },
	  .expected = 0 },
	{ "CPU does not matter", "leastmem", 2,
	  .loads = { { UP, .mem_used_bytes = 4 * GB },
		     { UP, .cpu_pct = 100, .mem_used_bytes = 2 * GB } },
	  .expected = 1 },
	{ "placements underway count by what they are expected to take", "leastmem", 2,
	  .loads = { { UP, .mem_used_bytes = 3 * GB, .pending = 1, .pending_mem_bytes = 2.0 * GB },
		     { UP, .mem_used_bytes = 4 * GB } },
	  .expected = 1 },
	{ "however many they are", "leastmem", 2,
	  .loads = { { UP, .pending = 500, .pending_mem_bytes = 1.0 * GB },
		     { UP, .mem_used_bytes = 6 * GB, .jobs = 1 } },
	  .expected = 0 },
	{ "no room for the job in the lowest", "leastmem", 2, .job_mem_bytes = 2 * GB,
	  .loads = { { .flags = VC_LOAD_UP, .mem_limit_bytes = 1 * GB },
		     { UP, .mem_used_bytes = 5 * GB } },
	  .expected = 1 },
	{ "nor when placements underway have taken it", "leastmem", 2, .job_mem_bytes = 2 * GB,
	  .loads = { { UP, .pending_mem_bytes = 7.0 * GB }, { UP, .mem_used_bytes = 6 * GB } },
	  .expected = 1 },
	{ "no room anywhere: the lowest", "leastmem", 2, .job_mem_bytes = 9 * GB,
	  .loads = { { UP, .mem_used_bytes = 2 * GB }, { UP, .mem_used_bytes = 1 * GB } },
	  .expected = 1 },
	{ "within 1 %: fewer underway", "leastmem", 2,
	  .loads = { { UP, .mem_used_bytes = 2 * GB, .pending = 1, .jobs = 1000 },
		     { UP, .mem_used_bytes = 2 * GB + 50 * MB, .runnable = 9, .jobs = 1000 } },
	  .expected = 1 },
	{ "the rest of an old one is none: the common order", "leastmem", 2,
	  .loads = { { UP, .runnable = 1, .pending = 0.01 }, { UP, .runnable = 2 } },
	  .expected = 0 },
	{ "no limit known: full", "leastmem", 2,
	  .loads = { { .flags = VC_LOAD_UP }, { UP, .mem_used_bytes = 7 * GB } }, .expected = 1 },
	{ "down", "leastmem", 2, .loads = { { DOWN }, { UP, .mem_used_bytes = 7 * GB } },
	  .expected = 1 },
	{ "none is up", "leastmem", 1, .loads = { { DOWN } }, .expected = -1 },

	{ "the caller's", "parent", 3, .parent = 2,
	  .loads = { { UP }, { UP }, { UP, .cpu_pct = 100 } }, .expected = 2 },
	{ "the caller's is down", "parent", 3, .parent = 1, .loads = { { UP }, { DOWN }, { UP } },
	  .expected = -1 },
	{ "not the caller's, though idle", "notparent", 3, .parent = 0,
	  .loads = { { UP }, { UP, .cpu_pct = 80 }, { UP, .cpu_pct = 60 } }, .expected = 2 },
	{ "the others are down", "notparent", 3, .parent = 1,
	  .loads = { { DOWN }, { UP }, { DOWN } }, .expected = -1 },
	{ "there are no others", "notparent", 1, .parent = 0, .loads = { { UP } }, .expected = -1 },

	{ "turn 0", "roundrobin", 3, .turn = 0, .loads = { { UP }, { UP }, { UP } },
	  .expected = 0 },
	{ "turn 5", "roundrobin", 3, .turn = 5, .loads = { { UP }, { UP }, { UP } },
	  .expected = 2 },
	{ "turn 3 of those up", "roundrobin", 3, .turn = 3, .loads = { { UP }, { DOWN }, { UP } },
	  .expected = 2 },
	{ "the last turn", "roundrobin", 3, .turn = UINT64_MAX, .loads = { { UP }, { UP }, { UP } },
	  .expected = 0 },
	{ "none is up", "roundrobin", 2, .loads = { { DOWN }, { DOWN } }, .expected = -1 },
	{ "none is up", "random", 2, .loads = { { DOWN }, { DOWN } }, .expected = -1 },
	{ "one is up", "random", 3, .random = 7, .loads = { { DOWN }, { DOWN }, { UP } },
	  .expected = 2 },

	{ "of two the less busy", "twochoices", 2, .random = 1,
	  .loads = { { UP, .cpu_pct = 60 }, { UP, .cpu_pct = 50 } }, .expected = 1 },
	{ "of two the less busy, drawn otherwise", "twochoices", 2, .random = 2,
	  .loads = { { UP, .cpu_pct = 60 }, { UP, .cpu_pct = 50 } }, .expected = 1 },
	{ "placements underway count", "twochoices", 2, .random = 3,
	  .loads = { { UP, .cpu_pct = 60 }, { UP, .cpu_pct = 50, .pending = 1 } }, .expected = 0 },
	{ "the same CPUs: the smaller own share", "twochoices", 2, .random = 4,
	  .loads = { { UP, .cpu_pct = 50, .group_cpu_pct = 40 },
		     { UP, .cpu_pct = 50, .group_cpu_pct = 10, .jobs = 1 } },
	  .expected = 1 },
	{ "equal: the common order", "twochoices", 2, .random = 4,
	  .loads = { { UP, .jobs = 2 }, { UP, .cpu_pct = 0.5, .jobs = 1 } }, .expected = 1 },
	{ "one is up", "twochoices", 3, .random = 5,
	  .loads = { { DOWN }, { UP, .cpu_pct = 100 }, { DOWN } }, .expected = 1 },
	{ "none is up", "twochoices", 2, .loads = { { DOWN }, { DOWN } }, .expected = -1 },

	{ "the only one with an idle CPU", "joinidle", 3, .random = 1,
	  .loads = { { UP, .cpu_pct = 100, .runnable = 4 },
		     { UP, .cpu_pct = 75, .runnable = 3 },
		     { UP, .cpu_pct = 95, .runnable = 2 } },
	  .expected = 1 },
	{ "a placement underway takes the last idle CPU", "joinidle", 2, .random = 1,
	  .loads = { { UP, .cpu_pct = 75, .pending = 1 }, { UP, .cpu_pct = 50 } }, .expected = 1 },
	{ "runnable threads count where the sample is behind", "joinidle", 2, .random = 1,
	  .loads = { { UP, .cpu_pct = 10, .runnable = 4 }, { UP, .cpu_pct = 70 } }, .expected = 1 },
	{ "nobody idle: the least busy", "joinidle", 3, .random = 1,
	  .loads = { { UP, .cpu_pct = 100, .runnable = 8 },
		     { UP, .cpu_pct = 97, .runnable = 9 },
		     { UP, .cpu_pct = 99, .runnable = 4 } },
	  .expected = 1 },
	{ "idle but down", "joinidle", 2, .random = 1,
	  .loads = { { DOWN }, { UP, .cpu_pct = 100 } }, .expected = 1 },
	{ "none is up", "joinidle", 2, .loads = { { DOWN }, { DOWN } }, .expected = -1 },

	{ "CPU when memory is equal", "cost", 2,
	  .loads = { { UP, .cpu_pct = 60 }, { UP, .cpu_pct = 20 } }, .expected = 1 },
	{ "memory when CPU is equal", "cost", 2,
	  .loads = { { UP, .mem_used_bytes = 6 * GB, .jobs = 3 },
		     { UP, .mem_used_bytes = 1 * GB, .jobs = 3 } },
	  .expected = 1 },
	{ "much memory outweighs a little CPU", "cost", 2,
	  .loads = { { UP, .cpu_pct = 20, .mem_used_bytes = 7 * GB, .jobs = 10 },
		     { UP, .cpu_pct = 30, .mem_used_bytes = 1 * GB } },
	  .expected = 1 },
	{ "an overfull memory outweighs everything", "cost", 2,
	  .loads = { { UP, .mem_used_bytes = 7 * GB + 500 * MB, .jobs = 6 },
		     { UP, .cpu_pct = 100, .runnable = 40, .mem_used_bytes = 1 * GB, .jobs = 1 } },
	  .expected = 1 },
	{ "saturated: the shorter queue", "cost", 2,
	  .loads = { { UP, .cpu_pct = 100, .runnable = 12 },
		     { UP, .cpu_pct = 100, .runnable = 6 } },
	  .expected = 1 },
	{ "placements underway", "cost", 2,
	  .loads = { { UP, .cpu_pct = 10, .pending = 2 }, { UP, .cpu_pct = 30 } }, .expected = 1 },
	{ "their memory too", "cost", 2,
	  .loads = { { UP, .pending_mem_bytes = 6.0 * GB }, { UP, .mem_used_bytes = 1 * GB } },
	  .expected = 1 },
	{ "of two idle ones the larger", "cost", 2,
	  .loads = { { .flags = VC_LOAD_UP, .ncpus = 1, .mem_limit_bytes = 8 * GB }, { UP } },
	  .expected = 1 },
	{ "equal: the common order", "cost", 2, .loads = { { UP, .jobs = 3 }, { UP, .jobs = 2 } },
	  .expected = 1 },
	{ "down", "cost", 2, .loads = { { DOWN }, { UP, .cpu_pct = 100 } }, .expected = 1 },
	{ "none is up", "cost", 2, .loads = { { DOWN }, { DOWN } }, .expected = -1 },
};

static const struct row rebalance_rows[] = {
	{ "a waiting job to an idle partition", "leastcpu", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 100 }, { UP, .cpu_pct = 5 } }, .expected = 1 },
	{ "nobody waits", "leastcpu", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 70 }, { UP } }, .expected = -1 },
	{ "the job is all of the load: moving it moves the load", "leastcpu", 2, .current = 0,
	  .job_cpus = 4, .loads = { { UP, .cpu_pct = 100 }, { UP } }, .expected = -1 },
	{ "not enough better: 66 + 25 + 10 > 100", "leastcpu", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 100 }, { UP, .cpu_pct = 66 } }, .expected = -1 },
	{ "just enough better: 64 + 25 + 10 < 100", "leastcpu", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 100 }, { UP, .cpu_pct = 64 } }, .expected = 1 },
	{ "what the job takes is not known", "leastcpu", 2, .current = 0,
	  .loads = { { UP, .cpu_pct = 100 }, { UP } }, .expected = -1 },
	{ "the target is spoken for", "leastcpu", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 100 }, { UP, .cpu_pct = 20, .pending = 2 } },
	  .expected = -1 },
	{ "placements at the source are no reason", "leastcpu", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 20, .pending = 9 }, { UP } }, .expected = -1 },
	{ "a small target is filled by the job", "leastcpu", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 100 }, { .flags = VC_LOAD_UP, .ncpus = 1 } },
	  .expected = -1 },
	{ "the only other is down", "leastcpu", 2, .current = 1, .job_cpus = 1,
	  .loads = { { DOWN }, { UP, .cpu_pct = 100 } }, .expected = -1 },

	{ "out of a full partition", "leastmem", 3, .current = 0, .job_mem_bytes = GB,
	  .loads = { { UP, .mem_used_bytes = 7 * GB },
		     { UP, .mem_used_bytes = 6 * GB },
		     { UP, .mem_used_bytes = 2 * GB } },
	  .expected = 2 },
	{ "not full", "leastmem", 2, .current = 0, .job_mem_bytes = GB,
	  .loads = { { UP, .mem_used_bytes = 6 * GB }, { UP } }, .expected = -1 },
	{ "the job would fill the target as well", "leastmem", 2, .current = 0,
	  .job_mem_bytes = 6 * GB,
	  .loads = { { UP, .mem_used_bytes = 7 * GB }, { UP, .mem_used_bytes = 1 * GB } },
	  .expected = -1 },
	{ "its memory is not known", "leastmem", 2, .current = 0,
	  .loads = { { UP, .mem_used_bytes = 8 * GB }, { UP } }, .expected = -1 },

	{ "a waiting job to an idle partition", "cost", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 100 }, { UP, .cpu_pct = 5 } }, .expected = 1 },
	{ "out of a full memory", "cost", 2, .current = 0, .job_mem_bytes = GB,
	  .loads = { { UP, .mem_used_bytes = 7 * GB }, { UP, .mem_used_bytes = 2 * GB } },
	  .expected = 1 },
	{ "not from the frying pan into the fire", "cost", 2, .current = 0, .job_cpus = 1,
	  .job_mem_bytes = GB,
	  .loads = { { UP, .cpu_pct = 100 }, { UP, .mem_used_bytes = 7 * GB } }, .expected = -1 },
	{ "no pressure", "cost", 2, .current = 0, .job_cpus = 1,
	  .loads = { { UP, .cpu_pct = 60 }, { UP } }, .expected = -1 },
	{ "the job is all of the load", "cost", 2, .current = 0, .job_cpus = 4,
	  .loads = { { UP, .cpu_pct = 100 }, { UP } }, .expected = -1 },
	{ "nothing is known of the job", "cost", 2, .current = 0,
	  .loads = { { UP, .cpu_pct = 100 }, { UP } }, .expected = -1 },
	{ "the only other is down", "cost", 2, .current = 1, .job_cpus = 1,
	  .loads = { { DOWN }, { UP, .cpu_pct = 100 } }, .expected = -1 },
};

/* Moves that somebody has ordered: place() chooses among the others, or has the job stay. */
static const struct row move_rows[] = {
	{ "to the parent's", "parent", 3, .parent = 2, .current = 0,
	  .loads = { { DOWN }, { UP }, { UP, .cpu_pct = 100 } }, .expected = 2 },
	{ "at the parent's already", "parent", 3, .parent = 1, .current = 1,
	  .loads = { { UP }, { DOWN }, { UP } }, .expected = 1 },
	{ "the parent's is down", "parent", 3, .parent = 2, .current = 0,
	  .loads = { { DOWN }, { UP }, { DOWN } }, .expected = -1 },
	{ "outside of all: the first", "parent", 3, .parent = 0, .outside = true, .current = 2,
	  .loads = { { UP, .cpu_pct = 100 }, { UP }, { DOWN } }, .expected = 0 },
	{ "not to the parent's, though idle", "notparent", 3, .parent = 1, .current = 0,
	  .loads = { { DOWN }, { UP }, { UP, .cpu_pct = 100 } }, .expected = 2 },
	{ "away from the parent's", "notparent", 3, .parent = 0, .current = 0,
	  .loads = { { DOWN }, { UP, .cpu_pct = 50 }, { UP, .cpu_pct = 10 } }, .expected = 2 },
	{ "only the parent's is left: the job stays", "notparent", 2, .parent = 0, .current = 1,
	  .loads = { { UP }, { DOWN } }, .expected = 1 },
	{ "the others are down", "notparent", 3, .parent = 0, .current = 0,
	  .loads = { { DOWN }, { DOWN }, { DOWN } }, .expected = -1 },
	{ "no partition has the parent: anywhere", "notparent", 2, .parent = 0, .outside = true,
	  .current = 1, .loads = { { UP }, { DOWN } }, .expected = 0 },
	{ "the next one", "roundrobin", 4, .current = 1, .turn = 0,
	  .loads = { { UP }, { DOWN }, { UP }, { UP } }, .expected = 2 },
	{ "around the end", "roundrobin", 4, .current = 3, .turn = 0,
	  .loads = { { UP }, { UP }, { UP }, { DOWN } }, .expected = 0 },
	{ "then the one behind", "roundrobin", 4, .current = 1, .turn = 2,
	  .loads = { { UP }, { DOWN }, { UP }, { UP } }, .expected = 0 },
	{ "of those that are up", "roundrobin", 4, .current = 1, .turn = 1,
	  .loads = { { UP }, { DOWN }, { DOWN }, { UP } }, .expected = 0 },
	{ "the lowest of the others", "leastcpu", 3, .current = 0,
	  .loads = { { DOWN }, { UP, .cpu_pct = 50 }, { UP, .cpu_pct = 10 } }, .expected = 2 },
	{ "no margin is asked for", "leastcpu", 2, .current = 1,
	  .loads = { { UP, .cpu_pct = 100 }, { DOWN } }, .expected = 0 },
	{ "the lowest of the others", "leastmem", 3, .current = 2, .job_mem_bytes = GB,
	  .loads = { { UP, .mem_used_bytes = 2 * GB }, { UP, .mem_used_bytes = 1 * GB }, { DOWN } },
	  .expected = 1 },
};

static void test_ordered_moves(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(move_rows); i++) {
		const struct row *row = &move_rows[i];
		struct vc_view view = view_of(row);

		view.current = row->current;
		view.ordered = true;
		check(row, "loaded", get(row->policy)->place(&view));
		/* Asked through the checks, which would have leastcpu decide otherwise. */
		if (row->expected >= 0)
			check(row, "checked", policy_place(get(row->policy), &view, NULL));
	}
}

/* A view of an older daemon ends before the newest fields. */
static void test_older_views(void **state)
{
	struct vc_load loads[2] = { { UP }, { UP } };
	struct vc_view view = { .size = offsetof(struct vc_view, ordered),
				.load_size = offsetof(struct vc_load, pending_mem_bytes),
				.ordered = 1,
				.outside = 1,
				.loads = loads,
				.n = 1 };

	assert_int_equal(vc_leaving(&view), -1);
	assert_int_equal(vc_outside(&view), 0);
	loads[0].pending_mem_bytes = 1;
	assert_true(vc_pending_mem_bytes(&view, 0) == 0);
}

static void test_place(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(place_rows); i++) {
		const struct row *row = &place_rows[i];
		struct vc_view view = view_of(row);

		check(row, "loaded", get(row->policy)->place(&view));
		if (strcmp(row->policy, policy_fallback()->name) == 0)
			check(row, "linked", policy_fallback()->place(&view));
	}
}

static void test_rebalance(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rebalance_rows); i++) {
		const struct row *row = &rebalance_rows[i];
		struct vc_view view = view_of(row);

		view.current = row->current;
		view.job_cpus = row->job_cpus;
		view.job_mem_bytes = row->job_mem_bytes;
		check(row, "loaded", get(row->policy)->rebalance(&view));
		if (strcmp(row->policy, policy_fallback()->name) == 0)
			check(row, "linked", policy_fallback()->rebalance(&view));
	}
}

/* The others have no idea of a better place for a job that runs. */
static void test_who_rebalances(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_names); i++) {
		const char *name = all_names[i];
		bool expected = strcmp(name, "leastcpu") == 0 || strcmp(name, "leastmem") == 0 ||
				strcmp(name, "cost") == 0;

		if ((get(name)->rebalance != NULL) != expected)
			fail_msg("%s: has rebalance: %d, expected %d", name,
				 get(name)->rebalance != NULL, expected);
	}
}

/* A generator of our own, the same on every run. */
static uint64_t draw(void)
{
	static uint64_t seed = 42;
	struct vc_view v = { .random = seed++ };

	return vc_random(&v, 0);
}

static void count_places(const char *name, const struct vc_load *loads, uint32_t n, int times,
			 int *count)
{
	struct vc_view view = { .size = sizeof(view),
				.load_size = sizeof(*loads),
				.n = n,
				.loads = loads,
				.current = -1 };

	memset(count, 0, n * sizeof(*count));
	for (int i = 0; i < times; i++) {
		view.random = draw();
		count[get(name)->place(&view)]++;
	}
}

static void assert_near(const char *what, int got, int expected, int tolerance)
{
	if (got < expected - tolerance || got > expected + tolerance)
		fail_msg("%s: got %d, expected %d +- %d", what, got, expected, tolerance);
}

static void test_distributions(void **state)
{
	static const struct vc_load three_of_four[] = {
		{ UP }, { DOWN }, { UP, .cpu_pct = 100 }, { UP }
	};
	static const struct vc_load steps[] = { { UP, .cpu_pct = 90 },
						{ UP, .cpu_pct = 10 },
						{ UP, .cpu_pct = 50 } };
	static const struct vc_load idle[] = { { UP, .cpu_pct = 1 },
					       { UP, .cpu_pct = 75 },
					       { UP, .cpu_pct = 100 } };
	int count[4];

	count_places("random", three_of_four, 4, 30000, count);
	assert_near("random, partition 0", count[0], 10000, 300);
	assert_near("random, partition 1 (down)", count[1], 0, 0);
	assert_near("random, partition 2", count[2], 10000, 300);
	assert_near("random, partition 3", count[3], 10000, 300);

	/* Of three pairs the least busy one is in two, the middle one wins one. */
	count_places("twochoices", steps, 3, 30000, count);
	assert_near("twochoices, busiest", count[0], 0, 0);
	assert_near("twochoices, least busy", count[1], 20000, 300);
	assert_near("twochoices, middle", count[2], 10000, 300);

	/* Four idle CPUs against one. */
	count_places("joinidle", idle, 3, 30000, count);
	assert_near("joinidle, idle", count[0], 24000, 300);
	assert_near("joinidle, one CPU idle", count[1], 6000, 300);
	assert_near("joinidle, busy", count[2], 0, 0);
}

static void draw_load(struct vc_load *load)
{
	*load = (struct vc_load){ .flags = draw() % 4 ? VC_LOAD_UP : 0,
				  .ncpus = (uint32_t)(draw() % 9),
				  .cpu_pct = (double)(draw() % 1001) / 10,
				  .group_cpu_pct = (double)(draw() % 1001) / 10,
				  .pending_mem_bytes = (double)(draw() % (2 * GB)),
				  .pending = (double)(draw() % 40) / 10,
				  .runnable = (uint32_t)(draw() % 20),
				  .jobs = (uint32_t)(draw() % 5),
				  .mem_used_bytes = draw() % (4 * GB),
				  .mem_limit_bytes = draw() % 5 * GB };
}

/* A daemon whose struct has grown: the same loads, further apart. */
struct larger_load {
	struct vc_load load;
	uint64_t unknown[3];
};

static void check_any_board(const struct vc_policy *policy)
{
	struct larger_load large[PARTS];
	struct vc_load loads[PARTS];
	struct vc_view view = { .size = sizeof(view),
				.load_size = sizeof(loads[0]),
				.n = 1 + (uint32_t)(draw() % PARTS),
				.loads = loads,
				.turn = draw(),
				.random = draw(),
				.current = -1 };
	int first, second, third;
	bool may_refuse;

	for (size_t i = 0; i < PARTS; i++) {
		draw_load(&loads[i]);
		large[i] = (struct larger_load){ .load = loads[i],
						 .unknown = { ~0ull, ~0ull, ~0ull } };
	}
	view.parent = (int32_t)(draw() % view.n);
	first = policy->place(&view);
	second = policy->place(&view);
	view.loads = &large[0].load;
	view.load_size = sizeof(large[0]);
	third = policy->place(&view);
	if (first != second || first != third)
		fail_msg("%s: one board, three answers: %d, %d, with larger structs %d",
			 policy->name, first, second, third);
	may_refuse = vc_count_up(&view) == 0 || strcmp(policy->name, "parent") == 0 ||
		     (strcmp(policy->name, "notparent") == 0 && vc_count_up(&view) == 1);
	if (!vc_up(&view, (uint32_t)first) && !(first == -1 && may_refuse))
		fail_msg("%s: got %d of %u partitions, expected one that is up", policy->name,
			 first, view.n);
}

static void test_any_board(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_names); i++)
		for (int round = 0; round < 20000; round++)
			check_any_board(get(all_names[i]));
}

static int setup(void **state)
{
	modules_setup("policy", module_dir);
	return policy_set_new(module_dir, &set, NULL);
}

static int teardown(void **state)
{
	policy_set_free(set);
	modules_teardown(module_dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),          cmocka_unit_test(test_rebalance),
		cmocka_unit_test(test_ordered_moves),  cmocka_unit_test(test_older_views),
		cmocka_unit_test(test_who_rebalances), cmocka_unit_test(test_distributions),
		cmocka_unit_test(test_any_board),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
