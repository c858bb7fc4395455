// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * net.c - where nobody finds the sockets of a restore
 *
 * Restored processes hand each other descriptors over datagram sockets with abstract names, which
 * everybody can read in /proc/net/unix. A message from another user would be taken for one of
 * theirs: the restore fails, and fails again for as long as he goes on.
 *
 * Abstract names belong to a network namespace. So these sockets are made in one that nobody else
 * is in. criu has it open, and its processes, in which criu closes all descriptors, fetch it there.
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

/* The way back: to where criu is. criu itself, of which some versions make such a socket too, would
 * by that stay where it has just gone, and all that it restores after that with it. */
static int net_way_back(int criu)
{
	return getpid() == net_criu ? open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : dup(criu);
}

/* In place of socket(2). */
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
