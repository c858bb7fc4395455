// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-balance - the balancer's decisions over time, on partitions and jobs that do not exist
 *
 * A simulated second is: each partition publishes a sample on a real board, then each partition's
 * balancer looks at its jobs, and moves are carried out. Jobs share the CPUs of their partition
 * fairly. The table of a case has all moves that it expects, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "policy/balance.h"
#include "policy/board.h"
#include "policy/module.h"

#define SEC 1000000ull
#define MIB (1ull << 20)
#define PARTS 3
#define JOBS 8
#define MOVES 8
#define NEVER_PAYS (1ull << 40) /* bytes of a job that is too large to move */

/* A job of a case; threads 0: there are no more. */
struct sim_job {
	unsigned int part;
	unsigned int threads; /* each would keep one CPU busy */
	uint64_t mem_bytes;
	uint64_t begin_sec, end_sec; /* end 0: never */
	/* The demand alternates: on for so many seconds, off for as many; 0: always on. */
	unsigned int on_sec;
};

struct sim_move {
	unsigned int sec, job, to;
};

struct sim_case {
	const char *name;
	unsigned int looks;
	uint32_t ncpus[PARTS]; /* 0: there is no such partition */
	bool ignored;          /* orders are not carried out */
	unsigned int move_sec; /* for so long a move stops its job */
	struct sim_job jobs[JOBS];
	struct sim_move expected[MOVES]; /* sec 0: no more */
};

/* A job's state in the simulation. */
struct sim_state {
	struct balance_job balance;
	struct balance_facts facts;
	unsigned int part;
	unsigned int to;    /* while it is being moved */
	uint64_t until_sec; /* of its move */
};

static char dir[64];
static int state_fd = -1;

static double sim_wanted(const struct sim_job *job, const struct sim_state *state, uint64_t sec)
{
	if (state->facts.moving || sec < job->begin_sec || (job->end_sec && sec >= job->end_sec))
		return 0;
	return job->on_sec && sec / job->on_sec % 2 ? 0 : job->threads;
}

/* Runs the jobs of a partition for one second, and publishes its sample. */
static void sim_run(const struct sim_case *c, struct sim_state *states, struct board *board,
		    uint32_t part, uint64_t sec)
{
	struct board_sample sample = { .at_usec = sec * SEC, .period_msec = 1000 };
	double wanted = 0, share;

	sample.load.ncpus = c->ncpus[part];
	sample.load.mem_limit_bytes = 64ull << 30;
	for (size_t i = 0; i < JOBS; i++)
		if (states[i].part == part)
			wanted += sim_wanted(&c->jobs[i], &states[i], sec);
	share = wanted > c->ncpus[part] ? c->ncpus[part] / wanted : 1;
	for (size_t i = 0; i < JOBS; i++) {
		double cpus = share * sim_wanted(&c->jobs[i], &states[i], sec);

		if (states[i].part != part)
			continue;
		states[i].facts.cpu_usec += (uint64_t)(cpus * SEC);
		states[i].facts.threads = (unsigned int)sim_wanted(&c->jobs[i], &states[i], sec);
		states[i].facts.running = states[i].facts.threads > 0;
		sample.load.jobs += states[i].facts.running;
		sample.load.cpu_pct += 100 * cpus / c->ncpus[part];
	}
	sample.load.runnable = (uint32_t)wanted;
	sample.load.group_cpu_pct = sample.load.cpu_pct;
	board_publish(board, part, &sample);
}

static void sim_arrive(struct sim_state *state, uint64_t now_usec)
{
	state->facts.moving = false;
	state->facts.cpu_base_usec += state->facts.cpu_usec;
	state->facts.cpu_usec = 0;
	state->facts.moved_usec = now_usec;
	state->balance = (struct balance_job){ .advice = -1 };
	state->part = state->to;
}

/* One look of a partition's balancer. Returns the job whose move it orders; NULL: none. */
static struct sim_state *sim_look(const struct sim_case *c, struct sim_state *states,
				  struct board *board, uint32_t part, uint64_t now_usec)
{
	struct vc_load loads[PARTS];
	struct vc_view view = { .size = sizeof(view),
				.load_size = sizeof(loads[0]),
				.loads = loads,
				.now_usec = now_usec,
				.current = (int32_t)part };
	struct balance_look look = { .policy = policy_fallback(),
				     .view = &view,
				     .usec_per_mib = BALANCE_USEC_PER_MIB };
	struct balance_job *chosen;
	struct vc_err err = { 0 };

	for (; view.n < PARTS && c->ncpus[view.n]; view.n++) {
		struct board_sample sample;

		board_read(board, view.n, now_usec, &sample);
		loads[view.n] = sample.load;
	}
	for (size_t i = 0; i < JOBS; i++)
		if (c->jobs[i].threads && states[i].part == part)
			balance_look_at(&look, &states[i].balance, &states[i].facts, &err);
	if (err.code)
		fail_msg("%s: the policy failed: %s", c->name, err.text);
	chosen = balance_choose(&look);
	if (!chosen)
		return NULL;
	board_reserve(board, (uint32_t)chosen->advice, now_usec, 0);
	balance_note_order(chosen, now_usec);
	return (struct sim_state *)(void *)((char *)chosen - offsetof(struct sim_state, balance));
}

static size_t simulate(const struct sim_case *c, struct sim_move *ret)
{
	struct sim_state states[JOBS] = { 0 };
	struct board *board = NULL;
	struct vc_err err;
	size_t n = 0;

	if (board_create(state_fd, PARTS, &err) < 0 || board_open(state_fd, &board, &err) < 0)
		fail_msg("board: %s", err.text);
	for (size_t i = 0; i < JOBS; i++) {
		states[i].part = c->jobs[i].part;
		states[i].facts.mem_bytes = c->jobs[i].mem_bytes;
		states[i].balance.advice = -1;
	}
	for (uint64_t sec = 1; sec <= c->looks; sec++) {
		for (size_t i = 0; i < JOBS; i++)
			if (states[i].facts.moving && sec > states[i].until_sec)
				sim_arrive(&states[i], (sec - 1) * SEC);
		for (uint32_t part = 0; part < PARTS && c->ncpus[part]; part++)
			sim_run(c, states, board, part, sec);
		for (uint32_t part = 0; part < PARTS && c->ncpus[part]; part++) {
			struct sim_state *moved = sim_look(c, states, board, part, sec * SEC);
			unsigned int to = moved ? (unsigned int)moved->balance.advice : 0;

			if (!moved)
				continue;
			if (n == MOVES)
				fail_msg("%s: more than %d moves", c->name, MOVES);
			ret[n++] = (struct sim_move){ (unsigned int)sec,
						      (unsigned int)(moved - states), to };
			moved->to = to;
			moved->until_sec = sec + c->move_sec;
			moved->facts.moving = !c->ignored;
		}
	}
	board_free(board);
	return n;
}

static const char *sim_text(const struct sim_move *moves, size_t n, char ret[512])
{
	size_t len = (size_t)snprintf(ret, 512, n ? "" : " no move");

	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(ret + len, 512 - len, " {second %u: job %u to %u}",
					moves[i].sec, moves[i].job, moves[i].to);
	return ret;
}

static void check(const struct sim_case *c)
{
	struct sim_move moves[MOVES];
	size_t n = simulate(c, moves), want = 0;
	char got_text[512], want_text[512];

	while (want < MOVES && c->expected[want].sec)
		want++;
	if (n != want || memcmp(moves, c->expected, n * sizeof(moves[0])) != 0)
		fail_msg("%s: got%s, expected%s", c->name, sim_text(moves, n, got_text),
			 sim_text(c->expected, want, want_text));
}

static void test_decisions(void **state)
{
	static const struct sim_case cases[] = {
		{ .name = "a job on each CPU stays",
		  .looks = 600,
		  .ncpus = { 2, 2 },
		  .jobs = { { 0, 1 }, { 0, 1 }, { 1, 1 }, { 1, 1 } } },
		{ .name = "jobs stay if no partition is idle",
		  .looks = 600,
		  .ncpus = { 1, 1 },
		  .jobs = { { 0, 1 }, { 0, 1 }, { 1, 1 }, { 1, 1 } } },
		{ .name = "jobs spread to idle partitions, one at a time, and stay there",
		  .looks = 600,
		  .ncpus = { 1, 1, 1 },
		  .jobs = { { 0, 1 }, { 0, 1 }, { 0, 1 } },
		  .expected = { { 4, 0, 1 }, { 7, 1, 2 } } },
		{ .name = "a partition moves one job at a time",
		  .looks = 600,
		  .ncpus = { 1, 1, 1 },
		  .move_sec = 20,
		  .jobs = { { 0, 1 }, { 0, 1 }, { 0, 1 } },
		  .expected = { { 4, 0, 1 }, { 27, 1, 2 } } },
		{ .name = "a move without end holds others up for a minute",
		  .looks = 200,
		  .ncpus = { 1, 1, 1 },
		  .move_sec = 1000,
		  .jobs = { { 0, 1 }, { 0, 1 }, { 0, 1 } },
		  .expected = { { 4, 0, 1 }, { 65, 1, 1 } } },
		{ .name = "two partitions do not choose the same target in one look",
		  .looks = 600,
		  .ncpus = { 1, 1, 1 },
		  .jobs = { { 0, 1 }, { 0, 1 }, { 1, 1 }, { 1, 1 } },
		  .expected = { { 4, 0, 2 } } },
		{ .name = "a job with many threads moves where it gets more CPUs",
		  .looks = 600,
		  .ncpus = { 1, 4 },
		  .jobs = { { 0, 4 }, { 0, 1 } },
		  .expected = { { 4, 0, 1 } } },
		{ .name = "a large job moves when it is old enough to pay for the move",
		  .looks = 600,
		  .ncpus = { 1, 1 },
		  .jobs = { { 0, 1, 1024 * MIB }, { 0, 1, NEVER_PAYS } },
		  .expected = { { 15, 0, 1 } } },
		{ .name = "a load that alternates faster than looks agree moves no job",
		  .looks = 600,
		  .ncpus = { 1, 1 },
		  .jobs = { { .threads = 1, .on_sec = 2 }, { .threads = 1, .on_sec = 2 } } },
		{ .name = "a job that has moved stays for 10 s",
		  .looks = 600,
		  .ncpus = { 1, 1 },
		  .jobs = { { 0, 1 },
			    { 0, 1, NEVER_PAYS, .end_sec = 6 },
			    { 1, 1, NEVER_PAYS, .begin_sec = 8 } },
		  .expected = { { 4, 0, 1 }, { 15, 0, 0 } } },
		{ .name = "an order that is not carried out is repeated after a minute",
		  .looks = 200,
		  .ncpus = { 1, 1 },
		  .ignored = true,
		  .jobs = { { 0, 1 }, { 0, 1, NEVER_PAYS } },
		  .expected = { { 4, 0, 1 }, { 65, 0, 1 }, { 126, 0, 1 }, { 187, 0, 1 } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(&cases[i]);
}

static void test_costs_are_learnt(void **state)
{
	double cost = BALANCE_USEC_PER_MIB;

	/* 100 moves of 1 GiB that took 500 us/MiB. */
	for (int i = 0; i < 100; i++)
		cost = balance_learn(cost, 40000 + 500 * 1024, 1024 * MIB);
	if (cost < 499 || cost > 501)
		fail_msg("learnt: got %.0f us/MiB, expected 500", cost);
	if (balance_learn(cost, 90000, 1000) != cost)
		fail_msg("a move of less than 1 MiB teaches nothing");
	if (balance_learn(cost, 1000, 1024 * MIB) < 0)
		fail_msg("a cost is never negative");
}

static int begin(void **state)
{
	strcpy(dir, "/tmp/vcrun-balance-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	state_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return state_fd < 0 ? -1 : 0;
}

static int end(void **state)
{
	close(state_fd);
	return file_remove_tree(AT_FDCWD, dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_costs_are_learnt),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
