// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * net.c - hides the sockets of a restore from other users
 *
 * Restored processes hand each other descriptors over datagram sockets with abstract names, which
 * every user can read in /proc/net/unix. A message from another user would make the restore fail,
 * as often as the user sends one.
 *
 * Abstract names belong to a network namespace. So these sockets are created in a namespace that no
 * other process is in. criu has a descriptor of it, and its processes, in which criu closes all
 * descriptors, fetch it from criu.
 */
#include "libmig/module/net.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/criu/hold-wire.h"
#include "libmig/module/slot.h"

#define NET_TYPE_MASK 0xf /* without SOCK_NONBLOCK and SOCK_CLOEXEC */

static pid_t net_criu;

/* Returns a descriptor of the namespace to return to: criu's. Some versions of criu create such a
 * socket themselves, and there a pidfd would name the namespace that was just entered. */
static int net_way_back(int criu)
{
	return getpid() == net_criu ? open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : dup(criu);
}

/* Replaces socket(2). */
static int net_socket(int domain, int type, int protocol)
{
	_cleanup_close_ int criu = -1, hidden = -1, back = -1;
	int sock, code;

	if (domain != AF_UNIX || (type & NET_TYPE_MASK) != SOCK_DGRAM)
		return socket(domain, type, protocol);
	criu = (int)syscall(SYS_pidfd_open, net_criu, 0);
	hidden = criu < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, criu, HOLD_NET_FD, 0);
	back = criu < 0 ? -1 : net_way_back(criu);
	if (hidden < 0 || back < 0 || setns(hidden, CLONE_NEWNET) < 0)
		return -1;
	sock = socket(domain, type, protocol);
	code = errno;
	/* A process that cannot go back must not be restored. */
	if (setns(back, CLONE_NEWNET) < 0)
		_exit(1);
	errno = code;
	return sock;
}

void net_hide_sockets(void)
{
	net_criu = getpid();
	slot_replace("socket", (slot_function *)net_socket);
}
