/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc.h - processes that others have in their hands
 *
 * What a daemon may ask about one without waiting for it:
 *
 * A process can be kept in the middle of execve(2) for as long as its user likes: it closes
 * a file there whose FUSE server does not answer. The kernel (6.18) then lets whoever
 * asks what only a tracer may know wait for its end: stat, wchan, ns/ and root in /proc/PID. Its
 * status answers.
 */
#ifndef VC_COMMON_PROC_H
#define VC_COMMON_PROC_H

#include <stdint.h>
#include <sys/types.h>

/* Returns the value behind "KEY:" at the beginning of a line of text, blanks skipped; NULL: there
 * is no such line. */
const char *proc_field(const char *text, const char *key);

/* State (R S D T Z X ...) and parent of a process or thread; either may be NULL. 0 or -errno. */
int proc_look(pid_t pid, char *ret_state, pid_t *ret_parent);

/* How often it has been given a CPU so far, its first thread alone. 0 or -errno. */
int proc_runs(pid_t pid, uint64_t *ret);

/*
 * A number that another process with the same PID does not have, and the same one does for all
 * its life; 0: it has ended. Comparable within one boot. *ret_parent may be NULL. Before Linux
 * 6.9 it is taken from stat, and waits.
 */
uint64_t proc_identity(pid_t pid, pid_t *ret_parent);

/* Waits for the end of a child that bears a user's ids for a moment. The user may stop it, which
 * would be for ever: then it is killed. 0, the child's status in *ret_status; or -errno. */
int proc_reap(pid_t child, int *ret_status);

#endif
