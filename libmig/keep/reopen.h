/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reopen.h - files that the kernel binds to a process or group, opened again (libmig's own)
 *
 * A descriptor of a file in /proc/PID is dead when that process is, and one of a file in a
 * group's directory when the group is removed. So a move opens such files again, by name, and
 * that must give nobody more than he could have opened himself.
 */
#ifndef VC_LIBMIG_REOPEN_H
#define VC_LIBMIG_REOPEN_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens a file with the user, groups and capabilities of a process, for reading and writing as
 * flags say; nothing is created or truncated. The new descriptor, CLOEXEC, or -errno.
 */
int reopen_as(pid_t pid, const char *path, int flags);

/* The process that a path in /proc/PID is of; 0: it is of none. A thread's number may stand there.
 */
pid_t reopen_proc_owner(const char *path);

/* Whether it is of a network and not of the process by which it was found: it lives on without
 * that one. */
bool reopen_proc_is_net(const char *path);

/*
 * Whether criu may open a file of /proc/PID for a process of the same tree, as root, after the
 * restore: path as the kernel shows it, flags of the process's descriptor. NULL: it may.
 * Otherwise the reason, a half sentence: "is ...".
 */
const char *reopen_proc_refusal(pid_t pid, const char *path, int flags);

#endif
