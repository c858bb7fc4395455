// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * add.c - adds and removes partitions while the others run
 *
 * A partition's slot on the board is its position in instance.json and never changes. So a removed
 * partition leaves a free slot, and a new one takes the first free slot, or the next one of the
 * board.
 */
#include "admin/priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "partition/change/failure.h"
#include "partition/change/reshape.h"
#include "partition/device/deny.h"
#include "partition/partition.h"
#include "partition/region.h"
#include "partition/topology.h"
#include "policy/board.h"

#define LIST_TEXT 4096

DEFINE_CLEANUP(struct board *, board_freep, board_free);

/* Finds a slot for a new partition, and makes its spec a free one. */
static int add_slot(struct instance *in, size_t *ret, struct vc_err *err)
{
	_cleanup_(board_freep) struct board *board = NULL;
	struct config *config = in->config;
	struct partition_spec *grown;
	size_t slot = 0;
	int r = board_open(in->dirfd, &board, err);

	if (r < 0)
		return r;
	while (slot < config->n_parts && !spec_is_free(&config->parts[slot]))
		slot++;
	if (slot >= board_count(board) || slot >= PARTITIONS_MAX)
		return err_set(err, ENOSPC,
			       "there is no room for more than %zu partitions until the next "
			       "'vcctl down' and 'vcctl up'",
			       slot);
	if (slot == config->n_parts) {
		grown = reallocarray(config->parts, slot + 1, sizeof(*grown));
		if (!grown)
			return err_sys(err, ENOMEM, "add");
		config->parts = grown;
		grown[config->n_parts++] = (struct partition_spec){ .cpus = NULL };
	}
	*ret = slot;
	return 0;
}

/* Makes the new partition's spec from the user's settings. */
static int add_spec(const char *name, const struct admin_wish *wish, const struct instance *in,
		    struct partition_spec *ret, struct vc_err *err)
{
	char mems[LIST_TEXT];
	int r = config_partition_check_name(name, err);

	if (r < 0)
		return r;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->memory_bytes = CG_NO_LIMIT;
	ret->exclusive = in->config->exclusive;
	r = wish_apply(wish, ret, err);
	if (r == 0 && !wish->mems) {
		r = topology_mems_of(ret->cpus, mems, sizeof(mems), err);
		ret->mems = r == 0 ? strdup(mems) : NULL;
		if (r == 0 && !ret->mems)
			r = err_sys(err, ENOMEM, "add");
	}
	return r;
}

/* Checks the new partition together with the others, and writes instance.json. */
static int add_note(struct instance *in, size_t slot, struct partition_spec *spec,
		    struct vc_err *err)
{
	struct partition_spec *place = &in->config->parts[slot];
	int r;

	/* The check compares with a partition that has nothing. */
	memcpy(place->name, spec->name, sizeof(place->name));
	r = reshape_check(in, spec, 1, err);
	if (r < 0) {
		spec_done(place);
		return r;
	}
	spec_done(place);
	*place = *spec;
	*spec = (struct partition_spec){ .cpus = NULL };
	return instance_save(in, err);
}

/* Removes a partition whose daemon has ended. */
static int remove_partition(struct instance *in, struct cg *cg, const char *name,
			    struct vc_err *err)
{
	int at = instance_find(in, name), r;
	struct failure_notes *notes;

	/* Without this, the death of its witness would count as a failure. */
	r = failure_notes_open(in->dirfd, &notes, err);
	if (r < 0)
		return r;
	failure_set_witness(notes, (uint32_t)at, 0);
	failure_notes_free(notes);
	r = partition_destroy(cg, name, err);
	if (r < 0)
		return r;
	partition_unroute(&in->config->parts[at], in->dirfd);
	r = file_remove_tree(in->dirfd, name);
	if (r < 0)
		return err_sys(err, -r, "remove %s/%s", in->dir, name);
	spec_done(&in->config->parts[at]);
	deny_apply_all(cg, in->config);
	return instance_save(in, err);
}

int admin_add(const struct admin *admin, const char *name, const struct admin_wish *wish,
	      struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	_cleanup_(spec_done) struct partition_spec spec = { .cpus = NULL };
	struct reshape_claim claim = shape_claim(admin);
	_cleanup_close_ int lock = -1;
	size_t slot = 0, started;
	int r = shape_open(admin, &claim, &in, &cg, &lock, err);

	if (r < 0)
		return r;
	if (instance_find(in, name) >= 0)
		return err_set(err, EEXIST,
			       "there is a partition '%s' already; 'vcctl set' changes it", name);
	r = add_spec(name, wish, in, &spec, err);
	if (r == 0)
		r = add_slot(in, &slot, err);
	if (r == 0)
		r = add_note(in, slot, &spec, err);
	if (r < 0)
		return r;
	deny_apply_all(cg, in->config);
	/* The daemon makes its partition itself, and takes the lock for that. */
	close(steal_fd(&lock));
	r = daemons_start(admin, in, &started, err);
	claim = shape_claim(admin);
	if (r < 0 && reshape_lock(in, cg, &claim, &lock, NULL) == 0 &&
	    daemons_end(in, name, NULL) == 0)
		remove_partition(in, cg, name, NULL);
	if (r == 0) {
		say(admin, "partition %s is up", name);
		say_obtained(admin, cg, &in->config->parts[slot], 1);
	}
	return r;
}

/* A region is charged to its owner, which therefore cannot be removed. */
static int remove_check_regions(const struct instance *in, const char *name, struct vc_err *err)
{
	for (size_t i = 0; i < in->config->n_regions; i++) {
		if (!strcmp(in->config->regions[i].owner, name))
			return err_set(err, EBUSY,
				       "it owns the region %s, which is there until 'vcctl down'",
				       in->config->regions[i].name);
	}
	return 0;
}

static int remove_check(const struct instance *in, struct cg *cg, const char *name,
			struct vc_err *err)
{
	_cleanup_free_ struct found_job *jobs = NULL;
	size_t n = 0, here = 0, partitions = 0;
	int r;

	if (instance_find(in, name) < 0)
		return err_set(err, ENOENT, "there is no such partition; 'vcctl list' shows them");
	for (size_t i = 0; i < in->config->n_parts; i++)
		partitions += !spec_is_free(&in->config->parts[i]);
	if (partitions == 1)
		return err_set(err, EBUSY, "it is the only partition; 'vcctl down' ends it");
	r = remove_check_regions(in, name, err);
	if (r == 0)
		r = jobs_find(in, cg, &jobs, &n, err);
	for (size_t i = 0; i < n; i++)
		here += !strcmp(jobs[i].partition, name);
	if (r == 0 && here > 0)
		r = err_set(err, EBUSY,
			    "%zu job%s still run%s in it; wait for the end, or move them by vcmove",
			    here, here == 1 ? "" : "s", here == 1 ? "s" : "");
	return r;
}

int admin_remove(const struct admin *admin, const char *name, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	struct reshape_claim claim = shape_claim(admin);
	_cleanup_close_ int lock = -1;
	size_t started;
	int r = shape_open(admin, &claim, &in, &cg, &lock, err);

	if (r == 0)
		r = remove_check(in, cg, name, err);
	if (r == 0)
		r = daemons_end(in, name, err);
	if (r < 0)
		return r;
	/* A job may have come just before the daemon ended. */
	r = remove_check(in, cg, name, err);
	if (r == 0)
		r = ipc_dir_hand_over(in, name, err);
	if (r == 0)
		r = remove_partition(in, cg, name, err);
	if (r < 0) {
		close(steal_fd(&lock));
		daemons_start(admin, in, &started, NULL);
	}
	return r;
}
