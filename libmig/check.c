// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * check.c - what can be said of a move while the tree runs
 *
 * The estimate of the standstill is a sum over what the tree consists of. What CRIU does
 * for each part is known from its source: it stops, enters and restores thread by thread,
 * writes and reads memory process by process, pages that processes share since a fork once
 * for each of them, and looks at all processes for each process it restores. How long that
 * takes was measured with CRIU 4.2.1 on a machine with 2 CPUs; on another one the past
 * moves say by how much it is off (mig_request's pace).
 */
#include "libmig/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/duration.h"
#include "common/file.h"
#include "common/proc.h"
#include "libmig/kernel/hugepages.h"
#include "libmig/session/session.h"

/* Microseconds. */
#define CHECK_BASE 14000.0
#define CHECK_MIB 620.0       /* of memory that is filled by both partitions' CPUs */
#define CHECK_MIB_TREE 1100.0 /* of memory that CRIU fills, as it does between relatives */
#define CHECK_PROCESS 4000.0
#define CHECK_PROCESSES 30.0 /* times the square of their number */
#define CHECK_THREAD 600.0
#define CHECK_FILE 30.0
#define CHECK_MAPPING 8.0

/* So many times what is charged is written: that is the reason then. */
#define CHECK_SHARED_FACTOR 2

DEFINE_CLEANUP(struct inventory *, inventory_freep, inventory_free);

static void check_estimate(const struct inventory *inv, double pace, struct mig_estimate *ret)
{
	double n = (double)inv->n_pids, mib = (double)inv->mem_bytes / (1 << 20), usec;

	/* The tree's root is ours, and has next to nothing. */
	*ret = (struct mig_estimate){ .bytes = inv->mem_bytes,
				      .processes = inv->n_pids - 1,
				      .threads = inv->n_tasks > 0 ? inv->n_tasks - 1 : 0,
				      .files = inv->n_files,
				      .mappings = inv->n_mappings };
	usec = CHECK_BASE + mib * (n > 2 ? CHECK_MIB_TREE : CHECK_MIB) +
	       CHECK_FILE * (double)inv->n_files + CHECK_MAPPING * (double)inv->n_mappings;
	if (n > 2)
		usec += CHECK_PROCESS * (n - 2) + CHECK_PROCESSES * (n - 2) * (n - 2);
	if (inv->n_tasks > inv->n_pids)
		usec += CHECK_THREAD * (double)(inv->n_tasks - inv->n_pids);
	ret->model_usec = (uint64_t)usec;
	ret->stop_usec = (uint64_t)(usec * (pace > 0 ? pace : 1));
}

const char *mig_estimate_text(const struct mig_estimate *estimate, char *buf, size_t size)
{
	char threads[48] = "";

	if (estimate->threads > estimate->processes)
		snprintf(threads, sizeof(threads), ", %zu threads", estimate->threads);
	snprintf(buf, size, "%" PRIu64 " MiB of memory, %zu process%s%s", estimate->bytes >> 20,
		 estimate->processes, estimate->processes == 1 ? "" : "es", threads);
	return buf;
}

/* What the processes take together: pages that they share count once. */
static uint64_t check_charged(const struct inventory *inv)
{
	uint64_t kib = 0, processes = 0;

	for (size_t i = 0; i < inv->n_pids; i++) {
		char text[2048];
		static const char *const names[] = { "\nPss_Anon:", "\nPss_Shmem:", "\nSwapPss:" };
		uint64_t value;

		if (proc_read(inv->pids[i], "smaps_rollup", text, sizeof(text)) < 0)
			continue;
		processes++;
		for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
			const char *at = strstr(text, names[k]);

			if (at && sscanf(at + strlen(names[k]), "%" SCNu64, &value) == 1)
				kib += value;
		}
	}
	return processes > 0 ? kib * 1024 : inv->mem_bytes;
}

static uint64_t check_meminfo(const char *meminfo, const char *name)
{
	const char *line = strstr(meminfo, name);
	uint64_t kib;

	return line && sscanf(line + strlen(name), "%" SCNu64, &kib) == 1 ? kib : UINT64_MAX >> 10;
}

/* Where the kernel grants no more memory than it has, the images must be granted too. */
static int check_commit(const struct inventory *inv, const char *meminfo, struct vc_err *err)
{
	uint64_t mode = 0, limit = check_meminfo(meminfo, "CommitLimit:"),
		 used = check_meminfo(meminfo, "Committed_AS:");

	if (file_read_u64(AT_FDCWD, "/proc/sys/vm/overcommit_memory", &mode) < 0 || mode != 2 ||
	    used + inv->mem_bytes / 1024 <= limit)
		return 0;
	return err_set(err, ENOMEM,
		       "its %" PRIu64 " MiB are needed a second time for the move, and "
		       "vm.overcommit_memory=2 leaves %" PRIu64
		       " MiB to be granted; raise vm.overcommit_ratio",
		       inv->mem_bytes >> 20, limit > used ? (limit - used) >> 10 : 0);
}

/* The images live in memory besides the tree, first with the old copy, then with the new. */
static int check_memory(const struct mig_request *req, const struct inventory *inv,
			struct vc_err *err)
{
	_cleanup_free_ char *meminfo = NULL;
	uint64_t available_kib, bytes = inv->mem_bytes;

	if (bytes > req->target.room_bytes)
		bytes = check_charged(inv);
	if (bytes > req->target.room_bytes)
		return err_set(err, ENOMEM,
			       "its %" PRIu64 " MiB do not fit into the %" PRIu64
			       " MiB that %s has left; give %s more memory",
			       bytes >> 20, req->target.room_bytes >> 20, req->target.name,
			       req->target.name);
	if (file_read_all(AT_FDCWD, "/proc/meminfo", 65536, &meminfo) < 0)
		return 0;
	available_kib = check_meminfo(meminfo, "MemAvailable:");
	available_kib -= available_kib / 16;
	if (inv->mem_bytes / 1024 <= available_kib)
		return check_commit(inv, meminfo, err);
	bytes = check_charged(inv);
	if (bytes < inv->mem_bytes / CHECK_SHARED_FACTOR)
		return err_set(err, ENOMEM,
			       "its %zu processes share most of their %" PRIu64
			       " MiB since a fork, and the images have each process's own: %" PRIu64
			       " MiB, where the machine has %" PRIu64
			       " MiB free; move it when it has fewer processes",
			       inv->n_pids, bytes >> 20, inv->mem_bytes >> 20, available_kib >> 10);
	return err_set(err, ENOMEM,
		       "its %" PRIu64 " MiB do not fit a second time into the %" PRIu64
		       " MiB that the machine has free; end something or add memory",
		       inv->mem_bytes >> 20, available_kib >> 10);
}

static int check_stop(const struct mig_request *req, const struct mig_estimate *estimate,
		      struct vc_err *err)
{
	char parts[128], stop[32], limit[32];

	if (req->max_stop_usec == 0 || estimate->stop_usec <= req->max_stop_usec)
		return 0;
	return err_set(err, ETIME,
		       "it would stand still for about %s (%s), longer than the %s allowed; allow "
		       "more, or move it when it is smaller",
		       duration_about(estimate->stop_usec, stop, sizeof(stop)),
		       mig_estimate_text(estimate, parts, sizeof(parts)),
		       duration_about(req->max_stop_usec, limit, sizeof(limit)));
}

int check_move(const struct mig_request *req, struct inventory **ret_inv, struct mig_estimate *ret,
	       struct vc_err *err)
{
	_cleanup_(inventory_freep) struct inventory *inv = NULL;
	struct session *session = NULL;
	int r = inventory_take(req->root, &inv, err);

	if (r < 0)
		return r;
	check_estimate(inv, req->pace, ret);
	r = inventory_barred_check(inv->pids, inv->n_pids, req->barred, req->n_barred, err);
	if (r == 0)
		r = hugepages_check(inv->pids, inv->n_pids, req->target.nodes, "/sys", err);
	if (r == 0)
		r = session_take(inv->pids, inv->n_pids, &session, err);
	session_free(session);
	if (r == 0)
		r = check_memory(req, inv, err);
	if (r == 0)
		r = check_stop(req, ret, err);
	if (r == 0 && req->make_room)
		r = req->make_room(ret->bytes, req->ctx, err);
	if (r == 0)
		*ret_inv = steal_ptr(inv);
	return r;
}

int mig_estimate(const struct mig_request *req, struct mig_estimate *ret, struct vc_err *err)
{
	struct inventory *inv = NULL;
	int r;

	*ret = (struct mig_estimate){ 0 };
	r = check_move(req, &inv, ret, err);
	inventory_free(inv);
	return r;
}
