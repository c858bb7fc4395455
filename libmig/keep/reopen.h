/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * reopen.h - opens again files that the kernel binds to a process or control group (libmig's own)
 *
 * A descriptor of a file in /proc/PID becomes useless when the process ends, and one of a file in a
 * control group when the group is removed. So a move opens such files again by name. No process may
 * gain a right by this.
 */
#ifndef VC_LIBMIG_REOPEN_H
#define VC_LIBMIG_REOPEN_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens a file with the user, groups and capabilities of a process, for reading and writing as in
 * flags. Nothing is created or truncated. Returns a descriptor with CLOEXEC, or -errno.
 */
int reopen_as(pid_t pid, const char *path, int flags);

/* Returns the process of a path in /proc/PID, where PID may be a thread; 0: the path is of no
 * process. */
pid_t reopen_proc_owner(const char *path);

/* Returns whether the file is in /proc/PID/net: it is about a network namespace and outlives the
 * process. */
bool reopen_proc_is_net(const char *path);

/*
 * Checks whether criu, which is root, may open a file of /proc/PID for a process of the same tree
 * after the restore. path: as the kernel shows it; flags: of the process's descriptor. Returns NULL
 * if it may; otherwise the reason, a half sentence: "is ...".
 */
const char *reopen_proc_refusal(pid_t pid, const char *path, int flags);

#endif
