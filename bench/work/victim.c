// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * victim.c - programs that notice when they are disturbed
 *
 * ping: each millisecond a timer is due, a request goes to another process over a socket
 * and comes back. Its latency counts from the moment when the timer was due, so a
 * late wake-up is in it, and a slow answer does not hide the ones after it. compute: a
 * fixed amount of work on 256 KiB, which fit the L2 cache when they are left alone.
 */
#include "bench/work/work.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PING_BYTES 64
#define PING_PERIOD_NSEC 1000000u
#define COMPUTE_WORDS (256u * 1024 / sizeof(uint64_t))
#define COMPUTE_STEPS 20000

struct ping {
	int fd;
	pid_t echo;
	uint64_t due_nsec;
};

static void ping_echo(int fd)
{
	char text[PING_BYTES];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (recv(fd, text, sizeof(text), 0) == sizeof(text))
		if (send(fd, text, sizeof(text), MSG_NOSIGNAL) != sizeof(text))
			break;
	_exit(0);
}

static int ping_enter(struct worker *worker)
{
	struct ping *ping = calloc(1, sizeof(*ping));
	int pair[2];

	if (!ping)
		return -ENOMEM;
	worker->own = ping;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ping->fd = pair[0];
	ping->echo = fork();
	if (ping->echo < 0)
		return -errno;
	if (ping->echo == 0) {
		close(pair[0]);
		ping_echo(pair[1]);
	}
	close(pair[1]);
	return 0;
}

static uint64_t ping_once(struct worker *worker)
{
	struct ping *ping = worker->own;
	uint64_t now = work_now_nsec(), took;
	char text[PING_BYTES] = "ping";
	struct timespec due;

	/* The first one, or after a pause: beats that were left out are not made up for. */
	if (ping->due_nsec + UINT64_C(1000) * PING_PERIOD_NSEC < now)
		ping->due_nsec = now;
	ping->due_nsec += PING_PERIOD_NSEC;
	due = (struct timespec){ .tv_sec = (time_t)(ping->due_nsec / 1000000000u),
				 .tv_nsec = (long)(ping->due_nsec % 1000000000u) };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	if (send(ping->fd, text, sizeof(text), MSG_NOSIGNAL) != sizeof(text) ||
	    recv(ping->fd, text, sizeof(text), 0) != sizeof(text))
		work_die("ping", errno);
	took = work_now_nsec() - ping->due_nsec;
	return took ? took : 1;
}

static void ping_leave(struct worker *worker)
{
	struct ping *ping = worker->own;

	close(ping->fd);
	waitpid(ping->echo, NULL, 0);
	free(ping);
}

WORK(ping, .enter = ping_enter, .once = ping_once, .leave = ping_leave);

static int compute_enter(struct worker *worker)
{
	uint64_t *words = aligned_alloc(4096, COMPUTE_WORDS * sizeof(*words));

	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < COMPUTE_WORDS; i++)
		words[i] = work_random(worker);
	worker->own = words;
	return 0;
}

static uint64_t compute_once(struct worker *worker)
{
	uint64_t *words = worker->own, at = 0;

	/* Each step needs the last one's result: nothing to be done ahead. */
	for (int i = 0; i < COMPUTE_STEPS; i++) {
		at = (at * UINT64_C(0x5851f42d4c957f2d) + words[at % COMPUTE_WORDS]) >> 7;
		words[at % COMPUTE_WORDS] += at;
	}
	return 0;
}

static void compute_leave(struct worker *worker)
{
	free(worker->own);
}

WORK(compute, .enter = compute_enter, .once = compute_once, .leave = compute_leave);
