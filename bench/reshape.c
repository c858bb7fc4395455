// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reshape.c - the cost of changing a partition, for the command and for a program in it
 *
 * A victim fills half of the partition's memory, and page cache the other half. In turns the
 * partition gets less memory, so that the kernel must reclaim the cache; more memory; fewer CPUs;
 * all CPUs. For comparison there is a wait without a change, because the machine itself also pauses
 * programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/watch.h"
#include "cli/columns.h"
#include "common/cleanup.h"
#include "common/clock.h"

#define RESHAPE_SIZES "64,256,1024"
#define RESHAPE_QUICK_SIZES "64"
#define RESHAPE_ROUNDS 15
#define RESHAPE_QUICK_ROUNDS 5
#define RESHAPE_WARMUP 1
#define RESHAPE_ROOM_MIB 64       /* beyond the victim's own, and the cache */
#define RESHAPE_SETTLE_USEC 20000 /* until the gap is noted */
#define RESHAPE_QUIET_USEC 20000

enum { TO_QUIET, TO_LESS, TO_MORE, TO_FEWER, TO_ALL, N_CHANGES };

static const char *const change_names[N_CHANGES] = {
	[TO_QUIET] = "none",       [TO_LESS] = "less memory", [TO_MORE] = "more memory",
	[TO_FEWER] = "fewer CPUs", [TO_ALL] = "all CPUs",
};

struct reshape_bench {
	struct bench *bench;
	const char *victim_path;
	unsigned int mib;
	struct columns *table;
	json_t *list;
	struct victim victim;
	char cache[160];                                 /* a file as large as the victim */
	struct samples total[N_CHANGES], gap[N_CHANGES]; /* ms */
};

static int reshape_set(const char *option, struct vc_err *err)
{
	char out[1024];

	if (bench_run(BENCH_ARGV("vcctl", "set", "vc0", option), out, sizeof(out)) != 0)
		return err_set(err, EIO, "vcctl set vc0 %s: %.400s", option, out);
	return 0;
}

/* A job in the partition reads the file, so that its pages are charged to the partition. */
static int reshape_fill_cache(const struct reshape_bench *reshape, struct vc_err *err)
{
	int r = bench_run(BENCH_ARGV("vcrun", "--on=vc0", "cat", reshape->cache), NULL, 0);

	return r == 0 ? 0 : err_set(err, EIO, "cannot read %s", reshape->cache);
}

static int reshape_change(const struct reshape_bench *reshape, int change, struct vc_err *err)
{
	unsigned int mib = reshape->mib + RESHAPE_ROOM_MIB;
	char option[64];

	switch (change) {
	case TO_LESS:
		snprintf(option, sizeof(option), "--memory=%uM", mib);
		break;
	case TO_MORE:
		snprintf(option, sizeof(option), "--memory=%uM", mib + reshape->mib);
		break;
	case TO_FEWER:
		snprintf(option, sizeof(option), "--cpus=0");
		break;
	case TO_ALL:
		snprintf(option, sizeof(option), "--cpus=0-%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
		break;
	default:
		clock_sleep_usec(RESHAPE_QUIET_USEC);
		return 0;
	}
	return reshape_set(option, err);
}

static int reshape_round(struct reshape_bench *reshape, bool counts, struct vc_err *err)
{
	int r = reshape_fill_cache(reshape, err);

	for (int change = 0; r == 0 && change < N_CHANGES; change++) {
		uint64_t since, begun;
		double total;

		clock_sleep_usec(RESHAPE_SETTLE_USEC);
		since = clock_real_usec();
		begun = clock_mono_usec();
		r = reshape_change(reshape, change, err);
		total = (double)(clock_mono_usec() - begun) / 1e3;
		clock_sleep_usec(RESHAPE_SETTLE_USEC);
		if (r < 0 || !counts)
			continue;
		samples_add(&reshape->total[change], total);
		samples_add(&reshape->gap[change], victim_gap_msec(&reshape->victim, since));
	}
	return r;
}

static int reshape_begin(struct reshape_bench *reshape, struct vc_err *err)
{
	_cleanup_close_ int fd = -1;
	char mib[16];
	int r = reshape_change(reshape, TO_MORE, err);

	if (r == 0)
		r = victim_open(&reshape->victim, reshape->bench, 0, err);
	if (r < 0)
		return r;
	/* Not on the tmpfs: its pages could not be reclaimed. Holes are cached like data. */
	strcpy(reshape->cache, "/var/tmp/vcbench-XXXXXX");
	fd = mkostemp(reshape->cache, O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)reshape->mib << 20) < 0)
		return err_sys(err, errno, "%s", reshape->cache);
	snprintf(mib, sizeof(mib), "%u", reshape->mib);
	if (bench_run(BENCH_ARGV("vcrun", "--on=vc0", "--detach", reshape->victim_path, mib,
				 reshape->victim.path),
		      NULL, 0) != 0)
		return err_set(err, EIO, "the program in the partition cannot be started");
	return victim_await(&reshape->victim, err);
}

static int reshape_size(struct reshape_bench *reshape, struct vc_err *err)
{
	const struct bench *bench = reshape->bench;
	size_t rounds = bench_rounds(bench, RESHAPE_ROUNDS, RESHAPE_QUICK_ROUNDS);
	int r = reshape_begin(reshape, err);

	for (size_t i = 0; r == 0 && i < rounds + RESHAPE_WARMUP && !bench_stop; i++) {
		bench_progress("reshape: %u MiB: round %zu of %zu", reshape->mib, i,
			       rounds + RESHAPE_WARMUP);
		r = reshape_round(reshape, i >= RESHAPE_WARMUP, err);
	}
	if (r == 0 && reshape->victim.log->bad_pages)
		r = err_set(err, EIO, "pages of the program are not what was written");
	victim_end(&reshape->victim);
	if (*reshape->cache)
		unlink(reshape->cache);
	bench_progress("%s", "");
	return r;
}

static void reshape_report(struct reshape_bench *reshape)
{
	for (int change = 0; change < N_CHANGES; change++) {
		struct samples *total = &reshape->total[change], *gap = &reshape->gap[change];

		if (total->n > 0) {
			bench_row(reshape->table, "%u|%s|%zu|%.1f|%.1f|%.1f|%.1f", reshape->mib,
				  change_names[change], total->n, samples_quantile(total, 0.5),
				  samples_quantile(total, 0.9), samples_quantile(gap, 0.5),
				  samples_quantile(gap, 1));
			json_array_append_new(
				reshape->list,
				json_pack("{s:i, s:s, s:o, s:o}", "mib", (int)reshape->mib,
					  "change", change_names[change], "total_msec",
					  samples_json(total), "pause_msec", samples_json(gap)));
		}
		samples_done(total);
		samples_done(gap);
	}
}

static int reshape_one(unsigned int mib, void *arg, struct vc_err *err)
{
	struct reshape_bench reshape = *(const struct reshape_bench *)arg;
	int r;

	reshape.mib = mib;
	r = reshape_size(&reshape, err);
	reshape_report(&reshape);
	return r;
}

int bench_reshape(struct bench *bench, struct vc_err *err)
{
	char victim_path[PATH_MAX];
	struct reshape_bench base = { .bench = bench, .victim_path = victim_path };
	int r;

	if (!bench_find_program("victim", victim_path, sizeof(victim_path)))
		return err_set(err, ENOENT, "%s: not found", victim_path);
	/* The other partition has some of the CPUs as well. */
	r = reshape_set("--cpu=shared", err);
	if (r < 0)
		return r;
	base.list = json_array();
	base.table = columns_new(">MIB|CHANGE|>N|>MS|>P90|>PAUSE MS|>LONGEST");
	r = bench_each_size(bench, RESHAPE_SIZES, RESHAPE_QUICK_SIZES, reshape_one, &base, err);
	puts("\nChanging a partition, and the longest pause that the program in it saw:");
	bench_print(base.table);
	json_object_set_new(bench->report, "reshape", base.list);
	return r;
}
