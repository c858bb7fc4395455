// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * move.c - the cost of a move: vcmove and the criu command
 *
 * There are two victims of the same size: a job of vcrun, and a program without vcrun. In turns,
 * vcmove moves the first, and "criu dump" and "criu restore" dump and restore the second, with the
 * same criu and images on the same tmpfs. Downtime is the longest gap that the victim has seen in
 * CLOCK_REALTIME; the other victim is idle. At the end, each victim verifies all of its memory.
 */
#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/watch.h"
#include "cli/columns.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "libmig/criu/criu.h"

#define MOVE_SIZES "1,64,256,1024"
#define MOVE_QUICK_SIZES "1,64"
#define MOVE_ROUNDS 20
#define MOVE_QUICK_ROUNDS 7
#define MOVE_WARMUP 2
#define MOVE_SETTLE_USEC 150000 /* before a move, and after it until the gap is noted */

enum { WAY_VCRUN, WAY_CRIU, N_WAYS };

static const char *const way_names[] = {
	[WAY_VCRUN] = "vcmove", [WAY_CRIU] = "criu dump + criu restore"
};

struct moved {
	struct victim victim;
	char name[32];                  /* of the job */
	struct samples downtime, total; /* ms */
};

struct move_bench {
	struct bench *bench;
	const char *criu, *victim_path;
	unsigned int mib;
	struct moved victims[N_WAYS];
	struct columns *table;
	json_t *list;
	json_t *steps; /* name -> struct samples as an array of usec */
	int on;        /* the partition where vcrun's victim is */
};

static int move_start(struct move_bench *move, int way, struct vc_err *err)
{
	struct moved *moved = &move->victims[way];
	char mib[16], name[48];
	int r;

	snprintf(mib, sizeof(mib), "%u", move->mib);
	snprintf(moved->name, sizeof(moved->name), "bench-%s", mib);
	snprintf(name, sizeof(name), "--name=%s", moved->name);
	r = victim_open(&moved->victim, move->bench, way, err);
	if (r < 0)
		return r;
	/* Its output must not be a pipe to us: it keeps running, and criu would need an option.
	 * By hand it becomes our child, since we are subreaper. */
	r = bench_run(way == WAY_VCRUN ? BENCH_ARGV("vcrun", "--on=vc0", "--detach", name,
						    move->victim_path, mib, moved->victim.path)
				       : BENCH_ARGV("setsid", "--fork", move->victim_path, mib,
						    moved->victim.path),
		      NULL, 0);
	if (r != 0)
		return err_set(err, EIO, "%s: the program to be moved cannot be started",
			       way == WAY_VCRUN ? "vcrun" : "setsid");
	return victim_await(&moved->victim, err);
}

static void move_note_steps(struct move_bench *move, const char *answer)
{
	json_auto_t *moved = json_loads(answer, 0, NULL);
	json_t *steps = json_object_get(moved, "steps_usec"), *value;
	const char *name;

	json_object_foreach(steps, name, value) {
		if (!json_object_get(move->steps, name))
			json_object_set_new(move->steps, name, json_array());
		json_array_append(json_object_get(move->steps, name), value);
	}
}

static int move_by_vcmove(struct move_bench *move, bool counts, struct vc_err *err)
{
	char to[16], out[4096];

	snprintf(to, sizeof(to), "--to=vc%d", !move->on);
	if (bench_run(BENCH_ARGV("vcmove", to, "--json", move->victims[WAY_VCRUN].name), out,
		      sizeof(out)) != 0)
		return err_set(err, EIO, "vcmove: %.400s", out);
	move->on = !move->on;
	if (counts)
		move_note_steps(move, out);
	return 0;
}

static int move_by_criu(struct move_bench *move, struct vc_err *err)
{
	char images[128], pid[16], out[2048];
	const char *const *dump = BENCH_ARGV(move->criu, "dump", "-D", images, "-t", pid, "-v0",
					     "--manage-cgroups=ignore");
	const char *const *restore = BENCH_ARGV(move->criu, "restore", "-D", images, "-d", "-v0",
						"--manage-cgroups=ignore");
	int r = 0;

	snprintf(images, sizeof(images), "%s/images/bench", move->bench->state_dir);
	snprintf(pid, sizeof(pid), "%d", move->victims[WAY_CRIU].victim.log->pid);
	if (mkdir(images, 0700) < 0)
		return err_sys(err, errno, "%s", images);
	if (bench_run(dump, out, sizeof(out)) != 0)
		r = err_set(err, EIO, "criu dump: %.400s", out);
	/* Its PID is free after it was reaped. */
	if (r == 0)
		waitpid(move->victims[WAY_CRIU].victim.log->pid, NULL, 0);
	/* -d: the restored program gets no descriptor of ours. */
	if (r == 0 && bench_run(restore, NULL, 0) != 0)
		r = err_set(err, EIO, "criu restore failed");
	file_remove_tree(AT_FDCWD, images);
	return r;
}

static int move_once(struct move_bench *move, int way, bool counts, struct vc_err *err)
{
	struct moved *moved = &move->victims[way], *other = &move->victims[!way];
	uint64_t since, begun;
	double total;
	int r;

	other->victim.log->order = VICTIM_IDLE;
	moved->victim.log->order = VICTIM_RUN;
	clock_sleep_usec(MOVE_SETTLE_USEC);
	since = clock_real_usec();
	begun = clock_mono_usec();
	r = way == WAY_VCRUN ? move_by_vcmove(move, counts, err) : move_by_criu(move, err);
	total = (double)(clock_mono_usec() - begun) / 1e3;
	if (r < 0)
		return r;
	clock_sleep_usec(MOVE_SETTLE_USEC);
	if (counts) {
		samples_add(&moved->downtime, victim_gap_msec(&moved->victim, since));
		samples_add(&moved->total, total);
	}
	return 0;
}

/* Both victims verify their memory. */
static int move_verify(struct move_bench *move, struct vc_err *err)
{
	for (int way = 0; way < N_WAYS; way++) {
		struct victim_log *log = move->victims[way].victim.log;
		uint64_t before = log->checks;

		log->order = VICTIM_CHECK;
		while (log->checks == before && !bench_stop)
			clock_sleep_usec(1000);
		if (log->bad_pages)
			return err_set(err, EIO,
				       "%s: %llu pages of the moved program are not what "
				       "was written",
				       way_names[way], (unsigned long long)log->bad_pages);
	}
	return 0;
}

static double move_ratio(struct samples *a, struct samples *b)
{
	return samples_quantile(a, 0.5) / samples_quantile(b, 0.5);
}

static void move_row(struct columns *table, const struct move_bench *move)
{
	struct moved *ours = (struct moved *)&move->victims[WAY_VCRUN];
	struct moved *plain = (struct moved *)&move->victims[WAY_CRIU];

	if (ours->downtime.n == 0 || plain->downtime.n == 0)
		return;
	bench_row(table, "%u|%zu|%.1f|%.1f|%.1f|%.1f|%.2f|%.1f|%.1f|%.2f", move->mib,
		  ours->downtime.n, samples_quantile(&ours->downtime, 0.5),
		  samples_quantile(&ours->downtime, 0.9), samples_quantile(&plain->downtime, 0.5),
		  samples_quantile(&plain->downtime, 0.9),
		  move_ratio(&ours->downtime, &plain->downtime),
		  samples_quantile(&ours->total, 0.5), samples_quantile(&plain->total, 0.5),
		  move_ratio(&ours->total, &plain->total));
}

/* Prints the median of each of vcmove's steps, and returns them. */
static json_t *move_steps(const struct move_bench *move)
{
	json_t *medians = json_object(), *values;
	const char *name;

	printf("  %u MiB:", move->mib);
	json_object_foreach(move->steps, name, values) {
		struct samples samples = { 0 };
		json_t *value;
		size_t i;

		json_array_foreach(values, i, value)
			samples_add(&samples, json_number_value(value) / 1e3);
		printf(" %s %.1f", name, samples_quantile(&samples, 0.5));
		json_object_set_new(medians, name, json_real(samples_quantile(&samples, 0.5)));
		samples_done(&samples);
	}
	putchar('\n');
	return medians;
}

static json_t *move_json(struct move_bench *move, json_t *steps)
{
	struct moved *ours = &move->victims[WAY_VCRUN], *plain = &move->victims[WAY_CRIU];

	return json_pack("{s:i, s:{s:o, s:o}, s:{s:o, s:o}, s:f, s:o}", "mib", (int)move->mib,
			 "vcmove_msec", "downtime", samples_json(&ours->downtime), "total",
			 samples_json(&ours->total), "criu_msec", "downtime",
			 samples_json(&plain->downtime), "total", samples_json(&plain->total),
			 "downtime_ratio",
			 ours->downtime.n && plain->downtime.n
				 ? move_ratio(&ours->downtime, &plain->downtime)
				 : 0.0,
			 "vcmove_step_msec", steps);
}

static int move_size(struct move_bench *move, struct vc_err *err)
{
	size_t rounds = bench_rounds(move->bench, MOVE_ROUNDS, MOVE_QUICK_ROUNDS);
	int r = 0;

	bench_progress("move: %u MiB: filling memory", move->mib);
	for (int way = 0; r == 0 && way < N_WAYS; way++)
		r = move_start(move, way, err);
	for (size_t round = 0; r == 0 && round < rounds + MOVE_WARMUP && !bench_stop; round++) {
		size_t order[N_WAYS];

		bench_progress("move: %u MiB: round %zu of %zu", move->mib, round,
			       rounds + MOVE_WARMUP);
		bench_shuffle(order, N_WAYS);
		for (size_t i = 0; r == 0 && i < N_WAYS && !bench_stop; i++)
			r = move_once(move, (int)order[i], round >= MOVE_WARMUP, err);
	}
	if (r == 0)
		r = move_verify(move, err);
	return r;
}

static int move_one(unsigned int mib, void *arg, struct vc_err *err)
{
	struct move_bench move = *(const struct move_bench *)arg;
	int r;

	move.mib = mib;
	move.steps = json_object();
	r = move_size(&move, err);
	bench_progress("%s", "");
	move_row(move.table, &move);
	json_array_append_new(move.list, move_json(&move, move_steps(&move)));
	for (int way = 0; way < N_WAYS; way++) {
		victim_end(&move.victims[way].victim);
		samples_done(&move.victims[way].downtime);
		samples_done(&move.victims[way].total);
	}
	json_decref(move.steps);
	return r;
}

int bench_move(struct bench *bench, struct vc_err *err)
{
	char victim_path[PATH_MAX];
	struct move_bench base = { .bench = bench,
				   .criu = criu_find(),
				   .victim_path = victim_path,
				   .list = json_array() };
	int r;

	if (!base.criu)
		return err_set(err, ENOENT, "criu is not installed: run 'vcctl check'");
	if (!bench_find_program("victim", victim_path, sizeof(victim_path)))
		return err_set(err, ENOENT, "%s: not found", victim_path);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	base.table = columns_new(
		">MIB|>N|>VCMOVE MS|>P90|>CRIU MS|>P90|>RATIO|>VCMOVE TOTAL|>CRIU TOTAL|>RATIO");
	puts("\nMedians of vcmove's steps, in ms:");
	r = bench_each_size(bench, MOVE_SIZES, MOVE_QUICK_SIZES, move_one, &base, err);
	puts("\nDowntime as the program saw it, and total time of the command:");
	bench_print(base.table);
	json_object_set_new(bench->report, "move", base.list);
	return r;
}
