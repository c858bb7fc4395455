// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-reach.c - files that a process has and root is refused
 *
 * Some file systems refuse root what they grant a user: FUSE without allow_root, NFS with
 * root_squash. Others have lost their server. CRIU, which is root, finds that out only
 * in the freeze.
 */
#include "libmig/inventory-priv.h"

#include <errno.h>
#include <string.h>

int inventory_check_reach(struct inventory_scan *scan, const struct inventory_proc *proc,
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
