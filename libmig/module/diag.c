// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * diag.c - a dump without a list of all sockets
 *
 * CRIU lists every socket of the network namespace while the job is frozen, to find the job's
 * sockets in the list. For each list of TCP sockets the kernel walks its whole hash table: 3 ms on
 * a machine with 24 GiB, also if the job has no socket.
 *
 * The mover keeps a job's sockets, and CRIU does not see that they are sockets (keep.c). It needs
 * only packet sockets. So the other requests are changed to ask for sockets in no state, and the
 * kernel answers at once with an empty list.
 */
#include "libmig/module/diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libmig/module/slot.h"

union diag_body {
	struct sock_diag_req any;
	struct inet_diag_req_v2 inet;
	struct unix_diag_req local;
};

struct diag_request {
	struct nlmsghdr header;
	union diag_body body;
};

/* Changes a request. Returns false for other kinds of requests. */
static bool diag_empty(struct diag_request *request)
{
	if (request->header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	switch (request->body.any.sdiag_family) {
	case AF_INET:
	case AF_INET6:
		/* For UDP the kernel would walk its table in spite of the states. */
		request->body.inet.sdiag_protocol = IPPROTO_TCP;
		request->body.inet.idiag_states = 0;
		return true;
	case AF_UNIX:
		request->body.local.udiag_states = 0;
		return true;
	default:
		return false;
	}
}

/* Replaces sendmsg(2). */
static ssize_t diag_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct msghdr changed = *message;
	struct diag_request request;
	struct sockaddr_nl name;
	socklen_t len = sizeof(name);
	struct iovec iov;

	if (message->msg_iovlen != 1 || message->msg_iov[0].iov_len < sizeof(request) ||
	    getsockname(fd, (struct sockaddr *)&name, &len) < 0 || name.nl_family != AF_NETLINK)
		return sendmsg(fd, message, flags);
	memcpy(&request, message->msg_iov[0].iov_base, sizeof(request));
	if (!diag_empty(&request))
		return sendmsg(fd, message, flags);
	request.header.nlmsg_len = sizeof(request);
	iov = (struct iovec){ .iov_base = &request, .iov_len = sizeof(request) };
	changed.msg_iov = &iov;
	return sendmsg(fd, &changed, flags);
}

void diag_list_no_sockets(void)
{
	slot_replace("sendmsg", (slot_function *)diag_sendmsg);
}
