// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lock.c - one operation at a time on an instance's mounts, groups and files
 *
 * The lock file cannot be in the state directory, because operations mount and remove that. It is
 * removed while its lock is held, so a process that waited checks that the file still has its name.
 */
#include "admin/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define LOCK_DIR "/run"

static char lock_path[128];

/* An interruption between two mounts would leave what nothing removes. Every wait of these
 * operations has a time limit. */
static void lock_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool lock_has_name(int fd)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(lock_path, &named) == 0 &&
	       named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

int admin_lock(const char *state_dir, struct vc_err *err)
{
	char name[64];

	/* Without a parent directory there is nothing to lock; the operation says what is wrong. */
	for (bool held = instance_group_name(state_dir, name, sizeof(name)) < 0; !held;) {
		_cleanup_close_ int fd = -1;

		snprintf(lock_path, sizeof(lock_path), LOCK_DIR "/%s.lock", name);
		fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			return err_sys(err, errno, "%s", lock_path);
		held = lock_has_name(fd);
		if (held)
			steal_fd(&fd);
	}
	lock_block_signals();
	return 0;
}

void admin_unlock(void)
{
	unlink(lock_path);
}
