// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq-notify.c - mq_notify(): a thread of this process waits for the notification
 *
 * The thread does what the kernel would do, with the rights of the process: it sends the signal to
 * its process, or calls the function in a new thread with the requested attributes. All signals are
 * blocked in both, as in the C library's. It lives as long as the registration.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ipcmap/futex.h"
#include "ipcmap/preload/posix/mq.h"
#include "ipcmap/preload/preload.h"

/* A registration, owned by its thread. opened->waiter points to it under preload_lock. */
struct mq_waiter {
	struct mq_opened *opened; /* in use as long as the thread runs */
	struct sigevent event;
	pthread_attr_t attr; /* of the function's thread */
	bool has_attr;
	uint32_t cookie; /* of the registration */
};

static void waiter_signal(const struct mq_waiter *waiter, const struct msgq_notify *notify)
{
	siginfo_t info = { .si_signo = waiter->event.sigev_signo, .si_code = SI_MESGQ };

	info.si_pid = (pid_t)notify->sender_pid;
	info.si_uid = notify->sender_uid;
	info.si_value = waiter->event.sigev_value;
	syscall(SYS_rt_sigqueueinfo, getpid(), info.si_signo, &info);
}

struct waiter_call {
	void (*function)(union sigval value);
	union sigval value;
};

static void *waiter_thread_function(void *arg)
{
	struct waiter_call call = *(struct waiter_call *)arg;

	free(arg);
	call.function(call.value);
	return NULL;
}

static void waiter_call(const struct mq_waiter *waiter)
{
	struct waiter_call *call = malloc(sizeof(*call));
	pthread_attr_t attr;
	pthread_t thread;

	if (!call)
		return;
	*call = (struct waiter_call){ .function = waiter->event.sigev_notify_function,
				      .value = waiter->event.sigev_value };
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, waiter->has_attr ? &waiter->attr : &attr,
			   waiter_thread_function, call) != 0)
		free(call);
	pthread_attr_destroy(&attr);
}

/* Notifies the process if a message came and no other thread has done so. Returns false when the
 * registration has ended. */
static bool waiter_look(struct mq_waiter *waiter, uint32_t *ret_word)
{
	struct msgq_notify notify;
	int r = msgq_notify_take(&waiter->opened->q, (uint32_t)preload_pid(), waiter->cookie,
				 &notify);

	if (r == -EAGAIN) {
		*ret_word = notify.word;
		return true;
	}
	if (r == 0 && waiter->event.sigev_notify == SIGEV_SIGNAL)
		waiter_signal(waiter, &notify);
	else if (r == 0)
		waiter_call(waiter);
	return false;
}

static void waiter_free(struct mq_waiter *waiter)
{
	if (waiter->has_attr)
		pthread_attr_destroy(&waiter->attr);
	free(waiter);
}

static void *waiter_run(void *arg)
{
	struct mq_waiter *waiter = arg;
	struct mq_opened *opened = waiter->opened;
	uint32_t word = waiter->cookie;

	do
		futex_wait(&opened->q.head->notify.word, word, FUTEX_FOREVER);
	while (waiter_look(waiter, &word));
	preload_lock();
	if (opened->waiter == waiter)
		opened->waiter = NULL;
	preload_unlock();
	mq_put(opened);
	waiter_free(waiter);
	return NULL;
}

static int waiter_start(struct mq_opened *opened, struct mq_waiter *waiter)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	/* It inherits the section's mask: all signals are blocked in it. */
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 128 * 1024);
	preload_lock();
	r = pthread_create(&thread, &attr, waiter_run, waiter);
	if (r == 0) {
		opened->uses++;
		opened->waiter = waiter;
	}
	preload_unlock();
	pthread_attr_destroy(&attr);
	return -r;
}

/* The caller may destroy its attributes as soon as mq_notify() returns. */
static int attr_copy(const pthread_attr_t *from, pthread_attr_t *ret)
{
	struct sched_param param;
	cpu_set_t cpus, all;
	sigset_t signals;
	size_t size;
	void *stack;
	int n;

	if (pthread_attr_init(ret) != 0)
		return -ENOMEM;
	pthread_attr_setdetachstate(ret, PTHREAD_CREATE_DETACHED);
	if (pthread_attr_getguardsize(from, &size) == 0)
		pthread_attr_setguardsize(ret, size);
	if (pthread_attr_getinheritsched(from, &n) == 0)
		pthread_attr_setinheritsched(ret, n);
	if (pthread_attr_getschedpolicy(from, &n) == 0)
		pthread_attr_setschedpolicy(ret, n);
	if (pthread_attr_getschedparam(from, &param) == 0)
		pthread_attr_setschedparam(ret, &param);
	if (pthread_attr_getsigmask_np(from, &signals) == 0)
		pthread_attr_setsigmask_np(ret, &signals);
	/* Without a value, it contains all that there is. */
	memset(&all, 0xff, sizeof(all));
	if (pthread_attr_getaffinity_np(from, sizeof(cpus), &cpus) == 0 && !CPU_EQUAL(&cpus, &all))
		pthread_attr_setaffinity_np(ret, sizeof(cpus), &cpus);
	/* Without a function, it would end at address 0. */
	if (pthread_attr_getstack(from, &stack, &size) == 0 && (uintptr_t)stack + size != 0)
		pthread_attr_setstack(ret, stack, size);
	else if (pthread_attr_getstacksize(from, &size) == 0)
		pthread_attr_setstacksize(ret, size);
	return 0;
}

static int notify_begin(struct mq_opened *opened, const struct sigevent *event)
{
	struct mq_waiter *waiter = calloc(1, sizeof(*waiter));
	int r = waiter ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	waiter->opened = opened;
	waiter->event = *event;
	if (event->sigev_notify == SIGEV_THREAD && event->sigev_notify_attributes) {
		r = attr_copy(event->sigev_notify_attributes, &waiter->attr);
		waiter->has_attr = r == 0;
	}
	if (r == 0)
		r = msgq_notify_begin(&opened->q, (uint32_t)preload_pid(),
				      event->sigev_notify == SIGEV_NONE, &waiter->cookie);
	if (r == 0 && event->sigev_notify != SIGEV_NONE) {
		r = waiter_start(opened, waiter);
		if (r == 0)
			return 0;
		msgq_notify_end(&opened->q, (uint32_t)preload_pid());
	}
	waiter_free(waiter);
	return r;
}

static int notify_take(struct sigevent *ret, const struct sigevent *event)
{
	int r = memory_take(ret, event, sizeof(*ret));

	if (r < 0)
		return r;
	if (ret->sigev_notify != SIGEV_NONE && ret->sigev_notify != SIGEV_SIGNAL &&
	    ret->sigev_notify != SIGEV_THREAD)
		return -EINVAL;
	if (ret->sigev_notify == SIGEV_SIGNAL &&
	    (ret->sigev_signo < 0 || ret->sigev_signo > SIGRTMAX))
		return -EINVAL;
	return 0;
}

INTERPOSE int mq_notify(mqd_t fd, const struct sigevent *event)
{
	struct mq_opened *opened;
	struct section section;
	struct sigevent taken;
	int r;

	section_begin(&section);
	r = event ? notify_take(&taken, event) : 0;
	if (r == 0)
		r = mq_get(fd, &opened);
	if (r == 0) {
		if (event)
			r = notify_begin(opened, &taken);
		else
			msgq_notify_end(&opened->q, (uint32_t)preload_pid());
		mq_put(opened);
	}
	section_end(&section);
	return preload_result(r);
}

void mq_notify_sent(struct mq_opened *opened)
{
	uint32_t word;

	/* A signal is sent before mq_send() returns, as by the kernel. */
	preload_lock();
	if (opened->waiter && opened->waiter->event.sigev_notify == SIGEV_SIGNAL)
		waiter_look(opened->waiter, &word);
	preload_unlock();
}

void mq_notify_close(struct mq_opened *opened)
{
	uint32_t pid = (uint32_t)preload_pid();

	/* The thread sees it and ends. */
	if (__atomic_load_n(&opened->q.head->notify.pid, __ATOMIC_RELAXED) == pid)
		msgq_notify_end(&opened->q, pid);
}

void mq_notify_forked(struct mq_opened *opened)
{
	/* The thread that would free it exists only in the parent. */
	if (opened->waiter)
		opened->uses--;
	opened->waiter = NULL;
}
