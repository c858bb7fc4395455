/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trust.h - opens files that only root can have put in place
 *
 * Root's programs read files that say which groups to kill, which directories to remove and which
 * code to load. So such a file, and each directory above it, must be trusted:
 *
 *	- it belongs to root (or to the caller's own user, if that is not root);
 *	- group and others cannot write it. A directory above may be sticky instead (/tmp):
 *	  there a user cannot replace an entry of another user;
 *	- it is not on a FUSE file system mounted below the root directory, where a user's
 *	  program reports the owners.
 *
 * Each part of the path is opened before it is checked, so the checked object is the used one. No
 * other user can replace a trusted path later, so its name may be used again.
 *
 * An error is -EPERM if a part is not trusted; its text names that part and a remedy.
 */
#ifndef VC_COMMON_TRUST_H
#define VC_COMMON_TRUST_H

#include <sys/types.h>

#include "common/err.h"

/*
 * Opens a directory or regular file with open(2)'s flags and O_CLOEXEC. Trusted symbolic links are
 * followed. ret_real may be NULL, or gets the canonical path in PATH_MAX bytes. Returns the
 * descriptor or -errno.
 */
int trust_open(const char *path, int flags, char *ret_real, struct vc_err *err);

/* Does the same for a directory with O_PATH, and makes the last part with this mode if it is
 * missing. */
int trust_make_dir(const char *path, mode_t mode, char *ret_real, struct vc_err *err);

/*
 * Opens a file or directory below a trusted directory. Only the parts of path are checked; symbolic
 * links are refused. mode is for O_CREAT. Returns the descriptor or -errno.
 */
int trust_openat(int dirfd, const char *path, int flags, mode_t mode);

/* Writes the error for a failure r of dir/path. Returns r. */
int trust_fail(int r, const char *dir, const char *path, struct vc_err *err);

/*
 * Appends a line with one write to a file below a trusted directory, and makes the file if it is
 * missing. A large file is renamed to path.1 first, so the two take at most TRUST_APPEND_MAX bytes
 * each. Returns 0 or -errno.
 */
#define TRUST_APPEND_MAX (4u << 20)
int trust_append(int dirfd, const char *path, const char *line, mode_t mode);

/* Does the same as file_read_all() for such a file. */
ssize_t trust_read_all(int dirfd, const char *path, size_t max, char **ret);

#endif
