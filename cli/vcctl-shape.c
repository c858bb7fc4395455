// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcctl-shape.c - shows and makes a change of partitions
 *
 * The change is made by this process itself, with the instance's lock, so that it
 * needs no daemon and stands in nobody's event loop. Interrupted, it is undone.
 */
#include "cli/vcctl.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "common/cleanup.h"
#include "partition/partition.h"
#include "partition/reshape.h"

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

static void shape_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = { .sa_handler = shape_on_signal };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

int vcctl_open_shape(const struct vcctl *opts, struct instance **ret, struct cg **ret_cg,
		     int *ret_lock, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	int r = instance_open(opts->state_dir, &in, err);

	if (r == 0)
		r = cg_open(NULL, in->cgroup_base, &cg, err);
	if (r == 0)
		r = reshape_lock(in, cg, ret_lock, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(in);
	*ret_cg = steal_ptr(cg);
	return 0;
}

static void shape_add_cells(struct table *table, const struct partition_spec *spec)
{
	char size[32];

	table_add(table, "%s", config_format_size(spec->memory_bytes, size, sizeof(size)));
	table_add(table, "%s", spec_mode_name(spec->mode));
	table_add(table, "%s", spec->cpus);
	table_add(table, "%s", spec_sharing_name(spec));
	table_add(table, "%s", spec->mems);
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

/* As JP06110715 draws it in its Fig. 9: a partition a line, before and after side by side. */
void vcctl_print_shape(const struct instance *in, const struct partition_spec *after, size_t n)
{
	struct table *table = table_new("PARTITION|>MEMORY|MODE|CPUS|CPU|NODES| |>MEMORY|MODE|CPUS|"
					"CPU|NODES");

	for (size_t i = 0; i < n; i++) {
		int at = instance_find(in, after[i].name);

		if (at < 0)
			continue;
		table_add(table, "%s", after[i].name);
		shape_add_cells(table, &in->config->parts[at]);
		table_add(table, "%s", spec_equal(&in->config->parts[at], &after[i]) ? "" : "->");
		shape_add_cells(table, &after[i]);
	}
	table_print(table, stdout);
	table_free(table);
	for (size_t i = 0; i < n; i++) {
		int at = instance_find(in, after[i].name);

		if (at >= 0)
			shape_print_devices(&in->config->parts[at], &after[i]);
	}
	fflush(stdout);
}

static void shape_progress(const char *partition, uint64_t used_bytes, uint64_t limit_bytes,
			   void *ctx)
{
	char used[32], limit[32];

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%s: %s used, to come down to %s", partition,
		config_format_size(used_bytes, used, sizeof(used)),
		config_format_size(limit_bytes, limit, sizeof(limit)));
	if (used_bytes <= limit_bytes)
		fputs("\r\033[K", stderr);
}

/* What the kernel does not give as it was asked for. */
static void shape_print_obtained(struct cg *cg, const struct partition_spec *spec)
{
	enum cg_exclusive cpus = CG_SHARED;
	enum cg_memory_hold memory = CG_HOLD_NONE;

	if (spec->exclusive && cg_get_exclusive(cg, spec->name, true, &cpus) == 0 &&
	    cpus != CG_DEDICATED)
		printf("note: the CPUs of %s are %s%s\n", spec->name,
		       partition_exclusive_name(cpus),
		       cpus == CG_ADVISORY ? ": this kernel keeps only other partitions off them"
					   : ": another partition has some of them too");
	if (spec->mode == MEMORY_FIXED && cg_get_memory_hold(cg, spec->name, &memory) == 0 &&
	    memory != CG_HOLD_FIXED)
		printf("note: the memory of %s is not swapped out, but not guaranteed on this "
		       "machine\n",
		       spec->name);
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
	       table_usec(report->total_usec, total, sizeof(total)),
	       table_usec(report->shrink_usec, shrink, sizeof(shrink)),
	       table_usec(report->cpus_usec, cpus, sizeof(cpus)),
	       table_usec(report->grow_usec, grow, sizeof(grow)));
}

int vcctl_reshape(const struct vcctl *opts, struct instance *in, struct cg *cg,
		  const struct vcctl_change *change, struct vc_err *err)
{
	struct reshape_how how = {
		.cause = change->cause,
		.deadline_msec = opts->deadline_msec,
		.progress = shape_progress,
		.cancel = &shape_cancelled,
	};
	struct reshape_report report = { 0 };
	int r = reshape_check(in, change->after, change->n, err);

	if (r < 0)
		return r;
	vcctl_print_shape(in, change->after, change->n);
	if (opts->dry_run)
		return 0;
	shape_catch_signals();
	if (change->event) {
		r = plan_go(in, cg, change->event, change->way, &how, &report, err);
	} else {
		if (!how.deadline_msec)
			how.deadline_msec = RESHAPE_DEADLINE_MSEC;
		r = reshape_run(in, cg, change->after, change->n, &how, &report, err);
	}
	if (r < 0) {
		err_add(err, "nothing has changed");
		return r;
	}
	shape_print_done(&report);
	for (size_t i = 0; report.n_changed > 0 && i < change->n; i++)
		shape_print_obtained(cg, &change->after[i]);
	return 0;
}
