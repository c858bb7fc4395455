// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * peer.c - criu accepts connections only from processes that it traces
 *
 * The code that criu puts into each frozen process connects to criu by an abstract socket. Every
 * user can read its name in /proc/net/unix, and it listens for the whole dump. A process that
 * connects before that code would be taken for it, and could keep another user's job frozen for
 * ever.
 *
 * So connections of other processes are closed: when criu accepts, and before that while it waits
 * on a futex for the code. Otherwise they could fill the queue.
 */
#include "libmig/module/peer.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/module/slot.h"

#define PEER_SLICE_NSEC 2000000

static int peer_listening = -1, peer_let_in = -1;

static bool peer_is_traced(int sock)
{
	_cleanup_free_ char *status = NULL;
	socklen_t size = sizeof(struct ucred);
	struct ucred peer;
	uint64_t tracer;

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       proc_status(peer.pid, &status) == 0 &&
	       proc_number(status, "TracerPid", 10, &tracer) && tracer == (uint64_t)getpid();
}

static void peer_turn_away(void)
{
	struct pollfd pfd = { .fd = peer_listening, .events = POLLIN };

	while (peer_let_in < 0 && poll(&pfd, 1, 0) > 0) {
		int fd = accept(peer_listening, NULL, NULL);

		if (fd < 0)
			return;
		if (peer_is_traced(fd))
			peer_let_in = fd;
		else
			close(fd);
	}
}

static int peer_accept(int sock, struct sockaddr *address, socklen_t *size)
{
	int fd = peer_let_in;

	if (sock == peer_listening && fd >= 0) {
		peer_let_in = -1;
		return fd;
	}
	for (;;) {
		fd = accept(sock, address, size);
		if (fd < 0 || peer_is_traced(fd))
			return fd;
		close(fd);
	}
}

static int peer_listen(int sock, int backlog)
{
	int r = listen(sock, SOMAXCONN);

	(void)backlog;
	if (r == 0)
		peer_listening = sock;
	return r;
}

bool peer_wait(long number, const long args[6], long *ret)
{
	struct timespec slice = { .tv_nsec = PEER_SLICE_NSEC };

	if (number != SYS_futex || (args[1] & FUTEX_CMD_MASK) != FUTEX_WAIT || peer_listening < 0)
		return false;
	peer_turn_away();
	*ret = syscall(SYS_futex, args[0], args[1], args[2], &slice, NULL, 0);
	/* A caller with a timeout checks its condition and waits again. To others the call
	 * returns as if they were woken. */
	if (*ret < 0 && errno == ETIMEDOUT && !args[3])
		*ret = 0;
	return true;
}

void peer_accept_traced(void)
{
	slot_replace("accept", (slot_function *)peer_accept);
	slot_replace("listen", (slot_function *)peer_listen);
}
