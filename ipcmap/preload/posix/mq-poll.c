// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq-poll.c - poll(), select() and epoll on a queue's descriptor
 *
 * The descriptor is of a file, which is always ready. What is asked of the kernel in its place is
 * one end of a pair of sockets, the queue's bell. It can be read while the queue has a message,
 * and written while the queue has room:
 *
 *	bell[0]   what polls and epoll instances look at
 *	bell[1]   a byte sent here makes bell[0] readable; what bell[0] sends until it is full
 *	          stays here, and bell[0] is not writable
 *
 * The first poll of a queue makes its bell and a thread that follows the queue, which sleeps as any
 * sender or receiver does. Before each poll the bells are set to what their queues are then. A bell
 *is set under the queue's guard: the processes that have it by fork(2) do not set it in turns.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ipcmap/futex.h"
#include "ipcmap/preload/posix/mq.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"

#define BELL_STACK_BYTES (128 * 1024)
#define BELL_BYTES_MOST 64   /* that wait in bell[0]; each was an edge for epoll */
#define BELL_LOOK_USEC 10000 /* where the kernel has no futex_waitv(2) */
#define POLL_STACK_MAX 256

struct mq_bell {
	struct mq_opened *opened; /* in use as long as the thread runs */
	int fds[2];
	uint32_t stop; /* futex of the thread */
	bool followed; /* there is a thread, in this process */
	bool set;
	uint32_t seqs[2]; /* the queue's, when it was set last: readers', writers' */
};

/* Which descriptors are bells', to be looked at without a lock. */
static uint64_t bell_bits[MQ_FDS / 64];

static void bell_mark(int fd, bool is)
{
	uint64_t bit = UINT64_C(1) << ((unsigned int)fd % 64);

	if ((unsigned int)fd >= MQ_FDS)
		return;
	if (is)
		__atomic_or_fetch(&bell_bits[fd / 64], bit, __ATOMIC_RELEASE);
	else
		__atomic_and_fetch(&bell_bits[fd / 64], ~bit, __ATOMIC_RELEASE);
}

bool mq_is_bell(int fd)
{
	return mq_any() && (unsigned int)fd < MQ_FDS &&
	       __atomic_load_n(&bell_bits[fd / 64], __ATOMIC_ACQUIRE) >> (fd % 64) & 1;
}

/* --- setting a bell ---------------------------------------------------------------------- */

static void bell_drain(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/* A byte more is one more edge for who waits for edges. */
static void bell_set_readable(const struct mq_bell *bell, bool readable)
{
	char bytes[BELL_BYTES_MOST];
	int n = 0;

	if (!readable) {
		bell_drain(bell->fds[0]);
		return;
	}
	send(bell->fds[1], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (ioctl(bell->fds[0], FIONREAD, &n) == 0 && n > BELL_BYTES_MOST)
		recv(bell->fds[0], bytes, (size_t)n / 2 < sizeof(bytes) ? (size_t)n / 2 : 1,
		     MSG_DONTWAIT);
}

static void bell_set_writable(const struct mq_bell *bell, bool writable)
{
	if (writable) {
		/* What is sent and taken at once is an edge. */
		send(bell->fds[0], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		bell_drain(bell->fds[1]);
		return;
	}
	while (send(bell->fds[0], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
}

/* Whenever the queue has changed, and not else: each time is an edge. */
static void bell_set(void *arg, const struct msgq_watch *watch)
{
	struct mq_bell *bell = arg;

	if (bell->set && !memcmp(bell->seqs, watch->seqs, sizeof(bell->seqs)))
		return;
	bell_set_readable(bell, watch->readable);
	bell_set_writable(bell, watch->writable);
	memcpy(bell->seqs, watch->seqs, sizeof(bell->seqs));
	bell->set = true;
}

/* --- the thread -------------------------------------------------------------------------- */

/* Until a receiver's or sender's word changes, or the bell is to end. */
static void bell_sleep(struct mq_opened *opened, struct mq_bell *bell, const uint32_t seqs[2])
{
	struct futex_waitv words[] = {
		{ .uaddr = (uintptr_t)&opened->q.head->readers_seq, .val = seqs[0] },
		{ .uaddr = (uintptr_t)&opened->q.head->writers_seq, .val = seqs[1] },
		{ .uaddr = (uintptr_t)&bell->stop },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i].flags = FUTEX_32;
	if (syscall(SYS_futex_waitv, words, ARRAY_SIZE(words), 0, NULL, CLOCK_MONOTONIC) < 0 &&
	    (errno == ENOSYS || errno == EPERM))
		futex_wait(&opened->q.head->readers_seq, seqs[0],
			   clock_mono_usec() + BELL_LOOK_USEC);
}

static void *bell_follow(void *arg)
{
	struct mq_bell *bell = arg;
	struct mq_opened *opened = bell->opened;
	uint32_t seqs[2];

	for (;;) {
		preload_lock();
		if (bell->stop)
			break;
		msgq_watch(&opened->q, bell_set, bell);
		memcpy(seqs, bell->seqs, sizeof(seqs));
		preload_unlock();
		bell_sleep(opened, bell, seqs);
	}
	preload_unlock();
	free(bell);
	mq_put(opened);
	return NULL;
}

static int bell_start(struct mq_opened *opened)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	/* It inherits the section's mask: all signals are blocked in it. */
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, BELL_STACK_BYTES);
	r = pthread_create(&thread, &attr, bell_follow, opened->bell);
	pthread_attr_destroy(&attr);
	if (r == 0) {
		opened->uses++;
		opened->bell->followed = true;
	}
	return -r;
}

/* Under the lock, in a section. The bell's descriptor, or -errno. */
static int bell_of(struct mq_opened *opened)
{
	int smallest = 1, r = 0;

	if (!opened->bell) {
		struct mq_bell *bell = calloc(1, sizeof(*bell));

		if (!bell)
			return -ENOMEM;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, bell->fds) < 0) {
			free(bell);
			return -errno;
		}
		setsockopt(bell->fds[0], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest));
		bell_mark(bell->fds[0], true);
		bell_mark(bell->fds[1], true);
		bell->opened = opened;
		opened->bell = bell;
	}
	if (!opened->bell->followed)
		r = bell_start(opened);
	if (r == 0)
		r = msgq_watch(&opened->q, bell_set, opened->bell);
	return r < 0 ? r : opened->bell->fds[0];
}

void mq_bell_end(struct mq_opened *opened)
{
	struct mq_bell *bell = opened->bell;

	if (!bell)
		return;
	for (int i = 0; i < 2; i++) {
		bell_mark(bell->fds[i], false);
		if (bell->fds[i] >= 0)
			REAL(close)(bell->fds[i]);
	}
	/* The thread frees it. */
	opened->bell = NULL;
	if (!bell->followed) {
		free(bell);
		return;
	}
	__atomic_store_n(&bell->stop, 1, __ATOMIC_SEQ_CST);
	futex_wake(&bell->stop, 1);
}

static int bell_lost; /* the number; preload_lock */

static void bell_lose(struct mq_opened *opened)
{
	for (int i = 0; opened->bell && i < 2; i++)
		if (opened->bell->fds[i] == bell_lost) {
			bell_mark(bell_lost, false);
			opened->bell->fds[i] = -1;
			mq_bell_end(opened);
		}
}

void mq_bell_lost(int fd)
{
	struct section section;

	section_begin(&section);
	preload_lock();
	bell_lost = fd;
	/* A guest has descriptors of its own. */
	if (!preload_is_guest())
		mq_each(bell_lose);
	preload_unlock();
	section_end(&section);
}

void mq_bell_forked(struct mq_opened *opened)
{
	if (!opened->bell || !opened->bell->followed)
		return;
	opened->bell->followed = false;
	opened->uses--;
}

/* What to ask the kernel about in place of the descriptor: its bell, or itself. */
static int bell_fd(int fd)
{
	struct mq_opened *opened;
	struct section section;
	int r = fd;

	if (!mq_is_queue(fd))
		return fd;
	section_begin(&section);
	if (mq_get(fd, &opened) == 0) {
		preload_lock();
		r = bell_of(opened);
		preload_unlock();
		mq_put(opened);
	}
	section_end(&section);
	return r < 0 ? fd : r;
}

static void bell_look(struct mq_opened *opened)
{
	if (opened->bell)
		bell_of(opened);
}

static void bells_look(void)
{
	struct section section;

	if (!mq_any())
		return;
	section_begin(&section);
	preload_lock();
	mq_each(bell_look);
	preload_unlock();
	section_end(&section);
}

/* --- epoll ------------------------------------------------------------------------------- */

INTERPOSE int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	return REAL(epoll_ctl)(epoll_fd, op, bell_fd(fd), event);
}

INTERPOSE int epoll_wait(int fd, struct epoll_event *events, int n, int msec)
{
	bells_look();
	return REAL(epoll_wait)(fd, events, n, msec);
}

INTERPOSE int epoll_pwait(int fd, struct epoll_event *events, int n, int msec, const sigset_t *mask)
{
	bells_look();
	return REAL(epoll_pwait)(fd, events, n, msec, mask);
}

INTERPOSE int epoll_pwait2(int fd, struct epoll_event *events, int n,
			   const struct timespec *timeout, const sigset_t *mask)
{
	bells_look();
	return REAL(epoll_pwait2)(fd, events, n, timeout, mask);
}

/* --- poll -------------------------------------------------------------------------------- */

static bool poll_has_queue(const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; mq_any() && fds && i < n; i++)
		if (mq_is_queue(fds[i].fd))
			return true;
	return false;
}

/* A poll() with its own arguments. */
typedef int (*poll_fn)(struct pollfd *fds, nfds_t n, const void *arg);

/* Polls the bells of queues. A handler may leave by longjmp(), which leaks what was allocated. */
static int poll_bells(struct pollfd *fds, nfds_t n, poll_fn poll_by, const void *arg)
{
	struct pollfd small[POLL_STACK_MAX];
	_cleanup_free_ struct pollfd *large = n > POLL_STACK_MAX ? calloc(n, sizeof(*fds)) : NULL;
	struct pollfd *bells = large ? large : small;
	int r;

	if (n > POLL_STACK_MAX && !large)
		return preload_result(-ENOMEM);
	for (nfds_t i = 0; i < n; i++) {
		bells[i] = fds[i];
		bells[i].fd = bell_fd(fds[i].fd);
	}
	r = poll_by(bells, n, arg);
	for (nfds_t i = 0; r >= 0 && i < n; i++)
		fds[i].revents = bells[i].revents;
	return r;
}

static int poll_msec(struct pollfd *fds, nfds_t n, const void *arg)
{
	return REAL(poll)(fds, n, *(const int *)arg);
}

struct poll_mask {
	const struct timespec *timeout;
	const sigset_t *mask;
};

static int poll_masked(struct pollfd *fds, nfds_t n, const void *arg)
{
	const struct poll_mask *mask = arg;

	return REAL(ppoll)(fds, n, mask->timeout, mask->mask);
}

/* By other names than the header's, which says that they only write what fds points to. */
INTERPOSE int poll_any(struct pollfd *fds, nfds_t n, int msec) __asm__("poll");
INTERPOSE int ppoll_any(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
			const sigset_t *mask) __asm__("ppoll");

INTERPOSE int poll_any(struct pollfd *fds, nfds_t n, int msec)
{
	return poll_has_queue(fds, n) ? poll_bells(fds, n, poll_msec, &msec)
				      : REAL(poll)(fds, n, msec);
}

INTERPOSE int ppoll_any(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
			const sigset_t *mask)
{
	const struct poll_mask arg = { .timeout = timeout, .mask = mask };

	return poll_has_queue(fds, n) ? poll_bells(fds, n, poll_masked, &arg)
				      : REAL(ppoll)(fds, n, timeout, mask);
}

/* Their forms of _FORTIFY_SOURCE, which have checked the arrays' sizes. */
INTERPOSE int __poll_chk(struct pollfd *fds, nfds_t n, int msec, size_t size)
{
	return poll_has_queue(fds, n) && n <= size / sizeof(*fds)
		       ? poll_any(fds, n, msec)
		       : REAL(__poll_chk)(fds, n, msec, size);
}

INTERPOSE int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
			  const sigset_t *mask, size_t size)
{
	return poll_has_queue(fds, n) && n <= size / sizeof(*fds)
		       ? ppoll_any(fds, n, timeout, mask)
		       : REAL(__ppoll_chk)(fds, n, timeout, mask, size);
}

/* --- select ------------------------------------------------------------------------------ */

#define SELECT_SETS 3

struct select {
	fd_set *sets[SELECT_SETS]; /* the caller's */
	fd_set asked[SELECT_SETS]; /* with bells for queues */
	short bells[FD_SETSIZE];   /* of a descriptor that is a queue's; -1 */
	int n;
};

static bool select_has_queue(int n, fd_set *const sets[SELECT_SETS])
{
	for (int fd = 0; mq_any() && fd < n && n <= FD_SETSIZE; fd++)
		for (int i = 0; mq_is_queue(fd) && i < SELECT_SETS; i++)
			if (sets[i] && FD_ISSET(fd, sets[i]))
				return true;
	return false;
}

static void select_put(struct select *select, int i, int fd)
{
	int bell = bell_fd(fd);

	if (bell >= FD_SETSIZE)
		bell = fd;
	if (bell != fd) {
		FD_CLR(fd, &select->asked[i]);
		FD_SET(bell, &select->asked[i]);
		select->bells[fd] = (short)bell;
	}
	if (bell >= select->n)
		select->n = bell + 1;
}

static void select_ask(struct select *select, int n)
{
	select->n = n;
	memset(select->bells, -1, sizeof(select->bells));
	for (int i = 0; i < SELECT_SETS; i++) {
		FD_ZERO(&select->asked[i]);
		for (int fd = 0; select->sets[i] && fd < n; fd++) {
			if (!FD_ISSET(fd, select->sets[i]))
				continue;
			FD_SET(fd, &select->asked[i]);
			if (mq_is_queue(fd))
				select_put(select, i, fd);
		}
	}
}

static fd_set *select_set(struct select *select, int i)
{
	return select->sets[i] ? &select->asked[i] : NULL;
}

static void select_answer(const struct select *select, int n)
{
	for (int i = 0; i < SELECT_SETS; i++)
		for (int fd = 0; select->sets[i] && fd < n; fd++) {
			int at = select->bells[fd] >= 0 ? select->bells[fd] : fd;

			if (FD_ISSET(fd, select->sets[i]) && !FD_ISSET(at, &select->asked[i]))
				FD_CLR(fd, select->sets[i]);
		}
}

INTERPOSE int select(int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
	struct select ask = { .sets = { in, out, except } };
	int r;

	if (!select_has_queue(n, ask.sets))
		return REAL(select)(n, in, out, except, timeout);
	select_ask(&ask, n);
	r = REAL(select)(ask.n, select_set(&ask, 0), select_set(&ask, 1), select_set(&ask, 2),
			 timeout);
	if (r >= 0)
		select_answer(&ask, n);
	return r;
}

INTERPOSE int pselect(int n, fd_set *in, fd_set *out, fd_set *except,
		      const struct timespec *timeout, const sigset_t *mask)
{
	struct select ask = { .sets = { in, out, except } };
	int r;

	if (!select_has_queue(n, ask.sets))
		return REAL(pselect)(n, in, out, except, timeout, mask);
	select_ask(&ask, n);
	r = REAL(pselect)(ask.n, select_set(&ask, 0), select_set(&ask, 1), select_set(&ask, 2),
			  timeout, mask);
	if (r >= 0)
		select_answer(&ask, n);
	return r;
}
