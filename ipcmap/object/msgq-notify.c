// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * msgq-notify.c - the registration of mq_notify(): one process at a time, one notification
 *
 * A queue only notes that a message came and wakes the helper thread of the registered process.
 * This thread signals its own process or calls its function. Therefore a sender needs no permission
 * to signal the receiver, data in the queue cannot make a privileged sender signal another process,
 * and no notification is lost during a move of the receiver.
 */
#include "ipcmap/object/msgq-priv.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "ipcmap/futex.h"

static void notify_change(struct msgq *q)
{
	__atomic_add_fetch(&q->head->notify.word, 1, __ATOMIC_RELEASE);
	futex_wake(&q->head->notify.word, INT_MAX);
}

static bool notify_receiver_waits(const struct msgq *q)
{
	for (int i = 0; i < MSGQ_RECEIVERS; i++) {
		uint32_t pid = msgq_load(&q->head->receivers[i]);

		if (pid && (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
			return true;
	}
	return false;
}

void msgq_notify_fire(struct msgq *q, uint32_t sender)
{
	struct msgq_notify *notify = &q->head->notify;

	if (!notify->pid || notify->fired == MSGQ_FIRED || notify_receiver_waits(q))
		return;
	if (notify->fired == MSGQ_MUTE) {
		msgq_notify_forget(q, notify->pid);
		return;
	}
	notify->sender_pid = sender;
	notify->sender_uid = getuid();
	notify->fired = MSGQ_FIRED;
	notify_change(q);
}

void msgq_notify_forget(struct msgq *q, uint32_t pid)
{
	if (msgq_load(&q->head->notify.pid) != pid)
		return;
	q->head->notify.fired = MSGQ_STANDS;
	q->head->notify.pid = 0;
	notify_change(q);
}

int msgq_notify_begin(struct msgq *q, uint32_t pid, bool mute, uint32_t *ret_cookie)
{
	struct msgq_notify *notify = &q->head->notify;
	int r = msgq_enter(q);

	if (r < 0)
		return r;
	if (msgq_load(&notify->pid)) {
		r = -EBUSY;
	} else {
		notify_change(q);
		*ret_cookie = msgq_load(&notify->word);
		notify->cookie = *ret_cookie;
		notify->fired = mute ? MSGQ_MUTE : MSGQ_STANDS;
		notify->pid = pid;
	}
	msgq_exit(q);
	return r;
}

int msgq_notify_end(struct msgq *q, uint32_t pid)
{
	int r = msgq_enter(q);

	if (r < 0)
		return r;
	r = msgq_load(&q->head->notify.pid) == pid ? 0 : -ENOENT;
	msgq_notify_forget(q, pid);
	msgq_exit(q);
	return r;
}

int msgq_notify_take(struct msgq *q, uint32_t pid, uint32_t cookie, struct msgq_notify *ret)
{
	int r = msgq_enter(q);

	if (r < 0)
		return r;
	*ret = q->head->notify;
	if (ret->pid != pid || ret->cookie != cookie)
		r = -ENOENT;
	else if (ret->fired != MSGQ_FIRED)
		r = -EAGAIN;
	else
		msgq_notify_forget(q, pid);
	msgq_exit(q);
	return r;
}
