// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * share.c - what processes share, and threads do not, in ways that CRIU does not carry
 *
 * With clone(2) a process can share its memory, its signal handlers, or its directories and
 * umask with the one that made it. CRIU gives up in the freeze when it finds such a pair. Its
 * parent may wait for another signal than SIGCHLD, which only clone(2) can set. And a
 * thread can have directories or descriptors of its own, by unshare(2); CRIU would give it those
 * of its process, and say nothing.
 *
 * A child of vfork(2) and posix_spawn(3) shares memory too, until it executes a program. Nearly
 * always that is soon, so it is waited for. Its parent cannot be stopped until then.
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

/* One that has ended shares nothing. */
static bool share_have_same(pid_t a, pid_t b, int what)
{
	return syscall(SYS_kcmp, a, b, what, 0, 0) == 0;
}

static bool share_differ(pid_t a, pid_t b, int what)
{
	return syscall(SYS_kcmp, a, b, what, 0, 0) > 0;
}

/* A little while later too. */
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
		return inventory_refuse(scan, proc,
					"shares its memory with pid %d, as after vfork or clone "
					"with CLONE_VM, which cannot be carried; move it when it "
					"has executed a program, or have it use threads",
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
	char text[4096];
	const char *parent;
	int r;

	if (inventory_read(proc->dirfd, "status", text, sizeof(text)) < 0)
		return 0;
	parent = proc_field(text, "PPid");
	r = parent ? share_check_pair(scan, proc, atoi(parent)) : 0;
	/* Two whose parent is another one, or has ended. */
	if (r == 0)
		r = share_check_pair(scan, proc, scan->last);
	scan->last = proc->pid;
	return r;
}

/* The groups of a process that are not the root's, a little while later too: one that ends leaves
 * its groups before it is seen to be dead. NULL: there are none, or it has ended. */
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

/* A restored process is born in its job's groups. One line a hierarchy, the group behind the second
 * colon. */
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
	/* To the first line that differs. */
	for (own = text, roots = scan->root_groups; *own && *roots;
	     own += strcspn(own, "\n") + 1, roots += strcspn(roots, "\n") + 1)
		if (strcspn(own, "\n") != strcspn(roots, "\n") ||
		    strncmp(own, roots, strcspn(own, "\n")))
			break;
	return inventory_refuse(
		scan, proc,
		"is in another control group than its job (%.*s), and would be out of it "
		"after the move; bring it back to the job's (%.*s)",
		(int)strcspn(own, "\n"), own, (int)strcspn(roots, "\n"), roots);
}

/* The fields of stat count from 1, and the third is the first behind the name. */
#define SHARE_EXIT_SIGNAL 38

int inventory_share_check_exit_signal(struct inventory_scan *scan,
				      const struct inventory_proc *proc)
{
	char text[1024];
	const char *at;
	int signal;

	if (inventory_read(proc->dirfd, "stat", text, sizeof(text)) < 0)
		return 0;
	at = strrchr(text, ')');
	for (int i = 2; at && i < SHARE_EXIT_SIGNAL; i++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%d", &signal) != 1 || signal == SIGCHLD)
		return 0;
	return inventory_refuse(scan, proc,
				"is to send its parent signal %d when it ends, and not SIGCHLD "
				"(clone), which cannot be carried; make it by fork",
				signal);
}

int inventory_share_check_thread(struct inventory_scan *scan, const struct inventory_proc *proc,
				 pid_t tid)
{
	if (share_differ(proc->pid, tid, KCMP_FS))
		return inventory_refuse(
			scan, proc,
			"its thread %d has a current directory and umask of its own "
			"(unshare with CLONE_FS), which cannot be carried; end the "
			"thread, or have the program use processes",
			tid);
	if (share_differ(proc->pid, tid, KCMP_FILES))
		return inventory_refuse(scan, proc,
					"its thread %d has descriptors of its own (unshare with "
					"CLONE_FILES), which cannot be carried; end the thread, or "
					"have the program use processes",
					tid);
	return 0;
}
