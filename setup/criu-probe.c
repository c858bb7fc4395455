/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * criu-probe - the process that setup/criu.sh dumps and restores, and its questioner
 *
 * Whether a criu works on the running kernel is only known after it has moved something. This is
 * the smallest something with the parts that broke in the past: a session of its own, a thread, an
 * armed timer and a listening TCP socket (criu before 4.2 fails on every inet socket of a 6.18
 * kernel). The same binary asks it, so that the test needs neither nc nor a free port.
 *
 *   victim PORTFILE         listen on 127.0.0.1, write "PORT PID" to PORTFILE, loop until killed
 *   ask PORTFILE            print "PID TICKS" as the victim answers them
 *   ask PORTFILE PID TICKS  demand the same pid and a later tick: memory carried, thread running
 *   rpc CRIU                start "CRIU swrk FD" and demand an answer to a version request
 *
 * Exit 0, or 1 with one line on stderr. A forgotten victim ends by itself after LIFE_SEC.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIFE_SEC 120
#define TICK_MSEC 2
#define ANSWER_MSEC 5000

static struct {
	pthread_mutex_t lock;
	pthread_cond_t ticked;
	unsigned long ticks;
} clock_state = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static int fail(const char *what)
{
	fprintf(stderr, "criu-probe: %s: %s\n", what, strerror(errno));
	return 1;
}

static void sleep_msec(long msec)
{
	struct timespec t = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void *tick(void *unused)
{
	for (;;) {
		sleep_msec(TICK_MSEC);
		pthread_mutex_lock(&clock_state.lock);
		clock_state.ticks++;
		pthread_cond_broadcast(&clock_state.ticked);
		pthread_mutex_unlock(&clock_state.lock);
	}
	return unused;
}

/* Answering only after one more tick proves the thread alive, not just the socket. */
static unsigned long next_tick(void)
{
	unsigned long now;

	pthread_mutex_lock(&clock_state.lock);
	now = clock_state.ticks;
	while (clock_state.ticks == now)
		pthread_cond_wait(&clock_state.ticked, &clock_state.lock);
	now = clock_state.ticks;
	pthread_mutex_unlock(&clock_state.lock);
	return now;
}

/* The file appears complete or not at all: readers wait for it to exist. */
static int write_port(const char *path, unsigned int port)
{
	char temp[4096];
	FILE *file;

	if ((size_t)snprintf(temp, sizeof(temp), "%s.new", path) >= sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	file = fopen(temp, "we");
	if (!file)
		return -1;
	fprintf(file, "%u %ld\n", port, (long)getpid());
	if (fclose(file))
		return -1;
	return rename(temp, path);
}

static int victim(const char *portfile)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	pthread_t thread;
	int listener, null;

	/* What the caller's terminal, log or lock has open would be dumped with us. */
	for (long fd = sysconf(_SC_OPEN_MAX) < 1024 ? sysconf(_SC_OPEN_MAX) : 1024; fd > 2; fd--)
		close((int)fd);
	if (setsid() < 0)
		return fail("become a session leader");
	alarm(LIFE_SEC);
	if (chdir("/"))
		return fail("chdir /");

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, 4) || getsockname(listener, (struct sockaddr *)&addr, &len))
		return fail("listen on 127.0.0.1");
	errno = pthread_create(&thread, NULL, tick, NULL);
	if (errno)
		return fail("start a thread");
	if (write_port(portfile, ntohs(addr.sin_port)))
		return fail(portfile);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return fail("/dev/null");
	close(null);

	for (;;) {
		char order, answer[64];
		int size, peer = accept(listener, NULL, NULL);

		if (peer < 0) {
			if (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN)
				continue;
			return 1;
		}
		if (recv(peer, &order, 1, 0) == 1) {
			size = snprintf(answer, sizeof(answer), "%ld %lu\n", (long)getpid(),
					next_tick());
			(void)!send(peer, answer, (size_t)size, MSG_NOSIGNAL);
			/* Who asks is to end first, however slow: see ask(). */
			(void)!recv(peer, &order, 1, 0);
		}
		close(peer);
	}
}

/* Waits for PORTFILE, so that the caller can start the victim and ask at once. */
static int reach(const char *portfile)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = ANSWER_MSEC / 1000 };
	unsigned int port = 0;
	int sock;

	for (int waited = 0; !port; waited += TICK_MSEC) {
		FILE *file = fopen(portfile, "re");

		if (file) {
			if (fscanf(file, "%u", &port) != 1)
				port = 0;
			fclose(file);
		} else if (waited >= ANSWER_MSEC) {
			errno = ETIMEDOUT;
			return -1;
		} else {
			sleep_msec(TICK_MSEC);
		}
	}
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons((in_port_t)port);
	sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -1;
	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(sock, (struct sockaddr *)&addr, sizeof(addr))) {
		int saved = errno;

		close(sock);
		errno = saved;
		return -1;
	}
	return sock;
}

static int ask(const char *portfile, const char *want_pid, const char *after_tick)
{
	int sock = reach(portfile);
	char answer[64];
	unsigned long ticks;
	ssize_t size;
	long pid;

	/* Our FIN goes first and its answer's end is awaited: no connection of the victim is left
	 * when it is dumped next, and no TIME_WAIT holds its port when it is restored. */
	if (sock < 0 || send(sock, "?", 1, MSG_NOSIGNAL) != 1 || shutdown(sock, SHUT_WR))
		return fail("reach the victim");
	size = recv(sock, answer, sizeof(answer) - 1, MSG_WAITALL);
	if (size < 0)
		return fail("no answer from the victim");
	close(sock);
	answer[size] = '\0';
	if (sscanf(answer, "%ld %lu", &pid, &ticks) != 2) {
		fprintf(stderr, "criu-probe: the victim closed the connection without an answer\n");
		return 1;
	}
	if (want_pid && after_tick) {
		if (pid != atol(want_pid)) {
			fprintf(stderr, "criu-probe: pid is %ld, was %s\n", pid, want_pid);
			return 1;
		}
		if (ticks <= strtoul(after_tick, NULL, 10)) {
			fprintf(stderr, "criu-probe: tick %lu does not follow tick %s\n", ticks,
				after_tick);
			return 1;
		}
	}
	printf("%ld %lu\n", pid, ticks);
	return 0;
}

/* rpc.proto by hand, so that the test needs no protobuf: the request is criu_req { type = 1 }, the
 * answer begins criu_resp { type = 1, success = 2 }. */
enum { REQ_VERSION = 10, FIELD_TYPE = 1 << 3, FIELD_SUCCESS = 2 << 3 };

static int rpc(const char *criu)
{
	static const unsigned char request[] = { FIELD_TYPE, REQ_VERSION };
	unsigned char reply[512];
	char fd_text[16];
	int pair[2], status, ready;
	ssize_t size = 0;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return fail("socketpair");
	child = fork();
	if (child < 0)
		return fail("fork");
	if (child == 0) {
		fcntl(pair[1], F_SETFD, 0);
		snprintf(fd_text, sizeof(fd_text), "%d", pair[1]);
		execl(criu, criu, "swrk", fd_text, (char *)NULL);
		_exit(fail(criu));
	}
	close(pair[1]);
	if (send(pair[0], request, sizeof(request), MSG_NOSIGNAL) == (ssize_t)sizeof(request)) {
		struct pollfd wait_for = { .fd = pair[0], .events = POLLIN };

		ready = poll(&wait_for, 1, ANSWER_MSEC);
		size = ready == 1 ? recv(pair[0], reply, sizeof(reply), 0) : 0;
	}
	close(pair[0]); /* swrk ends at the end of its socket, a stuck one by force */
	if (size <= 0)
		kill(child, SIGKILL);
	waitpid(child, &status, 0);
	if (size < 4 || reply[0] != FIELD_TYPE || reply[1] != REQ_VERSION ||
	    reply[2] != FIELD_SUCCESS || reply[3] != 1) {
		fprintf(stderr, "criu-probe: %s swrk: no valid answer to a version request\n",
			criu);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "victim"))
		return victim(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "ask"))
		return ask(argv[2], NULL, NULL);
	if (argc == 5 && !strcmp(argv[1], "ask"))
		return ask(argv[2], argv[3], argv[4]);
	if (argc == 3 && !strcmp(argv[1], "rpc"))
		return rpc(argv[2]);
	fprintf(stderr,
		"usage: criu-probe victim|ask PORTFILE | ask PORTFILE PID TICKS | rpc CRIU\n");
	return 2;
}
