// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * session.c - rows of tests/move-kinds: shapes of the tree: sessions, groups, orphans
 */
#include "tests/kinds/kind.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_before(void *arg)
{
	void (*before)(void) = *(void (**)(void))arg;

	if (before)
		before();
}

static void sleep_in(void (*before)(void))
{
	kind_child(run_before, &before);
}

static void new_session(void)
{
	setsid();
}

static void new_group(void)
{
	setpgid(0, 0);
}

struct orphan {
	void (*between)(void), (*before)(void);
};

static void run_between(void *arg)
{
	const struct orphan *orphan = arg;

	if (orphan->between)
		orphan->between();
	sleep_in(orphan->before);
	_exit(0);
}

/* The one between ends, and its child goes to the next subreaper. */
static void orphan(void (*between)(void), void (*before)(void))
{
	struct orphan pair = { between, before };
	pid_t pid = kind_child(run_between, &pair);

	MUST(waitpid(pid, NULL, 0) == pid);
}

static void inner_session(void *arg)
{
	void (*make)(void) = *(void (**)(void))arg;

	setsid();
	make();
}

/* A child in a session of its own that makes this in it. */
static void in_session(void (*make)(void))
{
	kind_child(inner_session, &make);
}

static void child(void)
{
	sleep_in(NULL);
}

static void child_group(void)
{
	sleep_in(new_group);
}

static void just_orphan(void)
{
	orphan(NULL, NULL);
}

static void orphan_group(void)
{
	orphan(NULL, new_group);
}

static void daemonise(void)
{
	orphan(new_session, NULL);
}

static void orphan_session(void)
{
	orphan(NULL, new_session);
}

static void orphan_leaderless_group(void)
{
	orphan(new_group, NULL);
}

static void two_orphans(void)
{
	just_orphan();
	orphan_group();
	daemonise();
}

static void become_subreaper(void)
{
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
}

static void subreaper_orphans(void)
{
	become_subreaper();
	two_orphans();
}

/* What it adopts was born in its own session. */
static void subreaper_own(void)
{
	become_subreaper();
	just_orphan();
	orphan_group();
	orphan_session();
	in_session(child_group);
}

static void nested(void)
{
	in_session(two_orphans);
	in_session(subreaper_own);
	just_orphan();
}

static void make_session(void)
{
	in_session(child);
}

static void make_session_group(void)
{
	in_session(child_group);
}

static void make_session_orphan(void)
{
	in_session(just_orphan);
}

static void make_session_orphan_group(void)
{
	in_session(orphan_group);
}

static void make_session_daemon(void)
{
	in_session(daemonise);
}

static void make_session_orphan_session(void)
{
	in_session(orphan_session);
}

static void make_session_leaderless_group(void)
{
	in_session(orphan_leaderless_group);
}

static void make_session_two_orphans(void)
{
	in_session(two_orphans);
}

static void make_session_subreaper(void)
{
	in_session(subreaper_orphans);
}

static void make_nested(void)
{
	in_session(nested);
}

/* tmux, screen: the server is an orphan that leads a session; its programs lead others. */
static void server(void)
{
	in_session(two_orphans);
	in_session(child_group);
	just_orphan();
}

static void server_orphan(void *arg)
{
	(void)arg;
	in_session(server);
	_exit(0);
}

static void make_tmux(void)
{
	pid_t pid = kind_child(server_orphan, NULL);

	MUST(waitpid(pid, NULL, 0) == pid);
}

/* A session whose leader has ended, unreaped: a zombie leads it. */
static void zombie_leader(void *arg)
{
	(void)arg;
	setsid();
	sleep_in(NULL);
	sleep_in(new_group);
	_exit(0);
}

static void make_zombie_leader(void)
{
	siginfo_t info;
	pid_t pid = kind_child(zombie_leader, NULL);

	MUST(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

static void leave_group(void *arg)
{
	(void)arg;
	setpgid(0, 0);
	sleep_in(NULL);
	MUST(setpgid(0, getppid()) == 0);
}

/* A group whose leader is in another one. */
static void make_group_left(void)
{
	if (getpgrp() != getpid())
		MUST(setpgid(0, 0) == 0);
	kind_child(leave_group, NULL);
}

/* A child from before its parent led a session. */
static void early_child(void *arg)
{
	(void)arg;
	sleep_in(NULL);
	setsid();
	sleep_in(NULL);
}

static void make_early_child(void)
{
	kind_child(early_child, NULL);
}

static void early_orphan_between(void *arg)
{
	(void)arg;
	kind_child(early_child, NULL);
	_exit(0);
}

static void early_orphan(void)
{
	pid_t pid = kind_child(early_orphan_between, NULL);

	MUST(waitpid(pid, NULL, 0) == pid);
}

/* The same, and adopted; in a session with a leader, and in one without. */
static void make_inner_early_orphan(void)
{
	in_session(early_orphan);
}

static void early_daemon(void *arg)
{
	(void)arg;
	setsid();
	kind_child(early_child, NULL);
	_exit(0);
}

static void make_early_daemon(void)
{
	pid_t pid = kind_child(early_daemon, NULL);

	MUST(waitpid(pid, NULL, 0) == pid);
}

static void make_subreaper_own(void)
{
	in_session(subreaper_own);
}

/* A child that its parent does not wait for, of an orphan of another session. */
static void leave_zombie(void *arg)
{
	siginfo_t info;
	pid_t pid;

	(void)arg;
	pid = fork();
	if (pid == 0)
		_exit(5);
	MUST(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

static void orphan_with_zombie(void *arg)
{
	(void)arg;
	kind_child(leave_zombie, NULL);
	_exit(0);
}

static void orphan_zombie(void)
{
	pid_t pid = kind_child(orphan_with_zombie, NULL);

	MUST(waitpid(pid, NULL, 0) == pid);
}

static void make_inner_orphan_zombie(void)
{
	in_session(orphan_zombie);
}

const struct kind kinds_session[] = {
	KIND("session-orphan", just_orphan, NULL),
	KIND("session-orphan-group", orphan_group, NULL),
	KIND("session-daemon", daemonise, NULL, .as = KIND_BOTH),
	KIND("session-orphan-session", orphan_session, NULL),
	KIND("session-leaderless-group", orphan_leaderless_group, NULL),
	KIND("session-subreaper", subreaper_orphans, NULL,
	     .refused = "a subreaper, has adopted it"),
	KIND("session-zombie-leader", make_zombie_leader, NULL),
	KIND("session-inner", make_session, NULL),
	KIND("session-inner-group", make_session_group, NULL),
	KIND("session-inner-orphan", make_session_orphan, NULL, .as = KIND_BOTH),
	KIND("session-inner-orphan-group", make_session_orphan_group, NULL),
	KIND("session-inner-daemon", make_session_daemon, NULL),
	KIND("session-inner-orphan-session", make_session_orphan_session, NULL),
	KIND("session-inner-leaderless-group", make_session_leaderless_group, NULL),
	KIND("session-inner-two-orphans", make_session_two_orphans, NULL),
	KIND("session-inner-subreaper", make_session_subreaper, NULL,
	     .refused = "a subreaper, has adopted it"),
	KIND("session-nested", make_nested, NULL),
	KIND("session-tmux", make_tmux, NULL, .as = KIND_BOTH),
	KIND("session-group-left", make_group_left, NULL),
	KIND("session-early-child", make_early_child, NULL),
	KIND("session-inner-early-orphan", make_inner_early_orphan, NULL),
	KIND("session-early-daemon", make_early_daemon, NULL),
	KIND("session-inner-subreaper-own", make_subreaper_own, NULL),
	KIND("session-inner-orphan-zombie", make_inner_orphan_zombie, NULL),
	{ .name = NULL },
};
