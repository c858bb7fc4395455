// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * transfer.c - all processes of a group change to another group while they run
 *
 * The kernel moves a process with all its threads, and holds back its forks while it does. So a
 * child is born where its parent is: a group that is listed as empty once stays empty. Until then
 * the list is read again, because processes that were not moved yet may have forked.
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

#define TRANSFER_USEC 5000000u /* a process that is ending is listed for a moment */

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

/* One pass. Returns how many processes it has found alive, or -errno. */
static int transfer_once(const struct cg_hier *hier, const char *from, int procs, pid_t *ret_stuck)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int found = 0, r = cg_procs_of_hier(hier, from, &pids, &n);

	/* A group that is gone has no processes. */
	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	for (size_t i = 0; i < n; i++) {
		char number[16];
		int len = snprintf(number, sizeof(number), "%d", (int)pids[i]);

		if (write(procs, number, (size_t)len) >= 0 || errno == ESRCH) {
			found += !transfer_is_dead(pids[i]);
			continue;
		}
		*ret_stuck = pids[i];
		return -errno;
	}
	return found;
}

static int transfer_hier(const struct cg_hier *hier, const char *from, const char *to,
			 struct vc_err *err)
{
	uint64_t deadline = clock_mono_usec() + TRANSFER_USEC;
	_cleanup_close_ int procs = -1;
	char source[CG_GROUP_MAX], target[CG_GROUP_MAX];
	pid_t stuck = 0;
	int r = cg_group_of(hier, from, source);

	if (r == 0)
		r = cg_group_of(hier, to, target);
	if (r == 0)
		r = procs = cg_file_open(hier, target, "cgroup.procs", O_WRONLY);
	if (r < 0)
		return err_sys(err, -r, "cannot open the group \"%s\" in %s", to, hier->mount);
	while ((r = transfer_once(hier, source, procs, &stuck)) > 0)
		if (clock_mono_usec() >= deadline)
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
		r = transfer_hier(&cg->hier[i], from, to, err);
	return r;
}
