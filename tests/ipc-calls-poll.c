// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-poll.c - a queue's descriptor in calls that take any descriptor
 */
#include "ipc-calls.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME "/vcipc-calls-poll"
#define ROOM 2
#define LONG_MSEC 5000

static mqd_t q;
static int epoll;

/* --- readiness, by each call ------------------------------------------------------------- */

static int by_poll(int fd, int msec)
{
	struct pollfd fds[] = { { .fd = -1 }, { .fd = fd, .events = POLLIN | POLLOUT } };

	return poll(fds, 2, msec) < 0 ? -1 : fds[1].revents;
}

static int by_ppoll(int fd, int msec)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
	struct timespec until = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };

	return ppoll(&pfd, 1, &until, NULL) < 0 ? -1 : pfd.revents;
}

static int by_poll_many(int fd, int msec)
{
	static struct pollfd fds[1000];

	for (int i = 0; i < 1000; i++)
		fds[i] = (struct pollfd){ .fd = i == 700 ? fd : -1, .events = POLLIN | POLLOUT };
	return poll(fds, 1000, msec) < 0 ? -1 : fds[700].revents;
}

static int sets_answer(int fd, int r, const fd_set *in, const fd_set *out)
{
	return r < 0 ? -1
		     : (FD_ISSET(fd, in) ? POLLIN : 0) | (FD_ISSET(fd, out) ? POLLOUT : 0) |
			       (r << 8);
}

static int by_select(int fd, int msec)
{
	struct timeval until = { .tv_sec = msec / 1000, .tv_usec = msec % 1000 * 1000 };
	fd_set in, out;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	return sets_answer(fd, select(fd + 1, &in, &out, NULL, &until), &in, &out);
}

static int by_pselect(int fd, int msec)
{
	struct timespec until = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };
	fd_set in, out;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	return sets_answer(fd, pselect(fd + 1, &in, &out, NULL, &until, NULL), &in, &out);
}

static int by_epoll(int fd, int msec)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.u32 = 77 }, got = { 0 };
	int e = epoll_create1(0), r;

	if (epoll_ctl(e, EPOLL_CTL_ADD, fd, &event) < 0)
		return -1;
	r = epoll_wait(e, &got, 1, msec);
	close(e);
	return r < 0 ? -1 : (int)got.events | (r && got.data.u32 != 77 ? 0x10000 : 0);
}

static const struct {
	const char *name;
	int (*ready)(int fd, int msec);
} ways[] = {
	{ "poll", by_poll },     { "ppoll", by_ppoll },     { "poll of many", by_poll_many },
	{ "select", by_select }, { "pselect", by_pselect }, { "epoll", by_epoll },
};

static void each_way(const char *state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		printf("%s, %s: %#x\n", state, ways[i].name, ways[i].ready(q, 0));
}

static void states(void)
{
	char byte;

	each_way("empty");
	SHOW(mq_send(q, "a", 1, 0));
	each_way("one message");
	SHOW(mq_send(q, "b", 1, 0));
	each_way("full");
	SHOW(mq_receive(q, &byte, 1, NULL));
	each_way("not full any more");
	SHOW(mq_receive(q, &byte, 1, NULL));
	each_way("empty again");
}

/* --- sleepers ---------------------------------------------------------------------------- */

static void send_later(void)
{
	ipc_settle();
	mq_send(q, "c", 1, 0);
}

static void receive_later(void)
{
	char byte;

	ipc_settle();
	mq_receive(q, &byte, 1, NULL);
}

static int only(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int r = poll(&pfd, 1, LONG_MSEC);

	return r <= 0 ? r : pfd.revents;
}

static void sleepers(void)
{
	struct epoll_event event = { .events = EPOLLIN }, got = { 0 };
	pid_t pid = ipc_start(send_later);
	char byte;

	VALUE(only(q, POLLIN));
	ipc_reap("sender", pid);
	SHOW(mq_send(q, "d", 1, 0));
	pid = ipc_start(receive_later);
	VALUE(only(q, POLLOUT));
	ipc_reap("receiver", pid);
	SHOW(mq_receive(q, &byte, 1, NULL));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, q, &event));
	pid = ipc_start(send_later);
	VALUE(epoll_wait(epoll, &got, 1, LONG_MSEC));
	VALUE(got.events);
	ipc_reap("sender", pid);
	SHOW(mq_receive(q, &byte, 1, NULL));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	ipc_alarm(100, true);
	SHOW(poll(&(struct pollfd){ .fd = q, .events = POLLIN }, 1, LONG_MSEC));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, q, NULL));
}

/* --- epoll ------------------------------------------------------------------------------- */

static void epolls(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET }, got = { 0 };
	char byte;

	SHOW(epoll_ctl(epoll, EPOLL_CTL_MOD, q, &event));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, q, NULL));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, q, &event));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, q, &event));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	SHOW(mq_send(q, "e", 1, 0));
	VALUE(epoll_wait(epoll, &got, 1, LONG_MSEC));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	SHOW(mq_send(q, "f", 1, 0));
	VALUE(epoll_wait(epoll, &got, 1, LONG_MSEC));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	event.events = EPOLLIN | EPOLLONESHOT;
	SHOW(epoll_ctl(epoll, EPOLL_CTL_MOD, q, &event));
	VALUE(epoll_wait(epoll, &got, 1, LONG_MSEC));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	SHOW(mq_receive(q, &byte, 1, NULL));
	SHOW(mq_receive(q, &byte, 1, NULL));
	event.events = EPOLLIN;
	SHOW(epoll_ctl(epoll, EPOLL_CTL_MOD, q, &event));
	SHOW(epoll_ctl(q, EPOLL_CTL_ADD, q, &event));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, 999, &event));
	VALUE(epoll_wait(epoll, &got, 1, 0));
}

/* --- closing ----------------------------------------------------------------------------- */

static void closings(void)
{
	struct epoll_event event = { .events = EPOLLIN }, got = { 0 };
	mqd_t other = mq_open(NAME, O_RDWR);
	char byte;

	SHOW(mq_send(q, "g", 1, 0));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, q, NULL));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	SHOW(close(other));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	SHOW(mq_send(other, "g", 1, 0));
	other = mq_open(NAME, O_RDWR);
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event));
	SHOW(mq_close(other));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	other = mq_open(NAME, O_RDWR);
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event));
	SHOW(close_range((unsigned)other, (unsigned)other, 0));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	SHOW(mq_receive(other, &byte, 1, NULL));
	other = mq_open(NAME, O_RDWR);
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event));
	SHOW_ID(dup2(STDOUT_FILENO, other));
	VALUE(epoll_wait(epoll, &got, 1, 0));
	SHOW(mq_receive(other, &byte, 1, NULL));
	SHOW(close(other));
	SHOW(mq_receive(q, &byte, 1, NULL));
}

/* --- copies and flags -------------------------------------------------------------------- */

static void copy_of(int copy)
{
	struct mq_attr attr = { 0 };
	char byte;

	SHOW(mq_send(copy, "h", 1, 0));
	SHOW(mq_getattr(copy, &attr));
	VALUE(attr.mq_curmsgs);
	VALUE(only(copy, POLLIN));
	SHOW(mq_receive(q, &byte, 1, NULL));
	SHOW(fcntl(copy, F_SETFL, O_NONBLOCK));
	SHOW(mq_receive(q, &byte, 1, NULL));
	SHOW(fcntl(q, F_SETFL, 0));
	SHOW(mq_close(copy));
	SHOW(mq_close(copy));
}

static void copies(void)
{
	mqd_t read_only = mq_open(NAME, O_RDONLY | O_NONBLOCK), copy;
	struct stat st;
	char byte;

	copy_of(dup(q));
	copy_of(dup2(q, 100));
	copy_of(dup3(q, 101, O_CLOEXEC));
	copy_of(fcntl(q, F_DUPFD, 200));
	copy_of(fcntl(q, F_DUPFD_CLOEXEC, 300));
	copy = dup(q);
	SHOW(close(q));
	SHOW(mq_send(copy, "i", 1, 0));
	q = dup(copy);
	SHOW(close(copy));
	SHOW(mq_receive(q, &byte, 1, NULL));
	SHOW(fcntl(q, F_GETFL));
	SHOW(fcntl(read_only, F_GETFL));
	SHOW(fcntl(read_only, F_GETFD));
	copy = dup(read_only);
	SHOW(fcntl(copy, F_GETFL));
	SHOW(mq_send(copy, "j", 1, 0));
	SHOW(mq_receive(copy, &byte, 1, NULL));
	SHOW(close(copy));
	SHOW(fstat(read_only, &st));
	VALUE(st.st_mode);
	VALUE(st.st_size);
	VALUE(st.st_uid);
	printf("read only, poll: %#x\n", by_poll(read_only, 0));
	SHOW(mq_close(read_only));
}

/* --- descriptors from others ------------------------------------------------------------- */

#define KEPT_FD 60

static int pair[2];

static void pass(int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec bytes = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	sendmsg(pair[0], &message, 0);
}

static int take(void)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec bytes = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(pair[1], &message, 0) == 1)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

static void use_passed(void)
{
	int fd, read_only;
	char byte;

	mq_close(q);
	fd = take();
	read_only = take();
	SHOW(mq_receive(fd, &byte, 1, NULL));
	SHOW(mq_send(fd, "m", 1, 0));
	SHOW(fcntl(fd, F_GETFL));
	printf("passed, poll: %#x\n", by_poll(fd, 0));
	SHOW(mq_send(read_only, "n", 1, 0));
	SHOW(fcntl(read_only, F_GETFL));
	SHOW(mq_receive(read_only, &byte, 1, NULL));
	SHOW(mq_receive(read_only, &byte, 1, NULL));
	SHOW(mq_close(fd));
	SHOW(mq_close(fd));
	SHOW(mq_receive(pair[1], &byte, 1, NULL));
	SHOW(mq_receive(STDOUT_FILENO, &byte, 1, NULL));
}

static void keep(void)
{
	dup2(q, KEPT_FD);
	execl("/proc/self/exe", "ipc-calls", "kept", (char *)NULL);
}

static void others(void)
{
	mqd_t read_only = mq_open(NAME, O_RDONLY | O_NONBLOCK);
	pid_t pid;
	char byte;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	SHOW(mq_send(q, "l", 1, 0));
	pid = ipc_start(use_passed);
	pass(q);
	pass(read_only);
	ipc_reap("passed", pid);
	SHOW(mq_close(read_only));
	SHOW(mq_send(q, "o", 1, 0));
	ipc_reap("kept", ipc_start(keep));
	SHOW(mq_receive(q, &byte, 1, NULL));
	VALUE(byte);
	close(pair[0]);
	close(pair[1]);
}

/* What a program finds that was executed with a queue's descriptor open. */
void calls_kept(void)
{
	char byte = 0;

	SHOW(mq_receive(KEPT_FD, &byte, 1, NULL));
	VALUE(byte);
	SHOW(mq_send(KEPT_FD, "p", 1, 0));
	printf("kept, poll: %#x\n", by_poll(KEPT_FD, 0));
	SHOW(close(KEPT_FD));
	SHOW(mq_send(KEPT_FD, "p", 1, 0));
}

/* As programs do that begin anew, whatever was open. */
static void close_others(void)
{
	struct epoll_event event = { .events = EPOLLIN }, got = { 0 };
	int least = q > epoll ? q : epoll;
	char byte;

	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, q, &event));
	for (int fd = 3; fd < 500; fd++)
		if (fd != q && fd != epoll)
			close(fd);
	SHOW(mq_send(q, "k", 1, 0));
	VALUE(epoll_wait(epoll, &got, 1, LONG_MSEC));
	VALUE(only(q, POLLIN));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, q, NULL));
	SHOW(close_range((unsigned)least + 1, ~0u, 0));
	VALUE(only(q, POLLIN));
	for (int fd = least + 1; fd < least + 10; fd++)
		dup2(STDOUT_FILENO, fd);
	SHOW(mq_receive(q, &byte, 1, NULL));
	each_way("after all were closed");
	closefrom(least + 1);
}

void calls_poll(void)
{
	struct mq_attr attr = { .mq_maxmsg = ROOM, .mq_msgsize = 1 };

	epoll = epoll_create1(EPOLL_CLOEXEC);
	SHOW_ID(q = mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr));
	states();
	sleepers();
	epolls();
	closings();
	copies();
	others();
	close_others();
	SHOW(mq_close(q));
	SHOW(mq_unlink(NAME));
}
