// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reshape.c - partitions changed while their jobs run, as one transaction
 *
 * Shrinking memory and moving CPUs can fail, so both come before the commit. Undoing them, by
 * raising a limit and giving CPUs back, does not fail. One function makes the shape after or the
 * shape before, and skips what is there already. So finishing or undoing the change of a dead
 * holder of the lock is another call of it.
 *
 * CPUs move in three passes over all partitions of a change: the exclusive ones become shared; each
 * partition gets its new CPUs in one write, so that it always has some; those that ask for it
 * become exclusive.
 *
 * $VCRUN_RESHAPE_HOOK names a program that is run at the beginning of each step with STEP and
 * CAUSE. The step waits for its end. Tests use it to kill processes at that point.
 */
#include "partition/change/reshape.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"
#include "partition/change/priv.h"
#include "partition/device/deny.h"
#include "partition/instance.h"
#include "partition/partition.h"

#define UNDO_USEC 2000000u

extern char **environ;

/* One pass through the steps. */
struct way {
	struct cg *cg;
	const struct reshape *reshape;
	const struct reshape_how *how;
	bool back;             /* to the shape before */
	bool recovering;       /* of a holder that died: a daemon may be doing this */
	const char *partition; /* being shrunk, for the progress report */
};

static const struct partition_spec *reshape_goal(const struct way *way, size_t i)
{
	return way->back ? &way->reshape->part[i].before : &way->reshape->part[i].after;
}

static const struct partition_spec *reshape_origin(const struct way *way, size_t i)
{
	return way->back ? &way->reshape->part[i].after : &way->reshape->part[i].before;
}

static void reshape_run_hook(const char *step, const char *cause)
{
	const char *hook = getenv("VCRUN_RESHAPE_HOOK");
	char *argv[] = { (char *)hook, (char *)step, (char *)cause, NULL };
	pid_t pid;

	if (hook && *hook && posix_spawn(&pid, hook, NULL, NULL, argv, environ) == 0)
		waitpid(pid, NULL, 0);
}

static void reshape_on_progress(uint64_t used_bytes, uint64_t limit_bytes, void *ctx)
{
	const struct way *way = ctx;

	if (way->how->progress)
		way->how->progress(way->partition, used_bytes, limit_bytes, way->how->ctx);
}

/* Returns whether it was cancelled, or a process of a higher rank waits for the lock. */
static bool reshape_should_stop(const void *ctx)
{
	const struct reshape_how *how = ((const struct way *)ctx)->how;

	return (how->cancel && *how->cancel) || reshape_lock_must_yield(how->lock, how->rank);
}

static int reshape_hold(const struct way *way, const struct partition_spec *spec,
			struct vc_err *err)
{
	enum cg_memory_hold obtained;

	return cg_hold_set(way->cg, spec->name, spec->mode == MEMORY_FIXED, spec->memory_bytes,
			   &obtained, err);
}

/* Shrinks memory. Memory that becomes pageable does so first, and may then go to swap. */
static int reshape_shrink(struct way *way, struct vc_err *err)
{
	for (size_t i = 0; i < way->reshape->n; i++) {
		const struct partition_spec *to = reshape_goal(way, i);
		struct cg_shrink how = {
			.deadline_usec = way->how->deadline_usec,
			.swap = to->mode == MEMORY_PAGEABLE,
			.progress = reshape_on_progress,
			.stop = reshape_should_stop,
			.ctx = way,
		};
		struct cg_memory now;
		int r = to->mode == MEMORY_PAGEABLE ? reshape_hold(way, to, err) : 0;

		way->partition = to->name;
		if (r == 0 && cg_memory_read(way->cg, to->name, &now) == 0 &&
		    to->memory_bytes < now.limit_bytes)
			r = cg_shrink_memory(way->cg, to->name, to->memory_bytes, &how, err);
		if (r < 0) {
			err_add(err, "partition %s", to->name);
			return r;
		}
	}
	return 0;
}

static bool reshape_cpus_differ(const struct way *way, size_t i)
{
	const struct partition_spec *a = reshape_goal(way, i), *b = reshape_origin(way, i);

	return strcmp(a->cpus, b->cpus) != 0 || strcmp(a->mems, b->mems) != 0 ||
	       a->exclusive != b->exclusive;
}

static int reshape_set_cpus(const struct way *way, const struct partition_spec *spec,
			    bool exclusive, struct vc_err *err)
{
	enum cg_exclusive obtained;
	int r = partition_set_cpus(way->cg, spec, exclusive, &obtained, err);

	if (r < 0)
		err_add(err, "partition %s", spec->name);
	return r;
}

static int reshape_release(const struct way *way, size_t i, struct vc_err *err)
{
	const struct partition_spec *from = reshape_origin(way, i);

	/* An undo does not know how far the change got, so it releases all. */
	if (!from->exclusive && !way->back)
		return 0;
	return cg_cpus_release(way->cg, from->name, err);
}

static int reshape_move_cpus(const struct way *way, struct vc_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < way->reshape->n; i++)
		r = reshape_cpus_differ(way, i) ? reshape_release(way, i, err) : 0;
	for (size_t i = 0; r == 0 && i < way->reshape->n; i++)
		r = reshape_cpus_differ(way, i)
			    ? reshape_set_cpus(way, reshape_goal(way, i), false, err)
			    : 0;
	for (size_t i = 0; r == 0 && i < way->reshape->n; i++)
		r = reshape_cpus_differ(way, i) && reshape_goal(way, i)->exclusive
			    ? reshape_set_cpus(way, reshape_goal(way, i), true, err)
			    : 0;
	return r;
}

/* Partitions outside of the change may ask for exclusive CPUs, too. */
static void reshape_keep_all_or_none(const struct instance *in, const struct way *way)
{
	struct partition_kept kept = { .asked = 0 };

	for (size_t i = 0; i < in->config->n_parts; i++) {
		const struct partition_spec *spec = &in->config->parts[i];

		for (size_t k = 0; k < way->reshape->n; k++)
			if (!strcmp(reshape_goal(way, k)->name, spec->name))
				spec = reshape_goal(way, k);
		partition_count_kept(way->cg, spec, &kept);
	}
	partition_keep_all_or_none(way->cg, &kept);
}

static int reshape_grow(const struct way *way, struct vc_err *err)
{
	for (size_t i = 0; i < way->reshape->n; i++) {
		const struct partition_spec *to = reshape_goal(way, i);
		int r = cg_memory_set(way->cg, to->name, to->memory_bytes, err);

		if (r == 0)
			r = reshape_hold(way, to, err);
		if (r < 0) {
			err_add(err, "partition %s", to->name);
			return r;
		}
		/* This may block. Without it, swapped pages are read when they are touched. */
		if (to->mode == MEMORY_FIXED && reshape_origin(way, i)->mode != MEMORY_FIXED &&
		    !way->recovering)
			cg_fetch_swapped(way->cg, to->name);
	}
	return 0;
}

/* Routes interrupts to the new CPUs. Those of devices that a partition loses go back first. */
static void reshape_route(const struct instance *in, const struct way *way)
{
	for (size_t i = 0; i < way->reshape->n; i++) {
		if (!spec_same_devices(reshape_goal(way, i), reshape_origin(way, i)))
			partition_unroute(reshape_origin(way, i), in->dirfd);
	}
	for (size_t i = 0; i < way->reshape->n; i++) {
		if (reshape_cpus_differ(way, i) ||
		    !spec_same_devices(reshape_goal(way, i), reshape_origin(way, i)))
			partition_route(reshape_goal(way, i), in->dirfd);
	}
}

/* Gives the goal to instance.json and in, and writes the file that goes with it. */
static int reshape_save(struct instance *in, const struct way *way, struct vc_err *err)
{
	const struct reshape *reshape = way->reshape;

	if (reshape->file && !way->back) {
		int r = file_replace(in->dirfd, reshape->file, reshape->text, strlen(reshape->text),
				     0644);

		if (r < 0)
			return err_sys(err, -r, "cannot write %s/%s", in->dir, reshape->file);
	}
	for (size_t i = 0; i < way->reshape->n; i++) {
		int at = instance_find(in, reshape_goal(way, i)->name);
		struct partition_spec copy;

		if (at < 0)
			continue;
		if (spec_copy(reshape_goal(way, i), &copy) < 0)
			return err_sys(err, ENOMEM, "cannot note the new shape");
		spec_done(&in->config->parts[at]);
		in->config->parts[at] = copy;
	}
	return instance_save(in, err);
}

/* Makes the shape before again. why is the reason of the failure. */
static int reshape_undo(struct instance *in, struct cg *cg, struct reshape *reshape,
			const struct vc_err *why, struct vc_err *err)
{
	const struct reshape_how how = { .deadline_usec = clock_mono_usec() + UNDO_USEC,
					 .lock = -1 };
	struct way way = {
		.cg = cg, .reshape = reshape, .how = &how, .back = true, .recovering = !why
	};
	int r;

	reshape_run_hook("undo", reshape->cause);
	reshape->committed = false;
	r = journal_write(in, reshape, err);
	/* CPUs first: they cost no time, and jobs may wait for them. */
	if (r == 0)
		r = reshape_move_cpus(&way, err);
	reshape_keep_all_or_none(in, &way);
	if (r == 0)
		r = reshape_shrink(&way, err);
	if (r == 0)
		r = reshape_grow(&way, err);
	reshape_route(in, &way);
	if (r == 0)
		r = reshape_save(in, &way, err);
	if (r < 0) {
		journal_record(in, reshape, "stuck", err ? err->text : NULL, NULL);
		return r;
	}
	deny_apply_all(cg, in->config);
	journal_record(in, reshape, "undone", why ? why->text : "its executor died", NULL);
	journal_remove(in);
	return 0;
}

static int reshape_finish(struct instance *in, const struct way *way, struct reshape_report *report,
			  const char *result, struct vc_err *err)
{
	uint64_t began = clock_mono_usec();
	int r = reshape_grow(way, err);

	if (r < 0)
		return r;
	reshape_route(in, way);
	reshape_run_hook("save", way->reshape->cause);
	r = reshape_save(in, way, err);
	if (r < 0)
		return r;
	deny_apply_all(way->cg, in->config);
	report->grow_usec = clock_mono_usec() - began;
	report->total_usec = report->shrink_usec + report->cpus_usec + report->grow_usec;
	journal_record(in, way->reshape, result, NULL, report);
	journal_remove(in);
	return 0;
}

int reshape_recover(struct instance *in, struct cg *cg, struct vc_err *err)
{
	_cleanup_(reshape_done) struct reshape reshape = { .n = 0 };
	const struct reshape_how how = { .deadline_usec = clock_mono_usec() + UNDO_USEC,
					 .lock = -1 };
	struct way way = { .cg = cg, .reshape = &reshape, .how = &how, .recovering = true };
	struct reshape_report report = { 0 };
	int r = journal_read(in, &reshape, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = reshape.committed ? reshape_finish(in, &way, &report, "finished", err)
				      : reshape_undo(in, cg, &reshape, NULL, err);
	if (r < 0)
		err_add(err, "a change of partitions was interrupted, and cannot be %s",
			reshape.committed ? "finished" : "undone");
	return r;
}

/* Collects the partitions that are not so already. */
static int reshape_collect(const struct instance *in, const struct partition_spec *after, size_t n,
			   struct reshape *ret)
{
	ret->part = calloc(n ? n : 1, sizeof(*ret->part));
	if (!ret->part)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct partition_spec *before =
			&in->config->parts[instance_find(in, after[i].name)];
		struct reshape_part *part = &ret->part[ret->n];

		if (spec_equal(before, &after[i]))
			continue;
		if (spec_copy(before, &part->before) < 0)
			return -ENOMEM;
		ret->n++;
		if (spec_copy(&after[i], &part->after) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Makes the change up to the commit. The caller undoes a failure. */
static int reshape_prepare(const struct instance *in, struct way *way,
			   struct reshape_report *report, struct vc_err *err)
{
	uint64_t began = clock_mono_usec(), shrunk;
	int r;

	reshape_run_hook("shrink", way->reshape->cause);
	r = reshape_shrink(way, err);
	shrunk = clock_mono_usec();
	report->shrink_usec = shrunk - began;
	if (r < 0)
		return r;
	reshape_run_hook("cpus", way->reshape->cause);
	r = reshape_move_cpus(way, err);
	reshape_keep_all_or_none(in, way);
	report->cpus_usec = clock_mono_usec() - shrunk;
	return r;
}

static int reshape_execute(struct instance *in, struct cg *cg, struct reshape *reshape,
			   const struct reshape_how *how, struct reshape_report *report,
			   struct vc_err *err)
{
	struct way way = { .cg = cg, .reshape = reshape, .how = how };
	struct vc_err trouble;
	int r = journal_write(in, reshape, err);

	if (r < 0)
		return r;
	r = reshape_prepare(in, &way, report, err);
	if (r == 0) {
		reshape->committed = true;
		r = journal_write(in, reshape, err);
	}
	if (r == 0) {
		reshape_run_hook("grow", reshape->cause);
		r = reshape_finish(in, &way, report, "done", err);
	}
	if (r == -EINTR && !(how->cancel && *how->cancel))
		r = err_set(err, ECANCELED, "it gave way to a change that comes first");
	if (r < 0 && reshape_undo(in, cg, reshape, err, &trouble) < 0)
		err_set(err, trouble.code, "%s; and it cannot be undone: %s", err->text,
			trouble.text);
	return r;
}

/* Moves pages after the commit, because it may take as long as an I/O. What is left at the deadline
 * is reported, and moved when the same change is asked for again. */
static uint64_t reshape_follow(const struct way *way, const struct partition_spec *after, size_t n)
{
	const struct reshape *reshape = way->reshape;
	uint64_t behind = 0;

	for (size_t i = 0; i < reshape->n; i++) {
		const struct reshape_part *part = &reshape->part[i];

		if (strcmp(part->before.mems, part->after.mems) != 0)
			behind +=
				cg_follow_nodes(way->cg, part->after.name, part->after.mems,
						way->how->deadline_usec, reshape_should_stop, way);
	}
	for (size_t i = 0; reshape->n == 0 && i < n; i++)
		behind += cg_follow_nodes(way->cg, after[i].name, after[i].mems,
					  way->how->deadline_usec, reshape_should_stop, way);
	return behind;
}

int reshape_run(struct instance *in, struct cg *cg, const struct partition_spec *after, size_t n,
		const struct reshape_how *how, struct reshape_report *ret, struct vc_err *err)
{
	_cleanup_(reshape_done) struct reshape reshape = { .n = 0 };
	const struct way way = { .cg = cg, .reshape = &reshape, .how = how };
	struct reshape_report report = { 0 };
	struct vc_err own;
	int r;

	err = err ? err : &own;
	r = reshape_check(in, after, n, err);
	if (r < 0)
		return r;
	snprintf(reshape.cause, sizeof(reshape.cause), "%s", how->cause);
	if (reshape_collect(in, after, n, &reshape) < 0 ||
	    (how->file && reshape_set_file(&reshape, how->file, how->text) < 0))
		return err_sys(err, ENOMEM, "cannot change partitions");
	report.n_changed = reshape.n;
	if (reshape.n > 0)
		r = reshape_execute(in, cg, &reshape, how, &report, err);
	if (r < 0)
		return r;
	report.behind_bytes = reshape_follow(&way, after, n);
	*ret = report;
	return 0;
}
