// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-policy-sim - policies over time: bursts spread, and a steady load moves nothing
 *
 * The bursts run on a real load board, with its sampling period, its reservations
 * and their decay; only time is simulated, and the samples, which are noisy and
 * late as real ones are. The rebalancing runs on many random machines with jobs of
 * one or several threads until it comes to rest, and then must stay so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdbool.h>

#include "policy/board.h"
#include "policy/module.h"
#include "tests/policy-modules.h"

#define GB (1ull << 30)
#define PERIOD_USEC 250000
#define BURST 100
#define PARTS 4
#define JOBS 24

static char module_dir[64];
static struct policy_set *set;
static uint64_t seed;

static const struct vc_policy *get(const char *name)
{
	const struct vc_policy *policy = NULL;
	struct vc_err err = { .code = 0 };

	if (policy_get(set, name, &policy, &err) < 0)
		fail_msg("policy '%s' expected to load, got: %s", name, err.text);
	return policy;
}

static uint64_t draw(void)
{
	struct vc_view v = { .random = seed++ };

	return vc_random(&v, 0);
}

/* Evenly in -range .. range. */
static double noise(double range)
{
	return ((double)(draw() % 20001) / 10000 - 1) * range;
}

static double clamp(double value, double low, double high)
{
	return value < low ? low : value > high ? high : value;
}

/* --- bursts ---------------------------------------------------------------- */

struct burst {
	const char *policy;
	uint32_t ncpus[2];
	uint64_t over_usec;      /* the launches are spread over this time */
	double job_cpus;         /* what each takes from 50 ms after its launch on */
	uint64_t job_bytes;      /* likewise */
	bool blind;              /* nobody reserves: what then happens must be bad */
	int expected, tolerance; /* placements in partition 0 */
};

struct launched {
	uint64_t at_usec;
	int where;
};

static void publish(struct board *board, const struct burst *burst, const struct launched *jobs,
		    int n_jobs, uint64_t now_usec)
{
	for (uint32_t i = 0; i < 2; i++) {
		double cpus = 0.1 * burst->ncpus[i], bytes = 2.0 * (double)GB;
		struct board_sample sample = { .at_usec = now_usec, .period_msec = 250 };

		for (int k = 0; k < n_jobs; k++) {
			if (jobs[k].where != (int)i)
				continue;
			sample.load.jobs++;
			if (jobs[k].at_usec + 50000 <= now_usec) {
				cpus += burst->job_cpus;
				bytes += (double)burst->job_bytes;
			}
		}
		sample.load.ncpus = burst->ncpus[i];
		sample.load.runnable = (uint32_t)cpus;
		sample.load.cpu_pct = clamp(100 * cpus / burst->ncpus[i] + noise(3), 0, 100);
		sample.load.mem_limit_bytes = 16 * GB;
		sample.load.mem_used_bytes =
			(uint64_t)clamp(bytes + noise(0.1 * (double)GB), 0, 1e18);
		board_publish(board, i, &sample);
	}
}

static int launch(struct board *board, const struct burst *burst, uint64_t now_usec)
{
	struct vc_load loads[2];
	struct vc_view view = { .size = sizeof(view),
				.load_size = sizeof(loads[0]),
				.n = 2,
				.loads = loads,
				.now_usec = now_usec,
				.turn = board_next_turn(board, burst->policy, -1),
				.random = draw(),
				.current = -1 };
	int index;

	for (uint32_t i = 0; i < 2; i++) {
		struct board_sample sample;

		board_read(board, i, now_usec, &sample);
		loads[i] = sample.load;
	}
	index = policy_place(get(burst->policy), &view, NULL);
	if (index < 0 || index > 1)
		fail_msg("%s: got %d of two partitions that are up", burst->policy, index);
	if (!burst->blind)
		board_reserve(board, (uint32_t)index, now_usec, burst->job_bytes);
	return index;
}

/* How many of the burst go to partition 0. */
static int run_burst(const struct burst *burst)
{
	char dir[] = "/tmp/vcrun-sim-XXXXXX";
	struct launched jobs[BURST];
	struct board *board = NULL;
	struct vc_err err = { .code = 0 };
	uint64_t now_usec = 1000000000, next_usec = now_usec;
	int state_fd, count = 0;

	assert_non_null(mkdtemp(dir));
	state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (board_create(state_fd, 2, &err) < 0 || board_open(state_fd, &board, &err) < 0)
		fail_msg("board: %s", err.text);
	for (int k = 0; k < BURST; k++) {
		uint64_t at_usec = now_usec + burst->over_usec * (uint64_t)k / BURST;

		for (; next_usec <= at_usec; next_usec += PERIOD_USEC)
			publish(board, burst, jobs, k, next_usec);
		jobs[k] = (struct launched){ .at_usec = at_usec,
					     .where = launch(board, burst, at_usec) };
		count += jobs[k].where == 0;
	}
	board_free(board);
	close(state_fd);
	file_remove_tree(AT_FDCWD, dir);
	return count;
}

static const struct burst bursts[] = {
	{ "leastcpu", { 1, 1 }, 0, 1, 0, false, 50, 5 },
	{ "leastcpu", { 4, 4 }, 0, 1, 0, false, 50, 5 },
	{ "leastcpu", { 64, 64 }, 0, 1, 0, false, 50, 5 },
	{ "leastcpu", { 4, 4 }, 100000, 1, 0, false, 50, 5 },
	{ "leastcpu", { 4, 4 }, 1000000, 1, 0, false, 50, 5 },
	{ "leastcpu", { 16, 16 }, 1000000, 1, 0, false, 50, 5 },
	{ "leastcpu", { 16, 16 }, 3000000, 1, 0, false, 50, 5 },
	/* Jobs that never show: reservations and their decay alone spread them. */
	{ "leastcpu", { 4, 4 }, 1000000, 0, 0, false, 50, 5 },
	{ "leastcpu", { 4, 4 }, 3000000, 0, 0, false, 50, 5 },
	{ "leastcpu", { 8, 4 }, 100000, 1, 0, false, 67, 5 },
	{ "twochoices", { 4, 4 }, 1000000, 1, 0, false, 50, 5 },
	{ "leastmem", { 4, 4 }, 100000, 0, GB / 64, false, 50, 5 },
	{ "leastmem", { 4, 4 }, 1000000, 0, GB / 8, false, 50, 5 },
	{ "cost", { 4, 4 }, 100000, 1, GB / 64, false, 50, 5 },
	{ "cost", { 4, 4 }, 1000000, 1, GB / 64, false, 50, 5 },
};

static void test_bursts_spread(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bursts); i++) {
		const struct burst *b = &bursts[i];

		for (seed = 0; seed < 20000000; seed += 1000000) {
			uint64_t start = seed;
			int got = run_burst(b);

			if (got < b->expected - b->tolerance || got > b->expected + b->tolerance)
				fail_msg("%s, %u and %u CPUs, over %d ms, seed %d: got %d of %d in "
					 "partition 0, expected %d +- %d",
					 b->policy, b->ncpus[0], b->ncpus[1],
					 (int)(b->over_usec / 1000), (int)start, got, BURST,
					 b->expected, b->tolerance);
			seed = start;
		}
	}
}

/* That the reservations do it, and not the simulation being too kind. */
static void test_blind_bursts_herd(void **state)
{
	static const char *const names[] = { "leastcpu", "leastmem", "cost" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct burst burst = { names[i], { 4, 4 }, 100000, 1, GB / 64, true, 0, 0 };
		int got;

		seed = 7;
		got = run_burst(&burst);
		if (got != 0 && got != BURST)
			fail_msg("%s without reservations: got %d of %d in partition 0, expected "
				 "all "
				 "in one",
				 names[i], got, BURST);
	}
}

/* --- rebalancing ----------------------------------------------------------- */

struct machine {
	uint32_t n_parts, n_jobs;
	uint32_t ncpus[PARTS];
	uint64_t limit_bytes[PARTS];
	double others_cpus[PARTS]; /* load that is not ours and never moves */
	struct {
		int where;
		double cpus; /* what it would use, given them */
		uint64_t bytes;
	} job[JOBS];
};

static void machine_draw(struct machine *m)
{
	*m = (struct machine){ .n_parts = 2 + (uint32_t)(draw() % (PARTS - 1)),
			       .n_jobs = 1 + (uint32_t)(draw() % JOBS) };
	for (uint32_t i = 0; i < m->n_parts; i++) {
		m->ncpus[i] = 1u << draw() % 4;
		m->limit_bytes[i] = (4 + draw() % 12) * GB;
		m->others_cpus[i] = draw() % 3 ? 0 : (double)(draw() % 100) / 100 * m->ncpus[i];
	}
	for (uint32_t k = 0; k < m->n_jobs; k++) {
		/* Mostly in one place, so that there is something to do. */
		m->job[k].where = draw() % 3 ? 0 : (int)(draw() % m->n_parts);
		m->job[k].cpus = draw() % 3 ? 1 : (double)(1 + draw() % 40) / 10;
		m->job[k].bytes = draw() % (2 * GB);
	}
}

static double machine_demand(const struct machine *m, int part)
{
	double cpus = m->others_cpus[part];

	for (uint32_t k = 0; k < m->n_jobs; k++)
		if (m->job[k].where == part)
			cpus += m->job[k].cpus;
	return cpus;
}

/* Everybody gets the same share of what is there. */
static double machine_share(const struct machine *m, int part)
{
	return fmin(1, m->ncpus[part] / fmax(machine_demand(m, part), 1e-6));
}

static void machine_sample(const struct machine *m, struct vc_load *loads)
{
	for (int i = 0; i < (int)m->n_parts; i++) {
		double cpus = machine_demand(m, i);

		loads[i] = (struct vc_load){ .flags = VC_LOAD_UP,
					     .ncpus = m->ncpus[i],
					     .mem_limit_bytes = m->limit_bytes[i] };
		loads[i].cpu_pct =
			clamp(100 * fmin(cpus, m->ncpus[i]) / m->ncpus[i] + noise(2), 0, 100);
		loads[i].runnable = (uint32_t)(cpus + fabs(noise(1.5)));
		for (uint32_t k = 0; k < m->n_jobs; k++) {
			if (m->job[k].where != i)
				continue;
			loads[i].jobs++;
			loads[i].mem_used_bytes += m->job[k].bytes;
		}
	}
}

/* Asks for one job after the other; returns how many moved. */
static int machine_round(struct machine *m, const struct vc_policy *policy)
{
	int moves = 0;

	for (uint32_t k = 0; k < m->n_jobs; k++) {
		struct vc_load loads[PARTS];
		struct vc_view view = { .size = sizeof(view),
					.load_size = sizeof(loads[0]),
					.n = m->n_parts,
					.loads = loads,
					.current = m->job[k].where,
					.job_mem_bytes = m->job[k].bytes };
		double used;
		int to;

		machine_sample(m, loads);
		used = m->job[k].cpus * machine_share(m, m->job[k].where);
		view.job_cpus = clamp(used * (1 + noise(0.03)), 0, 100);
		to = policy->rebalance(&view);
		if (to == m->job[k].where || to >= (int)m->n_parts)
			fail_msg("%s: got a move from %d to %d of %u", policy->name,
				 m->job[k].where, to, m->n_parts);
		if (to >= 0) {
			m->job[k].where = to;
			moves++;
		}
	}
	return moves;
}

/*
 * A gap just below the margin may be taken for one above it in a rare sample, long
 * after the rest: such a move is late, but it ends in a better place and is one. A
 * policy that flaps moves for ever.
 */
static void test_steady_load_rests(void **state)
{
	static const char *const names[] = { "leastcpu", "leastmem", "cost" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct vc_policy *policy = get(names[i]);
		int moved = 0, late = 0;

		for (int machine = 0; machine < 300; machine++) {
			struct machine m;
			int here = 0;

			seed = (uint64_t)machine * 100000000;
			machine_draw(&m);
			for (int round = 0; round < 100; round++)
				moved += machine_round(&m, policy);
			for (int round = 0; round < 400; round++)
				here += machine_round(&m, policy);
			if (here > 2)
				fail_msg("%s on machine %d: got %d moves under a steady load after "
					 "100 rounds, expected at most 2",
					 names[i], machine, here);
			late += here;
		}
		if (late > 10)
			fail_msg("%s: got %d late moves on 300 machines, expected at most 10",
				 names[i], late);
		if (moved < 50)
			fail_msg("%s: got %d moves on 300 machines, expected at least 50: this "
				 "test shows nothing",
				 names[i], moved);
		print_message("%s: %d moves, %d of them late\n", names[i], moved + late, late);
	}
}

/* And that it is worth having: jobs piled up on one of two equal partitions. */
static void test_pile_is_spread(void **state)
{
	static const char *const names[] = { "leastcpu", "cost" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct machine m = { .n_parts = 2,
				     .n_jobs = 8,
				     .ncpus = { 4, 4 },
				     .limit_bytes = { 16 * GB, 16 * GB } };
		int moves = 0, there = 0;

		seed = 1;
		for (uint32_t k = 0; k < m.n_jobs; k++) {
			m.job[k].cpus = 1;
			m.job[k].bytes = GB / 16;
		}
		for (int round = 0; round < 100; round++)
			moves += machine_round(&m, get(names[i]));
		for (uint32_t k = 0; k < m.n_jobs; k++)
			there += m.job[k].where;
		if (there < 3 || there > 5 || moves != there)
			fail_msg("%s: got %d of 8 jobs in the other partition after %d moves, "
				 "expected 3 to 5 and no move twice",
				 names[i], there, moves);
	}
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
		cmocka_unit_test(test_bursts_spread),
		cmocka_unit_test(test_blind_bursts_herd),
		cmocka_unit_test(test_steady_load_rests),
		cmocka_unit_test(test_pile_is_spread),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
