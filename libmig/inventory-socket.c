// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-socket.c - the sockets of a tree: those that CRIU does not get its dump past
 *
 * All others are kept as they are, connections and queues included, whoever is at the
 * other end.
 */
#include "libmig/inventory-priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "libmig/refusal.h"

static bool socket_is_dumped(int protocol, int type)
{
	return type == SOCK_RAW || protocol == IPPROTO_IP || protocol == IPPROTO_TCP ||
	       protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

int inventory_scan_socket(struct inventory_scan *scan, struct inventory_proc *proc, int fd)
{
	_cleanup_close_ int dup = inventory_dup_fd(proc->pid, fd);
	int family = 0, protocol = 0, type = 0;
	socklen_t len = sizeof(int);
	char text[48];

	if (dup == -ESRCH || dup == -EBADF)
		return 0;
	if (dup < 0)
		return err_sys(scan->err, -dup,
			       "cannot duplicate fd %d of pid %d (this needs CAP_SYS_PTRACE)", fd,
			       proc->pid);
	getsockopt(dup, SOL_SOCKET, SO_DOMAIN, &family, &len);
	getsockopt(dup, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	getsockopt(dup, SOL_SOCKET, SO_TYPE, &type, &len);
	switch (family) {
	case AF_UNIX:
	case AF_PACKET:
	case AF_NETLINK:
		return 0;
	case AF_INET:
	case AF_INET6:
		if (socket_is_dumped(protocol, type))
			return 0;
		snprintf(text, sizeof(text), "protocol %d", protocol);
		return inventory_refuse_fd(scan, proc, fd, text, refusal_get(REFUSAL_PROTOCOL));
	default:
		snprintf(text, sizeof(text), "%sfamily %d", family == AF_VSOCK ? "vsock, " : "",
			 family);
		return inventory_refuse_fd(scan, proc, fd, text, refusal_get(REFUSAL_FAMILY));
	}
}
