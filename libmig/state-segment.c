// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * state-segment.c - System V segments that were removed and are still attached
 *
 * The kernel keeps such a segment until nobody has it attached any more. CRIU makes it
 * anew as one that stays; so it is removed again, when all have attached it.
 */
#include "libmig/state-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/shm.h>
#include <unistd.h>

#include "common/cleanup.h"

/* Into the process's IPC namespace. The way back out of it; -errno. */
static int segment_enter(pid_t pid)
{
	_cleanup_close_ int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), theirs = -1;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)pid);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || theirs < 0 || setns(theirs, CLONE_NEWIPC) < 0)
		return -errno;
	return steal_fd(&own);
}

static int segment_remove(const struct state_item *item, struct hold *hold)
{
	_cleanup_close_ int back = segment_enter(item->pid);
	int r;

	(void)hold;
	if (back < 0)
		return back;
	r = shmctl((int)item->call.args[0], IPC_RMID, NULL) < 0 ? -errno : 0;
	return setns(back, CLONE_NEWIPC) < 0 ? -errno : r;
}

static int segment_note(const struct state_proc *proc, int id)
{
	struct state_item *item = state_add(proc->state, "a removed segment", proc->pid, proc->pid);

	if (!item)
		return -ENOMEM;
	item->put = segment_remove;
	item->call.args[0] = id;
	return 0;
}

int state_read_removed(const struct state_proc *proc)
{
	_cleanup_close_ int back = segment_enter(proc->pid);
	struct shm_info info;
	int last, r = 0;

	/* It has ended. */
	if (back < 0)
		return 0;
	last = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);
	for (int i = 0; r == 0 && info.used_ids > 0 && i <= last; i++) {
		struct shmid_ds segment;
		int id = shmctl(i, SHM_STAT, &segment);

		if (id >= 0 && segment.shm_perm.mode & SHM_DEST)
			r = segment_note(proc, id);
	}
	if (setns(back, CLONE_NEWIPC) < 0)
		return err_sys(proc->state->err, errno, "leave the job's IPC namespace");
	return r;
}
