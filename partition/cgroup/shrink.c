// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shrink.c - a memory limit lowered below the usage, without a kill
 *
 * The kernel treats such a limit like this (measured on 6.18):
 *
 *	v1  the write reclaims, 0.15 ms a MiB of page cache, and fails with EBUSY if that is
 *	    not enough; then the limit is the old one, but the cache is gone
 *	v2  the write succeeds, and the OOM killer kills until the rest fits
 *
 * So we first wait until it can fit, without a change. Then follow small steps, which other users
 * of these pages hardly notice: on v1 the limit itself, on v2 memory.reclaim under memory.high,
 * with the maximum at the end. A job that allocates during this must not be killed for a change
 * that may be undone. So on v1 the group's OOM killer is off during the steps, and the job waits.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "partition/cgroup/priv.h"

#define STEP_BYTES (UINT64_C(16) << 20)
#define RETRY_USEC 20000
/* The kernel needs this much more than is counted: pages in each CPU's charge stock, and page
 * tables to come. */
#define MARGIN_BYTES (UINT64_C(1) << 20)

struct shrink {
	const struct cg_hier *hier;
	const char *group;
	uint64_t target;
	const struct cg_shrink *how;
};

static const char *shrink_limit_file(const struct cg_hier *hier)
{
	return hier->version == 2 ? "memory.max" : "memory.limit_in_bytes";
}

static const char *shrink_usage_file(const struct cg_hier *hier)
{
	return hier->version == 2 ? "memory.current" : "memory.usage_in_bytes";
}

static uint64_t shrink_free_swap_bytes(void)
{
	char text[8192];
	const char *line;
	uint64_t kib = 0;

	if (file_read(AT_FDCWD, "/proc/meminfo", text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "\nSwapFree:");
	if (!line || sscanf(line, "\nSwapFree: %" SCNu64, &kib) != 1)
		return 0;
	return kib * 1024;
}

/* Returns the bytes that cannot be reclaimed from the group. */
static uint64_t shrink_unreclaimable(const struct shrink *shrink)
{
	bool v2 = shrink->hier->version == 2;
	uint64_t charged = 0, anon, swap;
	char text[8192];

	if (cg_file_read(shrink->hier, shrink->group, "memory.stat", text, sizeof(text)) < 0 ||
	    cg_file_read_u64(shrink->hier, shrink->group, shrink_usage_file(shrink->hier),
			     &charged) < 0)
		return 0;
	/* Shared memory is on the anonymous lists too. */
	anon = cg_stat_value(text, v2 ? "inactive_anon" : "total_inactive_anon") +
	       cg_stat_value(text, v2 ? "active_anon" : "total_active_anon");
	swap = shrink->how->swap ? shrink_free_swap_bytes() : 0;
	swap = anon < swap ? anon : swap;
	charged = cg_memory_in_use(text, charged, v2);
	return charged > swap ? charged - swap : 0;
}

static bool shrink_stopped(const struct shrink *shrink)
{
	return shrink->how->stop && shrink->how->stop(shrink->how->ctx);
}

static int shrink_refuse(const struct shrink *shrink, uint64_t needed, struct vc_err *err)
{
	if (shrink_stopped(shrink))
		return err_set(err, EINTR, "interrupted");
	return err_set(err, EBUSY,
		       "%" PRIu64 " MiB are in use that cannot be reclaimed%s, more than %" PRIu64
		       " MiB: end or move jobs, or %s",
		       (needed + (1u << 20) - 1) >> 20,
		       shrink->how->swap ? " and have no room in swap" : "", shrink->target >> 20,
		       shrink->how->swap ? "add swap" : "make the memory pageable and have swap");
}

/* Waits until it can fit, with nothing changed. */
static int shrink_await_fit(const struct shrink *shrink, struct vc_err *err)
{
	uint64_t needed;

	while ((needed = shrink_unreclaimable(shrink) + MARGIN_BYTES) > shrink->target) {
		if (shrink_stopped(shrink) || clock_mono_usec() >= shrink->how->deadline_usec)
			return shrink_refuse(shrink, needed - MARGIN_BYTES, err);
		clock_sleep_usec(RETRY_USEC);
	}
	return 0;
}

/* Makes one step towards the target. Returns 0 or -errno. */
static int shrink_step(const struct shrink *shrink, uint64_t used)
{
	uint64_t next = used > STEP_BYTES ? used - STEP_BYTES : 0;
	char text[32];
	int r;

	if (next < shrink->target)
		next = shrink->target;
	if (shrink->hier->version == 1) {
		snprintf(text, sizeof(text), "%" PRIu64, next);
		return cg_file_write(shrink->hier, shrink->group, shrink_limit_file(shrink->hier),
				     text);
	}
	snprintf(text, sizeof(text), "%" PRIu64, used > next ? used - next : 0);
	r = cg_file_write(shrink->hier, shrink->group, "memory.reclaim", text);
	if (r != -ENOENT)
		return r;
	/* Before Linux 5.19 there is no memory.reclaim, but writing memory.high reclaims. */
	snprintf(text, sizeof(text), "%" PRIu64, next);
	return cg_file_write(shrink->hier, shrink->group, "memory.high", text);
}

static int shrink_steps(const struct shrink *shrink, struct vc_err *err)
{
	uint64_t used = 0;

	for (;;) {
		int r = cg_file_read_u64(shrink->hier, shrink->group,
					 shrink_usage_file(shrink->hier), &used);

		if (r < 0)
			return err_sys(err, -r, "cannot read the memory used");
		if (shrink->how->progress)
			shrink->how->progress(used, shrink->target, shrink->how->ctx);
		if (used <= shrink->target)
			return 0;
		if (shrink_stopped(shrink) || clock_mono_usec() >= shrink->how->deadline_usec)
			return shrink_refuse(shrink, used, err);
		r = shrink_step(shrink, used);
		if (r < 0 && r != -EBUSY && r != -EAGAIN && r != -EINTR)
			return err_sys(err, -r, "cannot reclaim memory");
		if (r < 0)
			clock_sleep_usec(RETRY_USEC);
	}
}

/* Writes the old value. A file that could not be read stays unchanged. */
static void shrink_put_back(const struct shrink *shrink, const char *file, const char *old)
{
	if (*old)
		cg_file_write(shrink->hier, shrink->group, file,
			      strcmp(old, "9223372036854771712") ? old : "-1");
}

static int shrink_run(const struct shrink *shrink, const char *text, struct vc_err *err)
{
	bool v2 = shrink->hier->version == 2;
	char limit[64] = "", high[64] = "";
	int r;

	cg_file_read(shrink->hier, shrink->group, shrink_limit_file(shrink->hier), limit,
		     sizeof(limit));
	if (v2)
		cg_file_read(shrink->hier, shrink->group, "memory.high", high, sizeof(high));
	/* memory.oom_control does not read back as one number. Only we set it here. */
	cg_file_write(shrink->hier, shrink->group, v2 ? "memory.high" : "memory.oom_control",
		      v2 ? text : "1");
	r = shrink_steps(shrink, err);
	if (r == 0) {
		r = cg_file_write(shrink->hier, shrink->group, shrink_limit_file(shrink->hier),
				  text);
		if (r < 0)
			err_sys(err, -r, "cannot set the limit");
	}
	if (r < 0)
		shrink_put_back(shrink, shrink_limit_file(shrink->hier), limit);
	if (v2)
		shrink_put_back(shrink, "memory.high", high);
	else
		cg_file_write(shrink->hier, shrink->group, "memory.oom_control", "0");
	return r;
}

static int shrink_init(struct cg *cg, const char *path, struct shrink *shrink,
		       char group[CG_GROUP_MAX], struct vc_err *err)
{
	int r;

	shrink->hier = cg_hier_of(cg, CG_MEMORY);
	shrink->group = group;
	r = cg_group_find(shrink->hier, path, group);
	return r < 0 ? err_sys(err, -r, "cannot limit the memory of \"%s\"", path) : 0;
}

int cg_shrink_check(struct cg *cg, const char *path, uint64_t limit_bytes, bool swap,
		    struct vc_err *err)
{
	const struct cg_shrink how = { .swap = swap };
	struct shrink shrink = { .target = limit_bytes, .how = &how };
	char group[CG_GROUP_MAX];
	uint64_t needed;
	int r = shrink_init(cg, path, &shrink, group, err);

	if (r < 0)
		return r;
	needed = shrink_unreclaimable(&shrink);
	return needed + MARGIN_BYTES > limit_bytes ? shrink_refuse(&shrink, needed, err) : 0;
}

int cg_shrink_memory(struct cg *cg, const char *path, uint64_t limit_bytes,
		     const struct cg_shrink *how, struct vc_err *err)
{
	struct shrink shrink = { .target = limit_bytes, .how = how };
	char group[CG_GROUP_MAX], text[32];
	int r = shrink_init(cg, path, &shrink, group, err);

	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%" PRIu64, limit_bytes);
	r = shrink_await_fit(&shrink, err);
	return r < 0 ? r : shrink_run(&shrink, text, err);
}
