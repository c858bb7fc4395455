// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * reach.c - files that a process has and root is refused
 *
 * Some file systems refuse root what they grant a user: FUSE without allow_root, NFS with
 * root_squash. Others have lost their server. CRIU, which is root, finds that out only
 * in the freeze.
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
					"%s, %s, cannot be looked at by root, as on a FUSE file "
					"system without allow_root or an NFS export with "
					"root_squash; close it for the move, or mount that with it",
					what, path);
	case ESTALE:
	case ENOTCONN:
	case ECONNABORTED:
	case EIO:
		return inventory_refuse(scan, proc,
					"%s, %s, is on a file system that does not answer (%s); "
					"close it for the move, or mount that again",
					what, path, strerror(error));
	default:
		/* It is closed by now. */
		return 0;
	}
}

int inventory_reach_refuse_length(struct inventory_scan *scan, const struct inventory_proc *proc,
				  const char *what, int max)
{
	return inventory_refuse(
		scan, proc,
		"the path of %s has more than %d bytes, which cannot be carried; use "
		"a directory less deep",
		what, max);
}

/*
 * CRIU is built for programs of the machine's own kind; calls are made in these alone. What the
 * kernel has given a program at its start tells which kind it is: pairs of words, the first of
 * which is a small number. The program itself is not opened, since that may ask a server of the
 * job's.
 */
static int reach_check_class(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	_cleanup_close_ int fd = openat(proc->dirfd, "auxv", O_RDONLY | O_CLOEXEC);
	uint32_t words[2];

	if (fd < 0 || read(fd, words, sizeof(words)) != sizeof(words) || words[1] == 0)
		return 0;
	return inventory_refuse(scan, proc,
				"runs a 32-bit program, which cannot be carried; use one that is "
				"built for 64 bits");
}

/* The kernel lets a process have a program only that may be executed. */
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
		"its program, %s, may not be executed any more (its mode, or a mount "
		"with noexec), so it cannot be carried; make it executable again",
		path);
}
