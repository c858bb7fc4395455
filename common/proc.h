/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc.h - reading /proc about a process that may belong to a hostile user
 *
 * A user can keep a process inside execve(2) for any time: the call closes a file whose FUSE server
 * does not answer. Then the kernel (6.18) blocks readers of what only a tracer may see: stat,
 * wchan, ns/ and root in /proc/PID. Reading status does not block, so a daemon reads only that.
 */
#ifndef VC_COMMON_PROC_H
#define VC_COMMON_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Returns the value behind "KEY:" at the beginning of a line of text, blanks skipped; NULL: there
 * is no such line. */
const char *proc_field(const char *text, const char *key);

/* Reads /proc/PID/FILE into buf, with a NUL at the end. Returns the length, or -errno. */
ssize_t proc_read(pid_t pid, const char *file, char *buf, size_t size);

/* Reads the whole of /proc/PID/FILE, up to max bytes. The caller frees *ret. Returns the length, or
 * -errno. */
ssize_t proc_read_all(pid_t pid, const char *file, size_t max, char **ret);

/* Reads /proc/PID/status of a process or thread; 0: of the caller. Returns 0 or -errno. The caller
 * frees *ret. */
int proc_status(pid_t pid, char **ret);

/* Reads one field of it, "KEY:" with a format of scanf(3). Returns the number of conversions, 0
 * when there is no such field, or -errno. */
int proc_scan(pid_t pid, const char *key, const char *fmt, ...)
	__attribute__((format(scanf, 3, 4)));

/* Reads fields of /proc/PID/stat behind the name of the process, with a format of scanf(3). This
 * may block, as above. Returns the number of conversions, or -errno. */
int proc_scan_stat(pid_t pid, const char *fmt, ...) __attribute__((format(scanf, 2, 3)));

/* Parses the number behind "KEY:" of a status to a base. Returns false when there is none, and
 * leaves *ret. */
bool proc_number(const char *text, const char *key, int base, uint64_t *ret);

/* Parses the line "Uid" or "Gid" of a status: real, effective, saved, file system. Returns false
 * when it is not there. */
bool proc_ids(const char *status, const char *key, uint32_t ret[static 4]);

/* Parses the supplementary groups of a status. The caller frees *ret. Returns 0 or -errno. */
int proc_groups(const char *status, uint32_t **ret, size_t *ret_n);

#define PROC_NAME 64

/* Reads the name of a process or thread; "?" if it has ended. */
void proc_name(pid_t pid, char ret[static PROC_NAME]);

/* Reads the state (R S D T Z X ...) and the parent of a process or thread; either may be NULL.
 * Returns 0 or -errno. */
int proc_look(pid_t pid, char *ret_state, pid_t *ret_parent);

/* Reads how often its first thread has got a CPU so far. Returns 0 or -errno. */
int proc_runs(pid_t pid, uint64_t *ret);

/*
 * Returns a number that is the same for the life of a process, and that no other process with its
 * PID has in this boot; 0: it has ended. ret_parent may be NULL. Before Linux 6.9 this reads stat,
 * which may block.
 */
uint64_t proc_identity(pid_t pid, pid_t *ret_parent);

/* fork(2) with a pidfd of the child, or no child. Returns its PID with *ret_pidfd, 0 in the child,
 * or -errno with *ret_pidfd -1. */
pid_t proc_fork(int *ret_pidfd);

/* Waits for the end of a child that runs with a user's ids for a moment. The user may stop it; then
 * it is killed, so that this returns. Returns 0 with the child's status, or -errno. */
int proc_reap(pid_t child, int *ret_status);

#endif
