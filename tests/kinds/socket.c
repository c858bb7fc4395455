// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * socket.c - rows of tests/move-kinds: sockets, by family, type and state
 */
#include "tests/kinds/kind.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int fd = -1, peer = -1;

static void make_pair_of(int type)
{
	int ends[2];

	MUST(socketpair(AF_UNIX, type, 0, ends) == 0);
	fd = ends[0];
	peer = ends[1];
	MUST(write(peer, "queued", 6) == 6);
}

static void make_pair_stream(void)
{
	make_pair_of(SOCK_STREAM);
}

static void make_pair_datagram(void)
{
	make_pair_of(SOCK_DGRAM);
}

static void make_pair_packets(void)
{
	make_pair_of(SOCK_SEQPACKET);
}

static void show_pair(FILE *out)
{
	struct ucred creds = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(creds);

	kind_say_read(out, "queue", fd);
	MUST(write(peer, "queued", 6) == 6);
	MUST(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &len) == 0);
	fprintf(out, "peer: uid %u, gid %u, %s\n", creds.uid, creds.gid,
		creds.pid == getpid() ? "me" : "not me");
}

static void keep_end(void *arg)
{
	close(*(int *)arg);
}

/* The parent, of the lower pid, has one end only. */
static void make_pair_split(void)
{
	make_pair_stream();
	kind_child(keep_end, &fd);
	close(peer);
}

static void show_split(FILE *out)
{
	kind_say_read(out, "queue", fd);
	kind_say(out, "send", send(fd, "x", 1, MSG_DONTWAIT));
}

static void make_listen_unix(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };

	MUST((fd = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	MUST(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, 5) == 0);
}

static void show_listen_unix(FILE *out)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int client = socket(AF_UNIX, SOCK_STREAM, 0), served;

	kind_say(out, "connect", connect(client, (struct sockaddr *)&name, sizeof(name)));
	served = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	MUST(served >= 0 && close(served) == 0 && close(client) == 0);
}

static struct sockaddr_in address = { .sin_family = AF_INET };

static void make_inet(int type)
{
	socklen_t len = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST((fd = socket(AF_INET, type, 0)) >= 0);
	MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
}

static void make_tcp_listen(void)
{
	make_inet(SOCK_STREAM);
	MUST(listen(fd, 5) == 0);
}

static void show_tcp_listen(FILE *out)
{
	int client = socket(AF_INET, SOCK_STREAM, 0), served;

	kind_say(out, "connect", connect(client, (struct sockaddr *)&address, sizeof(address)));
	MUST((served = accept(fd, NULL, NULL)) >= 0);
	close(client);
	close(served);
}

static void make_tcp(void)
{
	int listener;

	make_tcp_listen();
	listener = fd;
	MUST((fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	MUST((peer = accept(listener, NULL, NULL)) >= 0);
	close(listener);
	MUST(write(peer, "queued", 6) == 6);
}

static void show_tcp(FILE *out)
{
	kind_say_read(out, "queue", fd);
	MUST(write(peer, "queued", 6) == 6);
}

static void make_tcp_reset(void)
{
	struct linger linger = { .l_onoff = 1 };

	make_tcp();
	MUST(setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	close(peer);
}

static void show_tcp_reset(FILE *out)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	kind_say(out, "state", info.tcpi_state);
}

static void make_udp(void)
{
	make_inet(SOCK_DGRAM);
}

static void show_udp(FILE *out)
{
	peer = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(sendto(peer, "sent", 4, 0, (struct sockaddr *)&address, sizeof(address)) == 4);
	close(peer);
	kind_say_read(out, "read", fd);
}

static void send_udp(void)
{
	peer = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(sendto(peer, "sent", 4, 0, (struct sockaddr *)&address, sizeof(address)) == 4);
	close(peer);
}

static void make_udp_unread(void)
{
	make_udp();
	send_udp();
}

static void show_udp_unread(FILE *out)
{
	kind_say_read(out, "read", fd);
	send_udp();
}

static void make_netlink(void)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	MUST((fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)) >= 0);
	MUST(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
}

static void show_netlink(FILE *out)
{
	struct sockaddr_nl name = { .nl_groups = 0 };
	socklen_t len = sizeof(name);

	MUST(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	fprintf(out, "port %u, groups %x\n", name.nl_pid, name.nl_groups);
}

static void make_packet(void)
{
	NEED((fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))) >= 0);
}

static void make_waiting_tcp(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);

	MUST((fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	MUST(bind(fd, (struct sockaddr *)&name, len) == 0 && listen(fd, 4) == 0 &&
	     getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	MUST((peer = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	MUST(connect(peer, (struct sockaddr *)&name, len) == 0 && write(peer, "early", 5) == 5);
}

static void make_waiting_unix(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "waiting" };

	MUST((fd = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	MUST(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, 4) == 0);
	MUST((peer = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	MUST(connect(peer, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	     write(peer, "early", 5) == 5);
}

/* Takes the connection that waits, and has another one wait. */
static void show_waiting(FILE *out)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK), family;

	kind_say(out, "accepted", accepted < 0 ? -1 : 0);
	if (accepted < 0)
		return;
	kind_say_read(out, "what was sent early", accepted);
	close(accepted);
	close(peer);
	MUST(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	family = name.ss_family;
	MUST((peer = socket(family, SOCK_STREAM, 0)) >= 0);
	MUST(connect(peer, (struct sockaddr *)&name, len) == 0 && write(peer, "early", 5) == 5);
}

/* A descriptor that only a message in a socket has. */
static void send_descriptor(int sent)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)"x", .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &sent, sizeof(int));
	MUST(sendmsg(peer, &msg, 0) == 1);
	close(sent);
}

static void make_flying(int sent)
{
	int ends[2];

	NEED(sent >= 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	fd = ends[1];
	peer = ends[0];
	send_descriptor(sent);
}

static void make_in_flight(void)
{
	int pipe_fds[2];

	MUST(pipe(pipe_fds) == 0 && write(pipe_fds[1], "flown", 5) == 5);
	make_flying(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void make_flying_pidfd(void)
{
	make_flying((int)syscall(SYS_pidfd_open, getpid(), 0));
}

static void make_flying_proc(void)
{
	make_flying(open("/proc/self/stat", O_RDONLY));
}

static void make_flying_memory(void)
{
	make_flying((int)syscall(SYS_userfaultfd, 0));
}

/* A socket with a pidfd in it flies over a socket. */
static void make_flying_nested(void)
{
	int inner;

	make_flying_pidfd();
	close(peer);
	inner = fd;
	make_flying(inner);
}

static void make_flying_second(void)
{
	make_flying(open("/dev/null", O_RDONLY));
	send_descriptor(open("/dev/null", O_RDONLY));
}

static void show_in_flight(FILE *out)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int flown = -1;

	/* Only looked at, it flies on. */
	MUST(recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT) == 1 && CMSG_FIRSTHDR(&msg));
	memcpy(&flown, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	MUST(ioctl(flown, FIONREAD, &peer) == 0);
	fprintf(out, "a pipe with %d bytes\n", peer);
	close(flown);
}

/* An event that nobody has read. */
static void make_netlink_unread(void)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg body;
	} request = { .head = { .nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		      .body = { .rtgen_family = AF_UNSPEC } };

	MUST((fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)) >= 0);
	MUST(send(fd, &request, sizeof(request), 0) > 0);
}

static void show_netlink_unread(FILE *out)
{
	char buf[16384];
	ssize_t len = recv(fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);

	fprintf(out, "an answer of %zd bytes\n", len);
}

static void make_vsock(void)
{
	NEED((fd = socket(AF_VSOCK, SOCK_STREAM, 0)) >= 0);
}

const struct kind kinds_socket[] = {
	KIND("socket-pair-stream", make_pair_stream, show_pair, .as = KIND_BOTH),
	KIND("socket-pair-datagram", make_pair_datagram, show_pair),
	KIND("socket-pair-packets", make_pair_packets, show_pair),
	KIND("socket-pair-split", make_pair_split, show_split),
	KIND("socket-unix-listen", make_listen_unix, show_listen_unix, .as = KIND_BOTH),
	KIND("socket-tcp-listen", make_tcp_listen, show_tcp_listen, .as = KIND_BOTH),
	KIND("socket-tcp", make_tcp, show_tcp),
	KIND("socket-tcp-reset", make_tcp_reset, show_tcp_reset),
	KIND("socket-udp", make_udp, show_udp),
	KIND("socket-udp-unread", make_udp_unread, show_udp_unread),
	KIND("socket-netlink", make_netlink, show_netlink),
	KIND("socket-packet", make_packet, NULL),
	KIND("socket-vsock", make_vsock, NULL),
	KIND("socket-netlink-unread", make_netlink_unread, show_netlink_unread),
	KIND("socket-waiting-tcp", make_waiting_tcp, show_waiting, .as = KIND_BOTH),
	KIND("socket-waiting-unix", make_waiting_unix, show_waiting, .as = KIND_BOTH),
	KIND("socket-in-flight", make_in_flight, show_in_flight, .as = KIND_BOTH),
	KIND("socket-flying-pidfd", make_flying_pidfd, NULL,
	     .refused = "a pidfd of a process of the", .as = KIND_BOTH),
	KIND("socket-flying-proc", make_flying_proc, NULL, .refused = "of the job in /proc",
	     .as = KIND_BOTH),
	KIND("socket-flying-memory", make_flying_memory, NULL, .refused = "a userfaultfd"),
	KIND("socket-flying-nested", make_flying_nested, NULL,
	     .refused = "a pidfd of a process of the"),
	KIND("socket-flying-second", make_flying_second, NULL, .refused = "more than can be"),
	{ .name = NULL },
};
