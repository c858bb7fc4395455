// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inventory-socket.c - the sockets of a tree, and who is at their other ends
 *
 * CRIU makes network sockets anew, and pairs of unix sockets within the tree.
 * A unix socket whose peer is outside it cannot make: such a socket is restored
 * from our own duplicate, the very same kernel object, so that the peer notices
 * nothing and queued bytes stay where they are. The traps:
 *
 *   - A socket connected to one that is inherited must be inherited too: CRIU
 *     would wait for ever for the other to be bound or paired. And it would wait
 *     for ever to fill an inherited datagram socket's queue, unless one in the
 *     tree is connected to it. Datagram sockets it can connect anew, by name.
 *   - CRIU unlinks the path of every socket that has one before it restores,
 *     and binds again only those that it makes itself. A connection accepted
 *     from a listening socket carries that one's path. So what is to be inherited
 *     must have no path, or the path's owner would lose it.
 *   - A connection that waits in a listening socket's queue is dropped, or makes
 *     the dump fail. It waits for a moment only, so the move is refused for now.
 */
#include "libmig/inventory-priv.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/cleanup.h"

#define RCV_AND_SEND_SHUTDOWN 3

/* One unix socket of this network namespace, as the kernel tells it. */
struct unix_peer {
	uint32_t ino, peer;
	uint32_t vfs_ino, vfs_dev; /* of a socket with a path */
	uint8_t type, state, shutdown;
	bool has_name, has_path;         /* a name without a path is abstract */
	size_t first_waiting, n_waiting; /* LISTEN: in unix_table.waiting */
	struct inventory_end *end;       /* one descriptor of it in the tree; NULL: none */
	bool given;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
};

struct unix_table {
	struct unix_peer *all; /* sorted by ino */
	size_t n, size;
	uint32_t *waiting; /* inodes of connections not yet accepted */
	size_t n_waiting;
};

/* The local port of a socket; 0: none. */
static uint16_t tcp_port(int sock)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = { 0 };
	socklen_t len = sizeof(name);

	if (getsockname(sock, (struct sockaddr *)&name.any, &len) < 0)
		return 0;
	return ntohs(name.any.ss_family == AF_INET ? name.v4.sin_port : name.v6.sin6_port);
}

static size_t inventory_find_port(const struct inventory *inv, uint16_t port)
{
	size_t low = 0, high = inv->n_tcp_ports;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (inv->tcp_ports[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int inventory_note_port(struct inventory_scan *scan, uint16_t port)
{
	struct inventory *inv = scan->inv;
	size_t at = inventory_find_port(inv, port);

	if (port == 0 || (at < inv->n_tcp_ports && inv->tcp_ports[at] == port))
		return 0;
	/* Grows at the powers of two. */
	if ((inv->n_tcp_ports & (inv->n_tcp_ports - 1)) == 0) {
		size_t size = inv->n_tcp_ports ? inv->n_tcp_ports * 2 : 1;
		uint16_t *grown = realloc(inv->tcp_ports, size * sizeof(*grown));

		if (!grown)
			return inventory_out_of_memory(scan);
		inv->tcp_ports = grown;
	}
	memmove(inv->tcp_ports + at + 1, inv->tcp_ports + at,
		(inv->n_tcp_ports - at) * sizeof(*inv->tcp_ports));
	inv->tcp_ports[at] = port;
	inv->n_tcp_ports++;
	return 0;
}

/* What the kernel says of a TCP socket; false: it is none. */
static bool tcp_read_info(int sock, struct tcp_info *ret)
{
	socklen_t len = sizeof(*ret);

	*ret = (struct tcp_info){ 0 };
	return getsockopt(sock, IPPROTO_TCP, TCP_INFO, ret, &len) == 0;
}

int inventory_check_frozen_socket(const struct inventory *inv, pid_t pid, int fd,
				  struct vc_err *err)
{
	_cleanup_close_ int dup = inventory_dup_fd(pid, fd);
	struct tcp_info info;
	uint16_t port;
	size_t at;

	if (dup < 0 || !tcp_read_info(dup, &info) || info.tcpi_state == TCP_CLOSE)
		return 0;
	port = tcp_port(dup);
	at = inventory_find_port(inv, port);
	if (at == inv->n_tcp_ports || inv->tcp_ports[at] != port)
		return err_set(
			err, EAGAIN,
			"pid %d: fd %d is a TCP socket (port %u) that it opened while it was "
			"being frozen; move again",
			pid, fd, port);
	if (info.tcpi_state == TCP_LISTEN && info.tcpi_unacked > 0)
		return err_set(err, EAGAIN,
			       "pid %d: %u connections wait at port %u to be accepted, which would "
			       "be lost; move again when they are",
			       pid, info.tcpi_unacked, port);
	return 0;
}

static int inventory_check_tcp(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
			       int dup)
{
	struct tcp_info info;

	if (!tcp_read_info(dup, &info) || info.tcpi_state == TCP_CLOSE)
		return 0;
	/* For a listening socket this counts what accept() has yet to take. */
	if (info.tcpi_state == TCP_LISTEN && info.tcpi_unacked > 0)
		return inventory_refuse(scan, proc,
					"fd %d listens, and %u connections wait to be accepted, "
					"which would be lost; move again when they are",
					fd, info.tcpi_unacked);
	if (info.tcpi_state != TCP_LISTEN)
		scan->inv->tcp_established = true;
	return inventory_note_port(scan, tcp_port(dup));
}

static int inventory_check_inet(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
				int dup, const struct stat *st)
{
	int protocol = 0, type = 0;
	socklen_t len = sizeof(int);

	getsockopt(dup, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	len = sizeof(int);
	getsockopt(dup, SOL_SOCKET, SO_TYPE, &type, &len);
	if (type != SOCK_RAW && protocol != IPPROTO_IP && protocol != IPPROTO_TCP &&
	    protocol != IPPROTO_UDP && protocol != IPPROTO_UDPLITE)
		return inventory_refuse(scan, proc,
					"fd %d is a network socket of protocol %d, which cannot be "
					"carried (TCP and UDP can); close it for the move",
					fd, protocol);
	if (inventory_is_given(scan, st->st_dev, st->st_ino))
		return inventory_refuse(scan, proc,
					"fd %d is a network socket shared with the outside, which "
					"cannot be carried; put a relay between (for example "
					"\"socat\" or a pipe to \"cat\")",
					fd);
	return protocol == IPPROTO_TCP ? inventory_check_tcp(scan, proc, fd, dup) : 0;
}

int inventory_scan_socket(struct inventory_scan *scan, struct inventory_proc *proc, int fd,
			  uint64_t ino)
{
	struct inventory_end end = {
		.kind = INVENTORY_UNIX, .pid = proc->pid, .fd = fd, .ino = ino
	};
	_cleanup_close_ int dup = -1;
	socklen_t len = sizeof(int);
	struct stat st;
	int family;

	dup = inventory_dup_fd(proc->pid, fd);
	if (dup == -ESRCH || dup == -EBADF)
		return 0;
	if (dup < 0)
		return err_sys(scan->err, -dup,
			       "cannot duplicate fd %d of pid %d (this needs CAP_SYS_PTRACE)", fd,
			       proc->pid);
	if (fstat(dup, &st) < 0 || getsockopt(dup, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0)
		return 0;
	switch (family) {
	case AF_UNIX:
		end.dev = st.st_dev;
		return inventory_add_end(scan, &end) ? 0 : inventory_out_of_memory(scan);
	case AF_INET:
	case AF_INET6:
		return inventory_check_inet(scan, proc, fd, dup, &st);
	case AF_PACKET:
	case AF_NETLINK:
		return 0;
	default:
		return inventory_refuse(
			scan, proc,
			"fd %d is a socket of %s (family %d), which cannot be "
			"carried (unix, TCP, UDP, packet and netlink can); close it "
			"for the move",
			fd, family == AF_VSOCK ? "vsock" : "a rare kind", family);
	}
}

static int unix_table_add(struct unix_table *table, const struct unix_diag_msg *msg, size_t len)
{
	const struct rtattr *attr = (const struct rtattr *)(const void *)(msg + 1);
	struct unix_peer *peer;

	if (table->n == table->size) {
		size_t size = table->size ? table->size * 2 : 64;
		struct unix_peer *grown = realloc(table->all, size * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		table->all = grown;
		table->size = size;
	}
	peer = &table->all[table->n];
	*peer = (struct unix_peer){ .ino = msg->udiag_ino,
				    .type = msg->udiag_type,
				    .state = msg->udiag_state };
	len -= sizeof(*msg);
	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		const void *data = RTA_DATA(attr);
		size_t size = RTA_PAYLOAD(attr);
		uint32_t *grown;

		switch (attr->rta_type) {
		case UNIX_DIAG_PEER:
			memcpy(&peer->peer, data, sizeof(peer->peer));
			break;
		case UNIX_DIAG_SHUTDOWN:
			memcpy(&peer->shutdown, data, sizeof(peer->shutdown));
			break;
		case UNIX_DIAG_VFS:
			memcpy(&peer->vfs_ino, data, 4);
			memcpy(&peer->vfs_dev, (const char *)data + 4, 4);
			break;
		case UNIX_DIAG_NAME:
			peer->has_name = size > 0;
			peer->has_path = size > 0 && *(const char *)data != '\0';
			if (peer->has_path)
				snprintf(peer->path, sizeof(peer->path), "%.*s", (int)size,
					 (const char *)data);
			break;
		case UNIX_DIAG_ICONS:
			if (size == 0)
				break;
			grown = realloc(table->waiting, table->n_waiting * 4 + size);
			if (!grown)
				return -ENOMEM;
			table->waiting = grown;
			memcpy(grown + table->n_waiting, data, size);
			peer->first_waiting = table->n_waiting;
			peer->n_waiting = size / 4;
			table->n_waiting += size / 4;
			break;
		}
	}
	table->n++;
	return 0;
}

static int unix_peer_compare(const void *a, const void *b)
{
	const struct unix_peer *pa = a, *pb = b;

	return pa->ino < pb->ino ? -1 : pa->ino > pb->ino;
}

/* Asks the kernel for all unix sockets at once: one by one it searches them all each time. */
static int unix_table_read(struct unix_table *table)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req body;
	} request = {
		.head = { .nlmsg_len = sizeof(request),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = AF_UNIX,
			  .udiag_states = UINT32_MAX,
			  .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
					UDIAG_SHOW_ICONS },
	};
	_cleanup_close_ int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	_cleanup_free_ char *buf = malloc(32768);

	if (!buf)
		return -ENOMEM;
	if (nl < 0 || send(nl, &request, sizeof(request), 0) < 0)
		return -errno;
	for (;;) {
		ssize_t got = recv(nl, buf, 32768, 0);
		size_t len = got < 0 ? 0 : (size_t)got;
		struct nlmsghdr *head = (struct nlmsghdr *)(void *)buf;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EPROTO;
		for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len)) {
			if (head->nlmsg_type == NLMSG_DONE) {
				if (table->n > 0)
					qsort(table->all, table->n, sizeof(*table->all),
					      unix_peer_compare);
				return 0;
			}
			if (head->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(head))->error;
			if (unix_table_add(table, NLMSG_DATA(head), NLMSG_PAYLOAD(head, 0)) < 0)
				return -ENOMEM;
		}
	}
}

static struct unix_peer *unix_table_find(const struct unix_table *table, uint64_t ino)
{
	struct unix_peer key = { .ino = (uint32_t)ino };

	if (ino == 0 || table->n == 0)
		return NULL;
	return bsearch(&key, table->all, table->n, sizeof(*table->all), unix_peer_compare);
}

/* The listening socket in whose queue a connection waits; NULL: none. */
static const struct unix_peer *unix_table_find_queue(const struct unix_table *table, uint32_t ino)
{
	for (size_t i = 0; i < table->n; i++)
		for (size_t k = 0; k < table->all[i].n_waiting; k++)
			if (table->waiting[table->all[i].first_waiting + k] == ino)
				return &table->all[i];
	return NULL;
}

static int inventory_check_listening(struct inventory_scan *scan, const struct unix_table *table,
				     const struct unix_peer *sk)
{
	for (size_t k = 0; k < sk->n_waiting; k++) {
		const struct unix_peer *client =
			unix_table_find(table, table->waiting[sk->first_waiting + k]);

		if (client && client->end)
			continue;
		inventory_refuse_end(
			scan, sk->end,
			"fd %d listens at %s, and %zu connections wait to be accepted, "
			"which would be lost; move again when they are",
			sk->end->fd, sk->has_path ? sk->path : "a unix socket", sk->n_waiting);
		return inventory_not_now(scan);
	}
	return 0;
}

/* A connection with nobody visible behind it. */
static int inventory_check_dangling(struct inventory_scan *scan, const struct unix_table *table,
				    const struct unix_peer *sk)
{
	const struct unix_peer *queue;

	if (sk->shutdown == RCV_AND_SEND_SHUTDOWN)
		return 0; /* closed by the peer: CRIU makes one like it */
	queue = unix_table_find_queue(table, sk->ino);
	if (queue && queue->end)
		return 0;
	inventory_refuse_end(scan, sk->end,
			     "fd %d is connected to a server outside the job that has not accepted "
			     "it yet%s%s; move again when it has",
			     sk->end->fd, queue && queue->has_path ? ": " : "",
			     queue && queue->has_path ? queue->path : "");
	return inventory_not_now(scan);
}

/* Whether a socket outside the tree is bound to sk's path (another end of it listens there). */
static bool inventory_path_is_outside(const struct unix_table *table, const struct unix_peer *sk)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct unix_peer *other = &table->all[i];

		if (!other->end && other->state == TCP_LISTEN && other->has_path &&
		    other->vfs_ino == sk->vfs_ino && other->vfs_dev == sk->vfs_dev)
			return true;
	}
	return false;
}

/* What the rules at the top allow for a socket that is to be inherited. */
static int inventory_check_inherited(struct inventory_scan *scan, const struct unix_table *table,
				     const struct unix_peer *sk)
{
	const struct unix_peer *peer = unix_table_find(table, sk->peer);

	if (sk->type == SOCK_DGRAM && !(peer && peer->end && peer->peer == sk->ino))
		return inventory_refuse_end(scan, sk->end,
					    "fd %d is a datagram socket shared or paired with the "
					    "outside, which cannot be carried; use one of type "
					    "SOCK_STREAM or SOCK_SEQPACKET",
					    sk->end->fd);
	if (sk->has_path && (sk->type == SOCK_DGRAM || sk->state != TCP_ESTABLISHED))
		return inventory_refuse_end(
			scan, sk->end,
			"fd %d is bound to %s and shared with the outside, which "
			"cannot be carried; use an abstract address",
			sk->end->fd, sk->path);
	return 0;
}

/* Says what is wrong with one socket, or marks it external when its peer is outside. */
static int inventory_check_unix(struct inventory_scan *scan, const struct unix_table *table,
				const struct unix_peer *sk)
{
	const struct unix_peer *peer = unix_table_find(table, sk->peer);
	bool outside = sk->peer != 0 && (!peer || !peer->end);
	bool connected = sk->type != SOCK_DGRAM && sk->state == TCP_ESTABLISHED;
	int r = 0;

	if (sk->has_path)
		r = inventory_check_path(scan, sk->end->pid, sk->end->fd, "the socket", sk->path);
	if (r < 0)
		return r;
	if (sk->state == TCP_LISTEN)
		r = inventory_check_listening(scan, table, sk);
	else if (connected && sk->peer == 0)
		r = inventory_check_dangling(scan, table, sk);
	if (r < 0)
		return r;
	if (connected && sk->has_path && inventory_path_is_outside(table, sk))
		return inventory_refuse_end(
			scan, sk->end,
			"fd %d was accepted by a server outside the job at %s, "
			"whose socket file a move would remove; let that server "
			"listen at an abstract address, or put a relay between",
			sk->end->fd, sk->path);
	if (outside && !sk->given && sk->type == SOCK_DGRAM && peer && peer->has_name) {
		scan->inv->ext_unix_sk = true;
		return 0;
	}
	/* One that its peer has closed needs no other end. */
	sk->end->external = outside || (sk->given && !(connected && sk->peer == 0));
	return 0;
}

/* Spreads "external" to whatever in the tree is connected to an external one. */
static void inventory_spread_external(const struct unix_table *table)
{
	bool changed;

	do {
		changed = false;
		for (size_t i = 0; i < table->n; i++) {
			const struct unix_peer *sk = &table->all[i];
			const struct unix_peer *peer =
				sk->end ? unix_table_find(table, sk->peer) : NULL;

			if (!peer || !peer->end || peer->end->external == sk->end->external)
				continue;
			sk->end->external = peer->end->external = true;
			changed = true;
		}
	} while (changed);
}

static int inventory_add_unix(struct inventory_scan *scan, uint64_t ino)
{
	char dump[32], restore[32];
	int r = -ESRCH;

	snprintf(dump, sizeof(dump), "unix[%" PRIu64 "]", ino);
	snprintf(restore, sizeof(restore), "socket:[%" PRIu64 "]", ino);
	/* A descriptor may be closed by now while another of the socket is open. */
	for (size_t i = 0; r == -ESRCH && i < scan->n_ends; i++)
		if (scan->ends[i].kind == INVENTORY_UNIX && scan->ends[i].ino == ino)
			r = inventory_add_external(scan, &scan->ends[i], dump, restore);
	return r == -ESRCH ? 0 : r;
}

static int inventory_resolve_table(struct inventory_scan *scan, const struct unix_table *table)
{
	for (size_t i = 0; i < scan->n_ends; i++) {
		struct inventory_end *end = &scan->ends[i];
		struct unix_peer *sk =
			end->kind == INVENTORY_UNIX ? unix_table_find(table, end->ino) : NULL;

		if (!sk || sk->end)
			continue;
		sk->end = end;
		sk->given = inventory_is_given(scan, end->dev, end->ino);
	}
	for (size_t i = 0; i < table->n; i++) {
		int r = table->all[i].end ? inventory_check_unix(scan, table, &table->all[i]) : 0;

		if (r < 0)
			return r;
	}
	inventory_spread_external(table);
	for (size_t i = 0; i < table->n; i++) {
		const struct inventory_end *end = table->all[i].end;
		int r;

		if (!end || !end->external)
			continue;
		r = inventory_check_inherited(scan, table, &table->all[i]);
		if (r == 0)
			r = inventory_add_unix(scan, end->ino);
		if (r < 0)
			return r;
	}
	return 0;
}

int inventory_resolve_sockets(struct inventory_scan *scan)
{
	struct unix_table table = { 0 };
	bool any = false;
	int r;

	for (size_t i = 0; i < scan->n_ends; i++)
		any = any || scan->ends[i].kind == INVENTORY_UNIX;
	if (!any)
		return 0;
	r = unix_table_read(&table);
	if (r < 0)
		r = err_sys(scan->err, -r, "cannot ask the kernel for unix sockets (sock_diag)");
	else
		r = inventory_resolve_table(scan, &table);
	free(table.all);
	free(table.waiting);
	return r;
}
