// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * session.c - sessions and process groups that a parent cannot hand on
 *
 * A process that leads no session was born in the one that it is in. One that leads its
 * own was born in any, which matters only if it had children before it made its own: they
 * are in the session that it was born in. Its parent was in that session when it was born, or
 * passed it on in the same way. Where this does not fit together the process
 * has been adopted, by the tree's root or by another subreaper. With the latter there is
 * no way to have it born in its session and adopted by the right one: that is refused.
 */
#include "libmig/session/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/criu/hold.h"

DEFINE_CLEANUP(struct session *, session_freep, session_free);

static int session_compare(const void *a, const void *b)
{
	const struct session_task *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct session_task *session_find(const struct session *session, pid_t pid)
{
	struct session_task key = { .pid = pid };

	return bsearch(&key, session->tasks, session->n, sizeof(key), session_compare);
}

/* false: it has ended. */
static bool session_read_task(pid_t pid, struct session_task *ret)
{
	*ret = (struct session_task){ .pid = pid };
	return proc_scan_stat(pid, " %c %d %d %d", &ret->state, &ret->parent, &ret->group,
			      &ret->session) == 4;
}

static int session_refuse(const struct session_task *task, struct vc_err *err, const char *what)
{
	char name[PROC_NAME];

	proc_name(task->pid, name);
	return err_set(err, EOPNOTSUPP, "pid %d (%s): %s", (int)task->pid, name, what);
}

/* --- sessions ------------------------------------------------------------------------------ */

/* In which session its parent must have been when it was born: the leaders among its parents
 * are noted to have been born there too. The one that does not fit, NULL: all fit. */
static struct session_task *session_climb(const struct session *session, struct session_task *task)
{
	pid_t born = task->born;

	while (task->pid != session->root) {
		struct session_task *parent = session_find(session, task->parent);

		if (!parent || parent->session == born)
			return NULL;
		if (parent->pid == session->root || parent->session != parent->pid ||
		    (parent->born && parent->born != born))
			return task;
		parent->born = born;
		task = parent;
	}
	return NULL;
}

static bool session_descends(const struct session *session, pid_t pid, pid_t from)
{
	while (pid != from && pid != session->root) {
		const struct session_task *task = session_find(session, pid);

		if (!task)
			return false;
		pid = task->parent;
	}
	return pid == from;
}

/* A number that is free, and will be until the kernel's counter has gone all the way around. */
static pid_t session_free_number(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return pid;
}

static struct session_dead *session_find_dead(const struct session *session, pid_t number)
{
	for (size_t i = 0; i < session->n_dead; i++)
		if (session->dead[i].session == number)
			return &session->dead[i];
	return NULL;
}

/* The parent in the images of what was born in this session and adopted by the root. */
static int session_make_parent(struct session *session, pid_t number, pid_t *ret,
			       struct vc_err *err)
{
	const struct session_task *leader = session_find(session, number);
	struct session_dead *dead = session_find_dead(session, number), *grown;

	if (leader && leader->state == 'Z') {
		*ret = leader->pid;
		return 0;
	}
	if (!dead) {
		grown = reallocarray(session->dead, session->n_dead + 1, sizeof(*grown));
		if (!grown)
			return err_sys(err, ENOMEM, "sessions");
		session->dead = grown;
		dead = &grown[session->n_dead++];
		/* Its pid is given to it by session_adapt(), unless it is the leader. */
		*dead = (struct session_dead){ .pid = leader ? 0 : number,
					       .parent = leader ? number : session->root,
					       .session = number };
	}
	/* Known by its session until it has a number. */
	*ret = -number;
	return 0;
}

static int session_place(struct session *session, struct session_task *task, struct vc_err *err)
{
	struct session_task *adopted;

	if (task->pid == session->root || !task->born)
		return 0;
	adopted = session_climb(session, task);
	if (!adopted)
		return 0;
	if (adopted->parent != session->root)
		return session_refuse(adopted, err,
				      "its parent, a subreaper, has adopted it from another "
				      "session, which cannot be carried; end one of the two");
	if (adopted->new_parent)
		return 0;
	if (session_find(session, task->born) &&
	    session_descends(session, task->born, adopted->pid))
		return session_refuse(adopted, err,
				      "its session is led by a descendant of its own, which cannot "
				      "be carried; end one of the two");
	return session_make_parent(session, task->born, &adopted->new_parent, err);
}

/* --- groups -------------------------------------------------------------------------------- */

/* A process that gave its group its number, and went to another one. In the images it is where it
 * was, as CRIU waits for it there. */
static int session_check_group(struct session *session, const struct session_task *task,
			       struct vc_err *err)
{
	struct session_task *leader = session_find(session, task->group);

	if (!leader || leader->group == leader->pid || leader->new_group)
		return 0;
	for (size_t i = 0; leader->state != 'Z' && i < session->n; i++) {
		const struct session_task *other = &session->tasks[i];

		if (other == leader || other->group != leader->group)
			continue;
		leader->new_group = leader->pid;
		return 0;
	}
	return session_refuse(
		leader, err,
		"it has left the process group that it leads, which cannot be carried; "
		"end it or the group");
}

int session_take(const pid_t *pids, size_t n, struct session **ret, struct vc_err *err)
{
	_cleanup_(session_freep) struct session *session = calloc(1, sizeof(*session));
	bool changes;
	int r = 0;

	*ret = NULL;
	if (session)
		session->tasks = calloc(n, sizeof(*session->tasks));
	if (!session || !session->tasks)
		return err_sys(err, ENOMEM, "sessions");
	session->root = pids[0];
	for (size_t i = 0; i < n; i++) {
		struct session_task *task = &session->tasks[session->n];

		if (!session_read_task(pids[i], task))
			continue;
		task->born = task->session == task->pid ? 0 : task->session;
		session->n++;
	}
	qsort(session->tasks, session->n, sizeof(*session->tasks), session_compare);
	for (size_t i = 0; r == 0 && i < session->n; i++) {
		r = session_place(session, &session->tasks[i], err);
		if (r == 0)
			r = session_check_group(session, &session->tasks[i], err);
	}
	if (r < 0)
		return r;
	changes = session->n_dead > 0;
	for (size_t i = 0; i < session->n; i++)
		changes = changes || session->tasks[i].new_parent || session->tasks[i].new_group;
	if (changes)
		*ret = steal_ptr(session);
	return 0;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	free(session->tasks);
	free(session->dead);
	free(session);
}

int session_adapt(struct session *session, int dirfd, struct vc_err *err)
{
	int r = 0;

	for (size_t i = 0; i < session->n_dead; i++) {
		if (session->dead[i].pid)
			continue;
		session->dead[i].pid = session_free_number();
		if (session->dead[i].pid < 0)
			return err_sys(err, (int)-session->dead[i].pid, "sessions: fork");
	}
	for (size_t i = 0; i < session->n; i++) {
		struct session_task *task = &session->tasks[i];

		if (task->new_parent < 0)
			task->new_parent = session_find_dead(session, -task->new_parent)->pid;
	}
	r = session_write_images(session, dirfd);
	return r < 0 ? err_sys(err, -r, "sessions: images") : 0;
}

int session_add_numbers(const struct session *session, pid_t **numbers, size_t *n)
{
	pid_t *grown = reallocarray(*numbers, *n + session->n_dead, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*numbers = grown;
	for (size_t i = 0; i < session->n_dead; i++)
		grown[(*n)++] = session->dead[i].pid;
	return 0;
}

static int session_reap(const struct session_dead *dead, struct hold *hold)
{
	struct inject_call call = { .nr = SYS_wait4, .args = { (uint64_t)dead->pid, 0, WNOHANG } };
	struct session_task task;
	long value;
	int r;

	if (!session_read_task(dead->pid, &task))
		return 0;
	r = hold_call(hold, task.parent, task.parent, &call, &value);
	return r < 0 ? r : value < 0 ? (int)value : 0;
}

int session_put_back(const struct session *session, struct hold *hold)
{
	int first = 0;

	for (size_t i = 0; i < session->n_dead; i++) {
		int r = session_reap(&session->dead[i], hold);

		first = first < 0 ? first : r;
	}
	for (size_t i = 0; i < session->n; i++) {
		const struct session_task *task = &session->tasks[i];
		struct inject_call call = { .nr = SYS_setpgid,
					    .args = { 0, (uint64_t)task->group } };
		long value = 0;
		int r;

		if (!task->new_group)
			continue;
		r = hold_call(hold, task->pid, task->pid, &call, &value);
		first = first < 0 ? first : r < 0 ? r : value < 0 ? (int)value : 0;
	}
	return first;
}
