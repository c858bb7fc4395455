// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * owner.c - who gets a file's signals
 *
 * fcntl(2) F_SETOWN has an open file description refer to a process or group, not to its
 * number. The one it refers to dies with the old tree. So the owner is read before, and set
 * again when a process of the same number is there, with the same user ids: the kernel
 * notes who set it, and allows what that user may.
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

/* Attempts: the child bears the user's ids for a moment, and he may end it. */
#define OWNER_ATTEMPTS 16

void keep_owner_read(struct keep_file *file)
{
	if (fcntl(file->fd, F_GETOWN_EX, &file->owner) < 0 || file->owner.pid == 0 ||
	    fcntl(file->fd, F_GETOWNER_UIDS, file->owner_uids) < 0)
		file->owner.pid = 0;
}

/* In a child: 0 or errno. */
static int owner_put_all(const struct keep *keep)
{
	for (size_t i = 0; i < keep->n_owners; i++) {
		const struct keep_owner *owner = &keep->owners[i];

		/* This thread's own, and back again by the saved one. */
		if (syscall(SYS_setresuid, owner->uids[0], owner->uids[1], 0) < 0)
			return errno;
		/* A group or session that nobody is in any more gets nothing, as before. */
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
		return err_set(err, EINTR, "set the owners of files: its user killed the helper");
	return WEXITSTATUS(status) == 0
		       ? 0
		       : err_sys(err, WEXITSTATUS(status), "set the owners of files");
}
