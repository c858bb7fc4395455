// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * diag.c - a dump without a list of all sockets
 *
 * CRIU lists every socket of the network namespace while the job stands still, and looks up the
 * job's sockets in that list. The kernel walks its whole hash table for each list of TCP sockets:
 * 3 ms on a machine with 24 GiB, whether the job has a socket or not.
 *
 * A job keeps its sockets, and CRIU does not see that they are sockets (keep.c). Only packet
 * sockets are looked up. So the other requests ask for sockets in no state. The kernel answers such
 * a request at once, with an empty list.
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

/* false: it is another kind of request. */
static bool diag_empty(struct diag_request *request)
{
	if (request->header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	switch (request->body.any.sdiag_family) {
	case AF_INET:
	case AF_INET6:
		/* The states do not shorten the walk over the table of UDP sockets. */
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

/* In place of sendmsg(2). */
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
