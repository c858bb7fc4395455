// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq-bell.c - a descriptor for poll loops that becomes readable when a message comes
 *
 * Sender and poller may be in different jobs, and either may be moved. A FIFO or socket between
 * them would tie their moves together. Therefore the descriptor is an eventfd of the poller's
 * process, and a thread of the poller waits for messages with the futex, like any receiver, and
 * writes to the eventfd. CRIU carries eventfd, thread and mapping as parts of one job.
 *
 * The thread writes once, and is armed again by the try that finds the queue empty. It looks at the
 * queue after the descriptor was read, so no message is missed.
 */
#include "ipcmap/library/mq.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ipcmap/futex.h"

#define BELL_STACK_BYTES (256 * 1024)
#define BELL_JOIN_USEC 2000 /* between two attempts to wake the thread at its end */

struct mq_bell {
	struct vcipc_mq *mq;
	pid_t pid; /* the owner: a forked child has no bell */
	int fd;
	pthread_t thread;
	uint32_t armed; /* a futex: write when there is a message */
	uint32_t stop;
};

static bool bell_is_stopped(const struct mq_bell *bell)
{
	return __atomic_load_n(&bell->stop, __ATOMIC_ACQUIRE);
}

/* Waits for a message. Passes on wakes that receivers need. */
static void bell_wait_message(struct mq_bell *bell, struct spin_hint *hint)
{
	struct vcipc_mq *mq = bell->mq;
	struct mq_wait wait = { .counter = &mq->send->sent,
				.flag = &mq->send->receivers_wait,
				.hint = hint };

	while (!bell_is_stopped(bell)) {
		uint64_t sent = __atomic_load_n(&mq->send->sent, __ATOMIC_ACQUIRE);

		if (sent != __atomic_load_n(&mq->receive->received, __ATOMIC_ACQUIRE))
			break;
		mq_wait(&wait, sent);
	}
	if (wait.slept)
		mq_pass_on(wait.counter, wait.flag, true);
}

static void *bell_run(void *arg)
{
	struct mq_bell *bell = arg;
	struct spin_hint hint = { 0 };
	const uint64_t one = 1;

	while (!bell_is_stopped(bell)) {
		if (!__atomic_load_n(&bell->armed, __ATOMIC_ACQUIRE)) {
			futex_sleep(&bell->armed, 0, NULL);
			continue;
		}
		bell_wait_message(bell, &hint);
		__atomic_store_n(&bell->armed, 0, __ATOMIC_RELEASE);
		if (write(bell->fd, &one, sizeof(one)) < 0)
			break;
	}
	return NULL;
}

/* The thread blocks all signals: they are for the program's threads. */
static int bell_start(struct mq_bell *bell)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, BELL_STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&bell->thread, &attr, bell_run, bell);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

static int bell_new(struct vcipc_mq *mq, struct mq_bell **ret)
{
	struct mq_bell *bell = calloc(1, sizeof(*bell));
	int r;

	if (!bell)
		return -ENOMEM;
	*bell = (struct mq_bell){ .mq = mq, .pid = getpid(), .armed = 1 };
	bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = bell->fd < 0 ? -errno : bell_start(bell);
	if (r < 0) {
		closep(&bell->fd);
		free(bell);
		return r;
	}
	*ret = bell;
	return 0;
}

int vcipc_mq_fd(vcipc_mq *mq)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	struct mq_bell *bell;
	int r = 0;

	pthread_mutex_lock(&one_at_a_time);
	bell = mq->bell;
	if (bell && bell->pid != getpid())
		mq_bell_stop(mq);
	if (!mq->bell) {
		r = bell_new(mq, &bell);
		if (r == 0)
			__atomic_store_n(&mq->bell, bell, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&one_at_a_time);
	return handle_result(r < 0 ? r : bell->fd);
}

void mq_bell_rearm(struct vcipc_mq *mq)
{
	struct mq_bell *bell = __atomic_load_n(&mq->bell, __ATOMIC_ACQUIRE);
	uint64_t rung;

	if (!bell || bell->pid != getpid())
		return;
	if (read(bell->fd, &rung, sizeof(rung)) < 0 && errno != EAGAIN)
		return;
	__atomic_store_n(&bell->armed, 1, __ATOMIC_RELEASE);
	futex_wake(&bell->armed, 1);
}

/* The thread may be about to sleep on either word, so it is woken until it ends. Other sleepers on
 * the queue just look again. */
static void bell_join(struct mq_bell *bell)
{
	const uint32_t *sent = (const uint32_t *)(const void *)&bell->mq->send->sent;

	__atomic_store_n(&bell->stop, 1, __ATOMIC_RELEASE);
	for (;;) {
		futex_wake(&bell->armed, 1);
		futex_wake(sent, INT_MAX);
		if (pthread_tryjoin_np(bell->thread, NULL) == 0)
			return;
		clock_sleep_usec(BELL_JOIN_USEC);
	}
}

void mq_bell_stop(struct vcipc_mq *mq)
{
	struct mq_bell *bell = mq->bell;

	if (!bell)
		return;
	if (bell->pid == getpid())
		bell_join(bell);
	close(bell->fd);
	free(bell);
	mq->bell = NULL;
}
