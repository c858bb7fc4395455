/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trust.h - opens files that nobody but root can have put in place
 *
 * Root's programs read files that say which groups to kill, which directories to remove and
 * which code to load. So such a file, and each directory above it, must be trusted:
 *
 *	- it belongs to root (or to the caller's own user, if that is not root);
 *	- group and others cannot write it. A directory above may be sticky instead (/tmp):
 *	  in it nobody can replace an entry of another user;
 *	- it does not lie on a FUSE file system that is mounted below the root directory: there
 *	  a user's program answers what belongs to whom.
 *
 * Each part of the path is opened before it is checked, so the check is of the very object
 * that is used. Nobody else can replace a trusted path later: it may be used again by name.
 *
 * An error is -EPERM if a part is not trusted; its text names that part and a remedy.
 */
#ifndef VC_COMMON_TRUST_H
#define VC_COMMON_TRUST_H

#include <sys/types.h>

#include "common/err.h"

/*
 * Opens a directory or regular file with open(2)'s flags; O_CLOEXEC is added. Symbolic links
 * are followed if they are trusted. ret_real (may be NULL): PATH_MAX bytes for the canonical
 * path. Returns the descriptor or -errno.
 */
int trust_open(const char *path, int flags, char *ret_real, struct vc_err *err);

/* The same for a directory, O_PATH; the last part is made with this mode if it is missing. */
int trust_make_dir(const char *path, mode_t mode, char *ret_real, struct vc_err *err);

/*
 * Opens a file or directory below a directory that is trusted. Only the parts of path are
 * checked; a symbolic link is refused. mode is for O_CREAT. Returns the descriptor or -errno.
 */
int trust_openat(int dirfd, const char *path, int flags, mode_t mode);

/* The sentence for such a failure r of dir/path; returns r. */
int trust_fail(int r, const char *dir, const char *path, struct vc_err *err);

/*
 * Appends a line to such a file, with one write, and makes the file if it is missing. One that is
 * large is renamed to path.1 first, so the two take no more than TRUST_APPEND_MAX bytes each.
 * 0 or -errno.
 */
#define TRUST_APPEND_MAX (4u << 20)
int trust_append(int dirfd, const char *path, const char *line, mode_t mode);

/* file_read_all() of such a file. */
ssize_t trust_read_all(int dirfd, const char *path, size_t max, char **ret);

#endif
