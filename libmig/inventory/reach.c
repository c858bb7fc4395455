// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reach.c - files of a process that root cannot read
 *
 * Some file systems refuse root: FUSE without allow_root, NFS with root_squash. Others have lost
 * their server. CRIU is root and would fail only when the job is frozen.
 */
#include "libmig/inventory/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

int inventory_reach_check(struct inventory_scan *scan, const struct inventory_proc *proc,
			  const char *what, const char *path, int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return inventory_refuse(scan, proc,
					"root cannot read %s, %s, as on a FUSE file system without "
					"allow_root or an NFS export with root_squash; close it "
					"for the move, or mount the file system for root",
					what, path);
	case ESTALE:
	case ENOTCONN:
	case ECONNABORTED:
	case EIO:
		return inventory_refuse(scan, proc,
					"%s, %s, is on a file system that does not answer (%s); "
					"close it for the move, or mount the file system again",
					what, path, strerror(error));
	default:
		/* It is closed. */
		return 0;
	}
}

int inventory_reach_refuse_length(struct inventory_scan *scan, const struct inventory_proc *proc,
				  const char *what, int max)
{
	return inventory_refuse(
		scan, proc,
		"the path of %s has more than %d bytes, which cannot be carried; use "
		"a directory with a shorter path",
		what, max);
}

/*
 * CRIU and the mover handle programs for 64 bits only. The auxiliary vector shows the kind: it has
 * pairs of words, and the first one is a small number. The program itself is not opened, because a
 * FUSE server of the job may serve it.
 */
static int reach_check_class(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	_cleanup_close_ int fd = openat(proc->dirfd, "auxv", O_RDONLY | O_CLOEXEC);
	uint32_t words[2];

	if (fd < 0 || read(fd, words, sizeof(words)) != sizeof(words) || words[1] == 0)
		return 0;
	return inventory_refuse(scan, proc,
				"runs a 32-bit program, which cannot be carried; build it for 64 "
				"bits");
}

/* prctl(2) with PR_SET_MM_EXE_FILE accepts only a program that may be executed. */
int inventory_reach_check_program(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	char path[PATH_MAX];
	ssize_t len;

	if (faccessat(proc->dirfd, "exe", X_OK, AT_EACCESS) == 0 || errno != EACCES)
		return reach_check_class(scan, proc);
	len = readlinkat(proc->dirfd, "exe", path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	return inventory_refuse(
		scan, proc,
		"its program, %s, is not executable any more (its mode, or a mount with "
		"noexec), so it cannot be carried; make it executable again",
		path);
}
