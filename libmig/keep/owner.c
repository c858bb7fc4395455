// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * owner.c - the processes that get a file's signals (F_SETOWN)
 *
 * The owner of an open file description is a process or group, not its number, and ends with the
 * old tree. So it is read before, and set again when a process with the same number exists. The
 * kernel notes the user who sets it and later checks the rights of this user, so it is set with the
 * same user ids.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/proc.h"
#include "libmig/keep/priv.h"

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif

/* The child has the user's ids for a moment, so that the user may kill it. */
#define OWNER_ATTEMPTS 16

void keep_owner_read(struct keep_file *file)
{
	if (fcntl(file->fd, F_GETOWN_EX, &file->owner) < 0 || file->owner.pid == 0 ||
	    fcntl(file->fd, F_GETOWNER_UIDS, file->owner_uids) < 0)
		file->owner.pid = 0;
}

/* Runs in a child. Returns 0 or errno. */
static int owner_put_all(const struct keep *keep)
{
	for (size_t i = 0; i < keep->n_owners; i++) {
		const struct keep_owner *owner = &keep->owners[i];

		/* The saved id permits the way back. */
		if (syscall(SYS_setresuid, owner->uids[0], owner->uids[1], 0) < 0)
			return errno;
		/* ESRCH: the group is empty and gets no signals, as before. */
		if (fcntl(owner->fd, F_SETOWN_EX, &owner->owner) < 0 && errno != ESRCH)
			return errno;
		if (syscall(SYS_setresuid, 0, 0, 0) < 0)
			return errno;
	}
	return 0;
}

int keep_owner_put_back(const struct keep *keep, struct vc_err *err)
{
	int status = 0;

	if (!keep || keep->n_owners == 0)
		return 0;
	for (int i = 0; i < OWNER_ATTEMPTS; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return err_sys(err, errno, "set the owners of files: fork");
		if (pid == 0)
			_exit(owner_put_all(keep));
		proc_reap(pid, &status);
		if (WIFEXITED(status))
			break;
	}
	if (!WIFEXITED(status))
		return err_set(err, EINTR,
			       "set the owners of files: the job's user killed the helper; move "
			       "the job again");
	return WEXITSTATUS(status) == 0
		       ? 0
		       : err_sys(err, WEXITSTATUS(status), "set the owners of files");
}
