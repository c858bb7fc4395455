// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * transfer.c - all processes of a group change to another group while they run
 *
 * The kernel moves a process with all its threads, and holds back its forks while it does. So a
 * child is born where its parent is: a group that is listed as empty once stays empty. Until then
 * the list is read again, because processes that were not moved yet may have forked. On a busy
 * machine a chain of short-lived processes can keep ahead of that; then those that are left are
 * frozen until they are moved.
 */
#include "partition/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/proc.h"
#include "partition/cgroup/priv.h"

#define TRANSFER_USEC 5000000u
#define TRANSFER_RUN_USEC 100000u /* after this in one hierarchy what is left is frozen */
#define TRANSFER_FREEZE_USEC 500000u
#define TRANSFER_POLL_USEC 200

/* The kernel lists a zombie until its parent has waited for it. Its other threads may live. */
static bool transfer_is_dead(pid_t pid)
{
	char path[32], state;
	struct stat st;

	if (proc_look(pid, &state, NULL) < 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return (state == 'Z' || state == 'X') && (stat(path, &st) < 0 || st.st_nlink <= 3);
}

/* Processes that are listed but dead. */
struct transfer_dead {
	pid_t *pids;
	size_t n;
};

static bool transfer_was_dead(const struct transfer_dead *dead, pid_t pid)
{
	for (size_t i = 0; i < dead->n; i++)
		if (dead->pids[i] == pid)
			return true;
	return false;
}

/*
 * One pass. Returns how many processes may have lived when the list was read, or -errno. One that
 * is dead now may have forked since, and its child is not in this list: only those count for
 * nothing that were dead in the pass before.
 */
static int transfer_once(const struct cg_hier *hier, const char *from, int procs,
			 struct transfer_dead *dead, pid_t *ret_stuck)
{
	pid_t *pids = NULL;
	size_t n = 0, n_dead = 0;
	int found = 0, r = cg_procs_of_hier(hier, from, &pids, &n);

	/* A group that is gone has no processes. */
	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	for (size_t i = 0; r == 0 && i < n; i++) {
		char number[16];
		int len = snprintf(number, sizeof(number), "%d", (int)pids[i]);

		found += !transfer_was_dead(dead, pids[i]);
		if (write(procs, number, (size_t)len) < 0 && errno != ESRCH) {
			*ret_stuck = pids[i];
			r = -errno;
		} else if (transfer_is_dead(pids[i])) {
			pids[n_dead++] = pids[i];
		}
	}
	free(dead->pids);
	*dead = (struct transfer_dead){ .pids = pids, .n = n_dead };
	return r < 0 ? r : found;
}

/* The directory of a group that can be frozen; -ENOENT: none. */
static int transfer_freezer(const struct cg *cg, const char *path, char group[static CG_GROUP_MAX],
			    const struct cg_hier **ret)
{
	const struct cg_hier *hier = cg_tracking(cg);

	if (hier->version != 2 || cg_group_of(hier, path, group) < 0 ||
	    !cg_file_exists(hier, group, "cgroup.freeze"))
		return -ENOENT;
	*ret = hier;
	return 0;
}

/* Processes that fork faster than they are moved are held still for the rest. */
static void transfer_freeze(const struct cg *cg, const char *path)
{
	uint64_t deadline = clock_mono_usec() + TRANSFER_FREEZE_USEC;
	const struct cg_hier *hier;
	char group[CG_GROUP_MAX], events[256];

	if (transfer_freezer(cg, path, group, &hier) < 0 ||
	    cg_file_write(hier, group, "cgroup.freeze", "1") < 0)
		return;
	while (clock_mono_usec() < deadline &&
	       cg_file_read(hier, group, "cgroup.events", events, sizeof(events)) > 0 &&
	       !strstr(events, "frozen 1"))
		clock_sleep_usec(TRANSFER_POLL_USEC);
}

/* Also if another process has frozen it, and was killed. */
static void transfer_thaw(const struct cg *cg, const char *path)
{
	const struct cg_hier *hier;
	char group[CG_GROUP_MAX], text[8];

	if (transfer_freezer(cg, path, group, &hier) == 0 &&
	    cg_file_read(hier, group, "cgroup.freeze", text, sizeof(text)) > 0 && text[0] == '1')
		cg_file_write(hier, group, "cgroup.freeze", "0");
}

static int transfer_hier(const struct cg *cg, const struct cg_hier *hier, const char *from,
			 const char *to, struct vc_err *err)
{
	uint64_t begun = clock_mono_usec();
	_cleanup_close_ int procs = -1;
	char source[CG_GROUP_MAX], target[CG_GROUP_MAX];
	struct transfer_dead dead = { 0 };
	bool frozen = false;
	pid_t stuck = 0;
	int r = cg_group_of(hier, from, source);

	if (r == 0)
		r = cg_group_of(hier, to, target);
	if (r == 0)
		r = procs = cg_file_open(hier, target, "cgroup.procs", O_WRONLY);
	if (r < 0)
		return err_sys(err, -r, "cannot open the group \"%s\" in %s", to, hier->mount);
	while ((r = transfer_once(hier, source, procs, &dead, &stuck)) > 0) {
		uint64_t passed = clock_mono_usec() - begun;

		if (passed >= TRANSFER_USEC)
			break;
		/* On v1 they may be in the other group of the v2 hierarchy already. */
		if (passed >= TRANSFER_RUN_USEC && !frozen) {
			transfer_freeze(cg, from);
			transfer_freeze(cg, to);
		}
		frozen |= passed >= TRANSFER_RUN_USEC;
	}
	free(dead.pids);
	if (r > 0)
		return err_set(err, EBUSY, "processes keep appearing in \"%s\"", from);
	if (r < 0)
		return err_sys(err, -r, "cannot put process %d into the group \"%s\" in %s",
			       (int)stuck, to, hier->mount);
	return 0;
}

int cg_transfer(struct cg *cg, const char *from, const char *to, struct vc_err *err)
{
	int r = cg_group_check_path(from, err);

	if (r == 0)
		r = cg_group_check_path(to, err);
	for (size_t i = 0; r == 0 && i < cg->n; i++)
		r = transfer_hier(cg, &cg->hier[i], from, to, err);
	/* The other way round it was "from". */
	transfer_thaw(cg, from);
	transfer_thaw(cg, to);
	return r;
}
