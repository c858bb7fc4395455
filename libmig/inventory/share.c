// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * share.c - what processes share, or threads do not share, and CRIU does not carry
 *
 * With clone(2) a process can share its memory, its signal handlers, or its directories and umask
 * with its parent. CRIU fails when it finds such a pair in the frozen tree. A process can also send
 * its parent another signal than SIGCHLD at its end. A thread can have directories or descriptors
 * of its own, by unshare(2); CRIU would silently give it those of its process.
 *
 * A child of vfork(2) or posix_spawn(3) shares memory until it executes a program. That is mostly
 * soon, so the check waits for it. Until then its parent cannot be stopped.
 */
#include "libmig/inventory/priv.h"

#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/proc.h"

#define SHARE_GROUPS_MAX (1 << 20)
#define SHARE_TRIES 50
#define SHARE_PAUSE_NSEC 2000000

static bool share_have_same(pid_t a, pid_t b, int what)
{
	return syscall(SYS_kcmp, a, b, what, 0, 0) == 0;
}

/* Whether two processes share something for longer than an execve(2) takes. */
static bool share_stay_same(pid_t a, pid_t b, int what)
{
	struct timespec pause = { .tv_nsec = SHARE_PAUSE_NSEC };

	for (int i = 0; i < SHARE_TRIES; i++) {
		if (!share_have_same(a, b, what))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static int share_check_pair(struct inventory_scan *scan, const struct inventory_proc *proc,
			    pid_t other)
{
	if (other <= 0 || other == proc->pid || !inventory_has_pid(scan, other))
		return 0;
	if (share_stay_same(proc->pid, other, KCMP_VM))
		return inventory_refuse(
			scan, proc,
			"shares its memory with pid %d (vfork, or clone with CLONE_VM), "
			"which cannot be carried; move it when it has executed a "
			"program, or use threads instead",
			other);
	if (share_stay_same(proc->pid, other, KCMP_FS))
		return inventory_refuse(scan, proc,
					"shares its current directory with pid %d (clone with "
					"CLONE_FS), which cannot be carried; end one of the two",
					other);
	return 0;
}

int inventory_share_check(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	pid_t parent = 0;
	int r;

	if (proc_look(proc->pid, NULL, &parent) < 0)
		return 0;
	r = share_check_pair(scan, proc, parent);
	/* The parent of a pair may have ended. */
	if (r == 0)
		r = share_check_pair(scan, proc, scan->last);
	scan->last = proc->pid;
	return r;
}

/* Returns the control groups of a process if they differ from the root's for some time: a process
 * that ends leaves its groups before it is a zombie. NULL: they do not differ, or it has ended. */
static char *share_foreign_groups(const struct inventory_scan *scan,
				  const struct inventory_proc *proc)
{
	struct timespec pause = { .tv_nsec = SHARE_PAUSE_NSEC };
	_cleanup_free_ char *text = NULL;

	for (int i = 0; i < SHARE_TRIES; i++) {
		char state = 'X';

		free(steal_ptr(text));
		if (file_read_all(proc->dirfd, "cgroup", SHARE_GROUPS_MAX, &text) < 0 ||
		    !strcmp(text, scan->root_groups) || proc_look(proc->pid, &state, NULL) < 0 ||
		    state == 'Z' || state == 'X')
			return NULL;
		nanosleep(&pause, NULL);
	}
	return steal_ptr(text);
}

/* A restored process is created in its job's groups. The file has a line for each hierarchy, with
 * the group behind the second colon. */
int inventory_share_check_groups(struct inventory_scan *scan, const struct inventory_proc *proc)
{
	_cleanup_free_ char *text = NULL;
	const char *own, *roots;

	if (file_read_all(proc->dirfd, "cgroup", SHARE_GROUPS_MAX, &text) < 0)
		return 0;
	if (proc->pid == scan->root) {
		free(scan->root_groups);
		scan->root_groups = steal_ptr(text);
		return 0;
	}
	if (!scan->root_groups || !strcmp(text, scan->root_groups))
		return 0;
	free(steal_ptr(text));
	text = share_foreign_groups(scan, proc);
	if (!text)
		return 0;
	/* Find the first line that differs. */
	for (own = text, roots = scan->root_groups; *own && *roots;
	     own += strcspn(own, "\n") + 1, roots += strcspn(roots, "\n") + 1)
		if (strcspn(own, "\n") != strcspn(roots, "\n") ||
		    strncmp(own, roots, strcspn(own, "\n")))
			break;
	return inventory_refuse(
		scan, proc,
		"is in another control group than its job (%.*s), and would not be in it "
		"after the move; put it back into the job's group (%.*s)",
		(int)strcspn(own, "\n"), own, (int)strcspn(roots, "\n"), roots);
}

/* Numbers of fields in stat. The first field behind the name is 3. */
#define SHARE_FLAGS 9
#define SHARE_EXIT_SIGNAL 38

#define SHARE_EXITING 0x4 /* the kernel's PF_EXITING */

/* Reads a number of a stat file. Returns false if its process or thread has ended. */
static bool share_stat_field(int dirfd, const char *stat, int field, int *ret)
{
	char text[1024];
	const char *at;

	if (inventory_read(dirfd, stat, text, sizeof(text)) < 0)
		return false;
	at = strrchr(text, ')');
	for (int i = 2; at && i < field; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%d", ret) == 1;
}

int inventory_share_check_exit_signal(struct inventory_scan *scan,
				      const struct inventory_proc *proc)
{
	int signal;

	if (!share_stat_field(proc->dirfd, "stat", SHARE_EXIT_SIGNAL, &signal) || signal == SIGCHLD)
		return 0;
	return inventory_refuse(scan, proc,
				"sends its parent signal %d instead of SIGCHLD when it ends "
				"(clone), which cannot be carried; create it with fork",
				signal);
}

/* Whether a thread has something of its own. A thread that ends gives up all of it, one by one. */
static bool share_thread_differs(const struct inventory_proc *proc, pid_t tid, int what)
{
	char stat[32];
	int flags;

	snprintf(stat, sizeof(stat), "task/%d/stat", (int)tid);
	return syscall(SYS_kcmp, proc->pid, tid, what, 0, 0) > 0 &&
	       share_stat_field(proc->dirfd, stat, SHARE_FLAGS, &flags) && !(flags & SHARE_EXITING);
}

int inventory_share_check_thread(struct inventory_scan *scan, const struct inventory_proc *proc,
				 pid_t tid)
{
	if (share_thread_differs(proc, tid, KCMP_FS))
		return inventory_refuse(
			scan, proc,
			"its thread %d has a current directory and umask of its own "
			"(unshare with CLONE_FS), which cannot be carried; end the "
			"thread, or use a process instead",
			tid);
	if (share_thread_differs(proc, tid, KCMP_FILES))
		return inventory_refuse(scan, proc,
					"its thread %d has descriptors of its own (unshare with "
					"CLONE_FILES), which cannot be carried; end the thread, or "
					"use a process instead",
					tid);
	return 0;
}
