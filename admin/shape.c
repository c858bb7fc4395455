// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shape.c - shows and makes a change of partitions
 *
 * The change is made by this process itself, with the instance's lock, so that it
 * needs no daemon and stands in nobody's event loop. Interrupted, it is undone.
 */
#include "cli/vcctl/vcctl.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/columns.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "partition/change/reshape.h"
#include "partition/partition.h"

#define SHAPE_LIST 1024 /* bytes of a list of CPUs or nodes that are shown */

DEFINE_CLEANUP(struct instance *, instance_freep, instance_free);
DEFINE_CLEANUP(struct cg *, cg_freep, cg_free);

static volatile sig_atomic_t shape_cancelled;

static void shape_on_signal(int signal)
{
	shape_cancelled = 1;
}

bool vcctl_is_cancelled(void)
{
	sigset_t set;

	return shape_cancelled ||
	       (sigpending(&set) == 0 && (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM) ||
					  sigismember(&set, SIGHUP)));
}

const volatile sig_atomic_t *vcctl_cancel(void)
{
	return &shape_cancelled;
}

static void shape_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = { .sa_handler = shape_on_signal };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	/* Stopped in the middle, it would keep everybody else from changing anything. */
	signal(SIGTSTP, SIG_IGN);
}

void vcctl_claim(const struct vcctl *opts, struct reshape_claim *ret)
{
	unsigned int msec = opts->deadline_msec ? opts->deadline_msec : RESHAPE_DEADLINE_MSEC;

	*ret = (struct reshape_claim){ .rank = RESHAPE_RANK_TIME,
				       .deadline_usec = clock_mono_usec() + (uint64_t)msec * 1000,
				       .cancel = &shape_cancelled };
}

int vcctl_open_shape(const struct vcctl *opts, const struct reshape_claim *claim,
		     struct instance **ret, struct cg **ret_cg, int *ret_lock, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	int r = instance_open(opts->state_dir, &in, err);

	if (r == 0)
		r = cg_open(NULL, in->cgroup_base, &cg, err);
	/* To say what would be it is enough to look. */
	if (r == 0 && !opts->dry_run)
		r = reshape_lock(in, cg, claim, ret_lock, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(in);
	*ret_cg = steal_ptr(cg);
	return 0;
}

/* A partition's cells in the table. */
struct shape_row {
	uint64_t memory_bytes;
	const char *mode, *sharing;
	char cpus[SHAPE_LIST], mems[SHAPE_LIST];
};

static void shape_want(const struct partition_spec *spec, struct shape_row *ret)
{
	*ret = (struct shape_row){
		.memory_bytes = spec->memory_bytes,
		.mode = spec_mode_name(spec->mode),
		.sharing = spec_sharing_name(spec),
	};
	snprintf(ret->cpus, sizeof(ret->cpus), "%s", spec->cpus);
	snprintf(ret->mems, sizeof(ret->mems), "%s", spec->mems);
}

/* As the kernel has it. What cannot be read is as it is wanted. */
static void shape_read(struct cg *cg, const struct partition_spec *spec, struct shape_row *ret)
{
	enum cg_exclusive exclusive;
	enum cg_memory_hold hold;
	struct cg_memory memory;
	char cpus[SHAPE_LIST], mems[SHAPE_LIST];

	shape_want(spec, ret);
	if (cg_cpus_get(cg, spec->name, cpus, sizeof(cpus), mems, sizeof(mems), NULL) == 0) {
		memcpy(ret->cpus, cpus, sizeof(cpus));
		memcpy(ret->mems, mems, sizeof(mems));
	}
	if (cg_memory_read(cg, spec->name, &memory) == 0)
		ret->memory_bytes = memory.limit_bytes;
	if (cg_cpus_get_exclusive(cg, spec->name, spec->exclusive, &exclusive) == 0)
		ret->sharing = partition_exclusive_name(exclusive);
	if (cg_hold_get(cg, spec->name, &hold) == 0)
		ret->mode = partition_hold_name(hold);
}

static bool shape_same(const struct shape_row *a, const struct shape_row *b)
{
	return a->memory_bytes == b->memory_bytes && !strcmp(a->mode, b->mode) &&
	       !strcmp(a->sharing, b->sharing) && !strcmp(a->cpus, b->cpus) &&
	       !strcmp(a->mems, b->mems);
}

static void shape_add_cells(struct columns *table, const struct shape_row *row)
{
	char size[32];

	columns_add(table, "%s", config_size_format(row->memory_bytes, size, sizeof(size)));
	columns_add(table, "%s", row->mode);
	columns_add(table, "%s", row->cpus);
	columns_add(table, "%s", row->sharing);
	columns_add(table, "%s", row->mems);
}

/* As JP06110715 draws it in its Fig. 9: a partition a line, before and after side by side. */
static void shape_print(const struct partition_spec *parts, const struct shape_row *before,
			const struct shape_row *after, size_t n)
{
	struct columns *table =
		columns_new("PARTITION|>MEMORY|MODE|CPUS|CPU|NODES| |>MEMORY|MODE|CPUS|"
			    "CPU|NODES");

	for (size_t i = 0; i < n; i++) {
		columns_add(table, "%s", parts[i].name);
		shape_add_cells(table, &before[i]);
		columns_add(table, "%s", shape_same(&before[i], &after[i]) ? "" : "->");
		shape_add_cells(table, &after[i]);
	}
	columns_print(table, stdout);
	columns_free(table);
}

/* Below the table, since few have any. */
static void shape_print_devices(const struct partition_spec *before,
				const struct partition_spec *after)
{
	const struct {
		const char *what, *before, *after;
	} lists[] = {
		{ "devices", before->devices, after->devices },
		{ "share", before->shares, after->shares },
	};

	if (spec_same_devices(before, after))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		printf("%s of %s: %s -> %s\n", lists[i].what, after->name,
		       lists[i].before ? lists[i].before : "none",
		       lists[i].after ? lists[i].after : "none");
}

static void shape_print_all_devices(const struct instance *in, const struct partition_spec *after,
				    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int at = instance_find(in, after[i].name);

		if (at >= 0)
			shape_print_devices(&in->config->parts[at], &after[i]);
	}
	fflush(stdout);
}

/* Of partitions that are there: reshape_check() saw to that. cg NULL: as they are wanted. */
static void shape_read_all(const struct instance *in, struct cg *cg,
			   const struct partition_spec *after, size_t n, struct shape_row *ret)
{
	for (size_t i = 0; i < n; i++) {
		int at = instance_find(in, after[i].name);
		const struct partition_spec *spec = at < 0 ? &after[i] : &in->config->parts[at];

		if (cg)
			shape_read(cg, spec, &ret[i]);
		else
			shape_want(spec, &ret[i]);
	}
}

int vcctl_print_shape(const struct instance *in, const struct partition_spec *after, size_t n,
		      struct vc_err *err)
{
	_cleanup_free_ struct shape_row *rows = calloc(2 * n + 1, sizeof(*rows));

	if (!rows)
		return err_sys(err, ENOMEM, "partitions");
	shape_read_all(in, NULL, after, n, rows);
	for (size_t i = 0; i < n; i++)
		shape_want(&after[i], &rows[n + i]);
	shape_print(after, rows, rows + n, n);
	shape_print_all_devices(in, after, n);
	return 0;
}

static void shape_progress(const char *partition, uint64_t used_bytes, uint64_t limit_bytes,
			   void *ctx)
{
	char used[32], limit[32];

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%s: %s used, to come down to %s", partition,
		config_size_format(used_bytes, used, sizeof(used)),
		config_size_format(limit_bytes, limit, sizeof(limit)));
	if (used_bytes <= limit_bytes)
		fputs("\r\033[K", stderr);
}

static void shape_print_done(const struct reshape_report *report)
{
	char shrink[32], cpus[32], grow[32], total[32];

	if (report->behind_bytes > 0)
		printf("note: %" PRIu64
		       " KiB are on other nodes still, in use by some I/O; when it has "
		       "ended, the same command moves them\n",
		       report->behind_bytes >> 10);
	if (report->n_changed == 0) {
		puts("all is so already");
		return;
	}
	printf("done in %s: shrinking %s, CPUs %s, growing %s\n",
	       columns_usec(report->total_usec, total, sizeof(total)),
	       columns_usec(report->shrink_usec, shrink, sizeof(shrink)),
	       columns_usec(report->cpus_usec, cpus, sizeof(cpus)),
	       columns_usec(report->grow_usec, grow, sizeof(grow)));
}

int vcctl_reshape(const struct vcctl *opts, struct instance *in, struct cg *cg,
		  const struct vcctl_change *change, struct vc_err *err)
{
	struct reshape_how how = {
		.cause = change->cause,
		.deadline_usec = change->claim->deadline_usec,
		.lock = change->lock,
		.rank = change->claim->rank,
		.progress = shape_progress,
		.cancel = &shape_cancelled,
	};
	_cleanup_free_ struct shape_row *rows = calloc(2 * change->n + 1, sizeof(*rows));
	struct reshape_report report = { 0 };
	int r = reshape_check(in, change->after, change->n, err);

	if (r < 0)
		return r;
	if (!rows)
		return err_sys(err, ENOMEM, "set");
	if (opts->dry_run) {
		r = reshape_check_fit(in, cg, change->after, change->n, err);
		return r < 0 ? r : vcctl_print_shape(in, change->after, change->n, err);
	}
	shape_read_all(in, cg, change->after, change->n, rows);
	shape_print_all_devices(in, change->after, change->n);
	shape_catch_signals();
	r = change->event ? plan_go(in, cg, change->event, &how, &report, err)
			  : reshape_run(in, cg, change->after, change->n, &how, &report, err);
	if (r < 0) {
		err_add(err, "nothing has changed");
		return r;
	}
	for (size_t i = 0; i < change->n; i++)
		shape_read(cg, &change->after[i], &rows[change->n + i]);
	shape_print(change->after, rows, rows + change->n, change->n);
	shape_print_done(&report);
	if (report.n_changed > 0)
		vcctl_print_obtained(cg, change->after, change->n);
	return 0;
}
