// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls.c - the cost of --ipc=map: IPC calls of an unmodified program, mapped and the kernel's
 *
 * The same program (calls.c) runs as a job in the first partition, in turns with --ipc=map and with
 * --ipc=private.
 */
#include "bench/ipc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/calls.h"
#include "cli/columns.h"
#include "common/cleanup.h"

#define CALLS_ROUNDS 15
#define CALLS_QUICK_ROUNDS 4
#define CALLS_TEXT 65536

static const char *const call_words[] = {
#define X(function, words) words,
	CALLS(X)
#undef X
};

#define CALLS_N (sizeof(call_words) / sizeof(call_words[0]))

enum { MAPPED, KERNEL, CALLS_WAYS };

static const char *const call_ways[CALLS_WAYS] = { "mapped", "kernel" };

static struct samples call_costs[CALLS_N][CALLS_WAYS];

/* Lines of "NUMBER COST COST ...". */
static int calls_take(char *text, int way)
{
	size_t n = 0;

	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, n++) {
		char *at;
		unsigned long number = strtoul(line, &at, 10);

		*end = '\0';
		if (at == line || number >= CALLS_N)
			return -EPROTO;
		while (*at) {
			char *next;
			double cost = strtod(at, &next);

			if (next == at)
				return -EPROTO;
			samples_add(&call_costs[number][way], cost);
			at = next;
		}
	}
	return n == CALLS_N ? 0 : -EPROTO;
}

static int calls_run(struct bench *bench, const char *program, int way, bool counts,
		     struct vc_err *err)
{
	_cleanup_free_ char *text = malloc(CALLS_TEXT);
	char ipc[32];
	int r;

	if (!text)
		return err_sys(err, ENOMEM, "vccalls");
	snprintf(ipc, sizeof(ipc), "--ipc=%s", way == MAPPED ? "map" : "private");
	r = bench_run(BENCH_ARGV("vcrun", "--on=vc0", ipc, program), text, CALLS_TEXT);
	if (r != 0)
		return err_set(err, r < 0 ? -r : EIO, "vcrun %s %s: %s", ipc, program,
			       r < 0 ? strerror(-r) : text);
	if (counts && calls_take(text, way) < 0)
		return err_set(err, EPROTO,
			       "vccalls printed a line that vcbench does not understand");
	return 0;
}

static void calls_report(struct bench *bench)
{
	struct columns *table = columns_new("CALLS|>N|>MAPPED|>P90|>KERNEL|>P90|>RATIO");
	json_t *list = json_array();

	printf("\nIPC calls of an unmodified program, microseconds:\n");
	for (size_t i = 0; i < CALLS_N; i++) {
		double medians[CALLS_WAYS];
		json_t *object = json_object();

		json_object_set_new(object, "calls", json_string(call_words[i]));
		columns_add(table, "%s", call_words[i]);
		columns_add(table, "%zu", call_costs[i][MAPPED].n);
		for (int way = 0; way < CALLS_WAYS; way++) {
			struct samples *cost = &call_costs[i][way];

			medians[way] = samples_quantile(cost, 0.5);
			json_object_set_new(object, call_ways[way], samples_json(cost));
			columns_add(table, "%.3g", medians[way]);
			columns_add(table, "%.3g", samples_quantile(cost, 0.9));
			samples_done(cost);
		}
		columns_add(table, "%.1f", medians[MAPPED] / medians[KERNEL]);
		json_array_append_new(list, object);
	}
	columns_print(table, stdout);
	columns_free(table);
	json_object_set_new(bench->ipc, "calls", list);
}

int ipc_bench_calls(struct bench *bench, struct vc_err *err)
{
	size_t rounds =
		bench->rounds ? bench->rounds : (bench->quick ? CALLS_QUICK_ROUNDS : CALLS_ROUNDS);
	char program[PATH_MAX];
	size_t order[CALLS_WAYS];

	if (!bench_find_program("vccalls", program, sizeof(program)))
		return err_set(err, ENOENT, "%s: not there; is vcrun installed whole?", program);
	for (size_t round = 0; round < rounds + 1 && !bench_stop; round++) {
		bench_shuffle(order, CALLS_WAYS);
		bench_progress("ipc: calls: round %zu of %zu", round, rounds + 1);
		for (size_t i = 0; i < CALLS_WAYS && !bench_stop; i++) {
			int r = calls_run(bench, program, (int)order[i], round > 0, err);

			if (r < 0)
				return r;
		}
	}
	bench_progress("%s", "");
	calls_report(bench);
	return 0;
}
