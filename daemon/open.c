// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * open.c - the parts that a daemon opens before it serves: lock, groups, board, policies
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/statedir.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "common/trust.h"
#include "daemon/daemon.h"
#include "daemon/part.h"
#include "partition/change/reshape.h"
#include "partition/device/deny.h"
#include "partition/partition.h"
#include "policy/module.h"

/* F_GETLK on the file tells other processes that this daemon lives, and its PID. The descriptor
 * stays open until the process ends. */
static int open_lock(struct daemon *daemon, struct vc_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int state = daemon->instance->dirfd, fd;
	char path[PARTITION_NAME_MAX + 16];

	if (mkdirat(state, daemon->name, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "%s/%s", daemon->instance->dir, daemon->name);
	snprintf(path, sizeof(path), STATE_LOCK, daemon->name);
	fd = trust_openat(state, path, O_RDWR | O_CREAT, 0600);
	if (fd < 0)
		return trust_fail(fd, daemon->instance->dir, path, err);
	/* A process that can read the file can lock it, and pass for the daemon. */
	if (fchmod(fd, 0600) < 0)
		return err_sys(err, errno, "%s/%s", daemon->instance->dir, path);
	if (fcntl(fd, F_SETLK, &lock) < 0)
		return err_set(err, EBUSY, "partition %s has a daemon already (pid %d)",
			       daemon->name,
			       (int)instance_daemon_pid(daemon->instance, daemon->name));
	return 0;
}

/* The lock of changes keeps this daemon from making a partition that is half changed. */
static int open_partition(struct daemon *daemon, struct vc_err *err)
{
	const struct reshape_claim claim = { .rank = RESHAPE_RANK_BRIEF };
	struct partition_kept kept = { .asked = 0 };
	const struct partition_spec *spec;
	_cleanup_close_ int lock = -1;
	enum cg_exclusive obtained;
	struct vc_err why;
	int r = reshape_lock(daemon->instance, daemon->cg, &claim, &lock, err);

	if (r < 0)
		return r;
	spec = &daemon->instance->config->parts[daemon->slot];
	r = partition_create(daemon->cg, spec, &obtained, err);
	for (size_t i = 0; r == 0 && i < daemon->instance->config->n_parts; i++)
		partition_count_kept(daemon->cg, &daemon->instance->config->parts[i], &kept);
	partition_keep_all_or_none(daemon->cg, &kept);
	if (r == 0)
		partition_route(spec, daemon->instance->dirfd);
	if (r == 0 && deny_apply(daemon->cg, daemon->instance->config, daemon->slot, &why) < 0)
		log_warn("%s", why.text);
	return r;
}

static int open_groups(struct daemon *daemon, struct vc_err *err)
{
	int r = cg_open(NULL, daemon->instance->cgroup_base, &daemon->cg, err);

	if (r == 0)
		r = open_partition(daemon, err);
	if (r == 0)
		r = cg_group_create(daemon->cg, PARTITION_SHIMS_GROUP, err);
	if (r == 0)
		r = cg_entry_attach(daemon->cg, PARTITION_SHIMS_GROUP, 0, err);
	return r;
}

static void open_groups_stop(struct daemon *daemon)
{
	cg_free(daemon->cg);
	daemon->cg = NULL;
}

static int open_board(struct daemon *daemon, struct vc_err *err)
{
	int r = board_open(daemon->instance->dirfd, &daemon->board, err);

	if (r == 0 && daemon->slot >= board_count(daemon->board))
		r = err_set(err, EPROTO, "the board has no slot %u", daemon->slot);
	return r;
}

static void open_board_stop(struct daemon *daemon)
{
	board_free(daemon->board);
	daemon->board = NULL;
}

static int open_policies(struct daemon *daemon, struct vc_err *err)
{
	return policy_set_new(daemon->instance->config->policy_path, &daemon->policies, err);
}

static void open_policies_stop(struct daemon *daemon)
{
	policy_set_free(daemon->policies);
	daemon->policies = NULL;
}

const struct part lock_part = { "lock", open_lock, NULL };
const struct part groups_part = { "groups", open_groups, open_groups_stop };
const struct part board_part = { "board", open_board, open_board_stop };
const struct part policies_part = { "policies", open_policies, open_policies_stop };
