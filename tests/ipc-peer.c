// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-peer.c - one end of an object, for tests/ipc-waits.sh: makes one call N times
 *
 * Usage: ipc-peer CALL NAME N. Each side's calls and their order are checked here; that
 * the numbers agree, by the other side. Prints "ready" when it has opened the object, and
 * "done" when all N calls were made and nothing is left over. Any error ends it, EINTR
 * first of all.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ipcmap/vcipc.h"

#define PATIENCE_USEC 60000000
#define PAUSE_MAX_USEC 8000

static const char *name;
static uint32_t n;
static void *volatile kept; /* most end with what they have open, as programs do */

static const struct timespec *later(void)
{
	static struct timespec deadline;

	return vcipc_deadline(&deadline, PATIENCE_USEC);
}

static void ok(const char *what, long r)
{
	if (r < 0)
		err(1, "%s", what);
}

static void must_be(const char *what, long got, long expected)
{
	if (got != expected)
		errx(1, "%s: got %ld, expected %ld", what, got, expected);
}

static void *opened(void *handle)
{
	if (!handle)
		err(1, "%s", name);
	kept = handle;
	puts("ready");
	fflush(stdout);
	return handle;
}

/* Now and then none, so that some calls find what they want. */
static void pause_at_random(void)
{
	if (rand() % 4)
		usleep((useconds_t)(rand() % PAUSE_MAX_USEC));
}

/* --- events and semaphores ------------------------------------------------------------------- */

static vcipc_event *event(void)
{
	return opened(vcipc_event_open(name, VCIPC_CREATE, 0600));
}

static void event_post(void)
{
	vcipc_event *e = event();

	for (uint32_t i = 0; i < n; i++) {
		pause_at_random();
		ok("post", vcipc_event_post(e));
	}
}

static void event_none_left(vcipc_event *e)
{
	usleep(100000);
	must_be("one more", vcipc_event_trywait(e), -1);
	must_be("errno", errno, EAGAIN);
}

static void event_wait(void)
{
	vcipc_event *e = event();

	for (uint32_t i = 0; i < n; i++)
		ok("wait", vcipc_event_wait(e));
	event_none_left(e);
}

static void event_timedwait(void)
{
	vcipc_event *e = event();

	for (uint32_t i = 0; i < n; i++)
		ok("timedwait", vcipc_event_timedwait(e, later()));
	event_none_left(e);
}

/* Broadcasts until the other side has said that it returned, which takes one. */
static void event_broadcast(void)
{
	vcipc_event *e = event();

	for (uint32_t i = 0; i < n; i++) {
		usleep(5000);
		ok("broadcast", vcipc_event_broadcast(e));
	}
}

static void event_wait_broadcast(void)
{
	vcipc_event *e = event();
	uint32_t returned = 0;
	struct timespec deadline;

	/* Those that come while it is between two waits are for nobody. */
	while (vcipc_event_timedwait(e, vcipc_deadline(&deadline, 1000000)) == 0)
		returned++;
	must_be("errno", errno, ETIMEDOUT);
	if (returned > n || returned < n / 2)
		errx(1, "returned %u times for %u broadcasts", returned, n);
}

static vcipc_sem *sem(void)
{
	return opened(vcipc_sem_open(name, VCIPC_CREATE, 0600, 0));
}

static void sem_post_(void)
{
	vcipc_sem *s = sem();

	for (uint32_t i = 0; i < n; i++) {
		pause_at_random();
		ok("post", vcipc_sem_post(s));
	}
}

static void sem_none_left(vcipc_sem *s)
{
	unsigned int value = 99;

	usleep(100000);
	ok("getvalue", vcipc_sem_getvalue(s, &value));
	must_be("value", value, 0);
}

static void sem_wait_(void)
{
	vcipc_sem *s = sem();

	for (uint32_t i = 0; i < n; i++)
		ok("wait", vcipc_sem_wait(s));
	sem_none_left(s);
}

static void sem_timedwait_(void)
{
	vcipc_sem *s = sem();

	for (uint32_t i = 0; i < n; i++)
		ok("timedwait", vcipc_sem_timedwait(s, later()));
	sem_none_left(s);
}

/* --- queues ---------------------------------------------------------------------------------- */

static vcipc_mq *mq(void)
{
	const struct vcipc_mq_attr attr = { .maxmsg = 4, .msgsize = 100 };

	return opened(vcipc_mq_open(name, VCIPC_CREATE, 0600, &attr));
}

static void mq_send_all(bool slowly, bool timed)
{
	vcipc_mq *q = mq();
	char msg[100] = "";

	for (uint32_t i = 0; i < n; i++) {
		if (slowly)
			pause_at_random();
		memcpy(msg, &i, sizeof(i));
		ok("send", timed ? vcipc_mq_timedsend(q, msg, 4 + i % 97, 0, later())
				 : vcipc_mq_send(q, msg, 4 + i % 97, 0));
	}
}

static void mq_check(const char *msg, ssize_t size, uint32_t i)
{
	uint32_t number;

	ok("receive", size);
	memcpy(&number, msg, sizeof(number));
	must_be("number", number, i);
	must_be("size", size, 4 + i % 97);
}

static void mq_receive_all(bool slowly, bool timed)
{
	vcipc_mq *q = mq();
	char msg[100];

	for (uint32_t i = 0; i < n; i++) {
		if (slowly)
			pause_at_random();
		mq_check(msg,
			 timed ? vcipc_mq_timedreceive(q, msg, 100, NULL, later())
			       : vcipc_mq_receive(q, msg, 100, NULL),
			 i);
	}
	usleep(100000);
	must_be("one more", vcipc_mq_tryreceive(q, msg, 100, NULL), -1);
	must_be("errno", errno, EAGAIN);
}

static void mq_put(void)
{
	mq_send_all(true, false);
}

static void mq_get(void)
{
	mq_receive_all(true, false);
}

static void mq_send_(void)
{
	mq_send_all(false, false);
}

static void mq_timedsend_(void)
{
	mq_send_all(false, true);
}

static void mq_receive_(void)
{
	mq_receive_all(false, false);
}

static void mq_timedreceive_(void)
{
	mq_receive_all(false, true);
}

static void mq_poll(void)
{
	vcipc_mq *q = mq();
	struct pollfd pollfd = { .fd = vcipc_mq_fd(q), .events = POLLIN };
	char msg[100];
	ssize_t size;

	ok("fd", pollfd.fd);
	for (uint32_t i = 0; i < n;) {
		int r = poll(&pollfd, 1, PATIENCE_USEC / 1000);

		/* Not a call of ours: poll(2) does show a move. */
		if (r < 0 && errno == EINTR)
			continue;
		must_be("poll", r, 1);
		while ((size = vcipc_mq_tryreceive(q, msg, 100, NULL)) >= 0)
			mq_check(msg, size, i++);
		must_be("errno", errno, EAGAIN);
	}
	ok("close", vcipc_mq_close(q));
}

/* --- mutexes --------------------------------------------------------------------------------- */

/* What a mutex guards: a number in shared memory, which stays until it is read. */
static volatile uint32_t *guarded(vcipc_shm **ret)
{
	char memory[100];
	size_t size;
	void *at;

	snprintf(memory, sizeof(memory), "%s's memory", name);
	*ret = vcipc_shm_open(memory, VCIPC_CREATE | VCIPC_PERSISTENT, 0600, 4096);
	if (!*ret || vcipc_shm_map(*ret, &at, &size) < 0)
		err(1, "%s", memory);
	return at;
}

static vcipc_mutex *mutex(void)
{
	return opened(vcipc_mutex_open(name, VCIPC_CREATE, 0600));
}

static void mutex_add(bool timed)
{
	vcipc_shm *shm;
	volatile uint32_t *number = guarded(&shm);
	vcipc_mutex *m = mutex();

	for (uint32_t i = 0; i < n; i++) {
		uint32_t before;

		ok("lock", timed ? vcipc_mutex_timedlock(m, later()) : vcipc_mutex_lock(m));
		before = *number;
		pause_at_random();
		must_be("nobody else was here", *number, before);
		*number = before + 1;
		ok("unlock", vcipc_mutex_unlock(m));
	}
	ok("close", vcipc_shm_close(shm));
}

static void mutex_lock_(void)
{
	mutex_add(false);
}

static void mutex_timedlock_(void)
{
	mutex_add(true);
}

/* The number, which then goes. */
static void mutex_sum(void)
{
	vcipc_shm *shm;
	volatile uint32_t *number = guarded(&shm);
	char memory[100];

	snprintf(memory, sizeof(memory), "%s's memory", name);
	must_be("sum", *number, n);
	ok("unlink", vcipc_unlink(VCIPC_SHM, memory));
	ok("close", vcipc_shm_close(shm));
}

/* Holds it, over however many moves, until there is a line to read. */
static void mutex_hold(void)
{
	vcipc_mutex *m = mutex();

	ok("lock", vcipc_mutex_lock(m));
	puts("held");
	fflush(stdout);
	getchar();
	ok("unlock", vcipc_mutex_unlock(m));
}

/* N looks, each of which finds it held; then it is waited for. */
static void mutex_want(void)
{
	vcipc_mutex *m = mutex();

	for (uint32_t i = 0; i < n; i++) {
		must_be("trylock", vcipc_mutex_trylock(m), -1);
		must_be("errno", errno, EBUSY);
		usleep(1000);
	}
	puts("looked");
	fflush(stdout);
	ok("lock", vcipc_mutex_lock(m));
	ok("unlock", vcipc_mutex_unlock(m));
}

static const struct call {
	const char *name;
	void (*run)(void);
} calls[] = {
	{ "event_post", event_post },
	{ "event_wait", event_wait },
	{ "event_timedwait", event_timedwait },
	{ "event_broadcast", event_broadcast },
	{ "event_wait_broadcast", event_wait_broadcast },
	{ "sem_post", sem_post_ },
	{ "sem_wait", sem_wait_ },
	{ "sem_timedwait", sem_timedwait_ },
	{ "mq_put", mq_put },
	{ "mq_get", mq_get },
	{ "mq_send", mq_send_ },
	{ "mq_timedsend", mq_timedsend_ },
	{ "mq_receive", mq_receive_ },
	{ "mq_timedreceive", mq_timedreceive_ },
	{ "mq_poll", mq_poll },
	{ "mutex_lock", mutex_lock_ },
	{ "mutex_timedlock", mutex_timedlock_ },
	{ "mutex_sum", mutex_sum },
	{ "mutex_hold", mutex_hold },
	{ "mutex_want", mutex_want },
};

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: ipc-peer CALL NAME N");
	name = argv[2];
	n = (uint32_t)strtoul(argv[3], NULL, 10);
	srand(n);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, argv[1])) {
			calls[i].run();
			puts("done");
			return 0;
		}
	errx(2, "there is no call %s", argv[1]);
}
