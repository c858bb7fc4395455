// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * option.c - rows of tests/move-kinds: every option that a socket has
 *
 * Each row sets what it can of one table of settings, none of which is a default, and then says
 * what the kernel answers for every level and number that there could be.
 */
#include "tests/kinds/kind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NUMBERS 96 /* of options of a level that are asked for */
#define VALUE_SIZE 64

#ifndef TCP_NOTSENT_LOWAT
#define TCP_NOTSENT_LOWAT 25
#endif
#ifndef SO_BUSY_POLL
#define SO_BUSY_POLL 46
#endif
#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static int fds[2] = { -1, -1 }, server = -1;

static const struct {
	int level, option, value;
} settings[] = {
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ SOL_SOCKET, SO_BROADCAST, 1 },
	{ SOL_SOCKET, SO_OOBINLINE, 1 },
	{ SOL_SOCKET, SO_PRIORITY, 3 },
	{ SOL_SOCKET, SO_MARK, 77 },
	{ SOL_SOCKET, SO_SNDBUF, 20000 },
	{ SOL_SOCKET, SO_RCVBUF, 30000 },
	{ SOL_SOCKET, SO_RCVLOWAT, 5 },
	{ SOL_SOCKET, SO_PASSCRED, 1 },
	{ SOL_SOCKET, SO_TIMESTAMPNS, 1 },
	{ SOL_SOCKET, SO_DONTROUTE, 1 },
	{ SOL_SOCKET, SO_NO_CHECK, 1 },
	{ SOL_SOCKET, SO_RXQ_OVFL, 1 },
	{ SOL_SOCKET, SO_LOCK_FILTER, 1 },
	{ SOL_SOCKET, SO_MAX_PACING_RATE, 1000000 },
	{ SOL_SOCKET, SO_BUSY_POLL, 7 },
	{ SOL_SOCKET, SO_PEEK_OFF, 2 },
	{ SOL_SOCKET, SO_REUSEADDR, 1 },
	{ SOL_SOCKET, SO_REUSEPORT, 1 },
	{ IPPROTO_IP, IP_TOS, 0x28 },
	{ IPPROTO_IP, IP_TTL, 33 },
	{ IPPROTO_IP, IP_MULTICAST_TTL, 4 },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, 0 },
	{ IPPROTO_IP, IP_MULTICAST_ALL, 0 },
	{ IPPROTO_IP, IP_PKTINFO, 1 },
	{ IPPROTO_IP, IP_RECVTTL, 1 },
	{ IPPROTO_IP, IP_RECVERR, 1 },
	{ IPPROTO_IP, IP_RECVTOS, 1 },
	{ IPPROTO_IP, IP_RECVORIGDSTADDR, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO },
	{ IPPROTO_IP, IP_FREEBIND, 1 },
	{ IPPROTO_IP, IP_TRANSPARENT, 1 },
	{ IPPROTO_IP, IP_MINTTL, 2 },
	{ IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1 },
	{ IPPROTO_IP, IP_CHECKSUM, 1 },
	{ IPPROTO_IPV6, IPV6_UNICAST_HOPS, 34 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 5 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1 },
	{ IPPROTO_IPV6, IPV6_RECVERR, 1 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	{ IPPROTO_IPV6, IPV6_TCLASS, 0x48 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, 1 },
	{ IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0 },
	{ IPPROTO_IPV6, IPV6_MINHOPCOUNT, 2 },
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
	{ IPPROTO_TCP, TCP_MAXSEG, 900 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 71 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 11 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 7 },
	{ IPPROTO_TCP, TCP_SYNCNT, 3 },
	{ IPPROTO_TCP, TCP_LINGER2, 17 },
	{ IPPROTO_TCP, TCP_DEFER_ACCEPT, 7 },
	{ IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000 },
	{ IPPROTO_TCP, TCP_QUICKACK, 0 },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 12345 },
	{ IPPROTO_TCP, TCP_FASTOPEN, 9 },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096 },
	{ IPPROTO_TCP, TCP_INQ, 1 },
	{ IPPROTO_UDP, UDP_SEGMENT, 500 },
	{ IPPROTO_UDP, UDP_GRO, 1 },
	{ SOL_PACKET, PACKET_AUXDATA, 1 },
	{ SOL_PACKET, PACKET_ORIGDEV, 1 },
	{ SOL_PACKET, PACKET_LOSS, 1 },
	{ SOL_PACKET, PACKET_VERSION, TPACKET_V2 },
	{ SOL_PACKET, PACKET_RESERVE, 8 },
	{ SOL_NETLINK, NETLINK_PKTINFO, 1 },
	{ SOL_NETLINK, NETLINK_BROADCAST_ERROR, 1 },
	{ SOL_NETLINK, NETLINK_NO_ENOBUFS, 1 },
	{ SOL_NETLINK, NETLINK_CAP_ACK, 1 },
	{ SOL_NETLINK, NETLINK_EXT_ACK, 1 },
	{ SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 1 },
};

/* Asking has an effect, or the answer is about the moment. */
static bool is_left_out(int level, int option)
{
	switch (level) {
	case SOL_SOCKET:
		return option == SO_ERROR || option == SO_INCOMING_CPU || option == SO_MEMINFO ||
		       option == SO_INCOMING_NAPI_ID || option == 77 /* SO_PEERPIDFD */;
	case IPPROTO_TCP:
		return option == TCP_INFO || option == TCP_CC_INFO || option == TCP_TIMESTAMP ||
		       option == TCP_QUICKACK || option == TCP_ZEROCOPY_RECEIVE;
	case SOL_PACKET:
		return option == PACKET_STATISTICS;
	default:
		return false;
	}
}

static void set_all(int fd)
{
	struct sock_filter code[] = { { .code = BPF_RET | BPF_K, .k = UINT32_MAX } };
	struct sock_fprog filter = { .len = 1, .filter = code };
	struct linger linger = { .l_onoff = 1, .l_linger = 13 };
	struct timeval patience = { .tv_sec = 5, .tv_usec = 250000 };
	struct ip_mreqn group = { .imr_ifindex = 1 };
	struct ipv6_mreq group6 = { .ipv6mr_interface = 1 };
	int taken = 0;

	inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
	inet_pton(AF_INET6, "ff15::1234", &group6.ipv6mr_multiaddr);
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group));
	setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group6, sizeof(group6));
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		taken += setsockopt(fd, settings[i].level, settings[i].option, &settings[i].value,
				    sizeof(settings[i].value)) == 0;
	MUST(taken > 5);
}

static void show_option(FILE *out, int fd, int level, int option)
{
	unsigned char value[VALUE_SIZE] = { 0 };
	socklen_t len = sizeof(value);

	if (is_left_out(level, option) || getsockopt(fd, level, option, value, &len) < 0)
		return;
	fprintf(out, "%d %d:", level, option);
	for (socklen_t i = 0; i < len && i < sizeof(value); i++)
		fprintf(out, " %02x", value[i]);
	fputc('\n', out);
}

static void show_options(FILE *out)
{
	static const int levels[] = { SOL_SOCKET,  IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP,
				      IPPROTO_UDP, SOL_PACKET, SOL_NETLINK };

	for (int i = 0; i < 2 && fds[i] >= 0; i++)
		for (size_t k = 0; k < sizeof(levels) / sizeof(levels[0]); k++)
			for (int option = 0; option < NUMBERS; option++)
				show_option(out, fds[i], levels[k], option);
}

static void make_new(int family, int type, int protocol)
{
	NEED((fds[0] = socket(family, type, protocol)) >= 0);
	set_all(fds[0]);
}

static void make_tcp(void)
{
	make_new(AF_INET, SOCK_STREAM, 0);
}

static void make_tcp6(void)
{
	make_new(AF_INET6, SOCK_STREAM, 0);
}

static void make_listening(void)
{
	make_tcp();
	MUST(listen(fds[0], 3) == 0);
}

static void make_connected(void)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);

	MUST((server = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	MUST(bind(server, (struct sockaddr *)&name, len) == 0 && listen(server, 1) == 0 &&
	     getsockname(server, (struct sockaddr *)&name, &len) == 0);
	MUST((fds[0] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	MUST(connect(fds[0], (struct sockaddr *)&name, len) == 0);
	MUST((fds[1] = accept(server, NULL, NULL)) >= 0);
	set_all(fds[0]);
	set_all(fds[1]);
}

static void make_udp(void)
{
	make_new(AF_INET, SOCK_DGRAM, 0);
}

static void make_udp6(void)
{
	make_new(AF_INET6, SOCK_DGRAM, 0);
}

static void make_unix(void)
{
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	set_all(fds[0]);
	set_all(fds[1]);
}

static void make_raw(void)
{
	make_new(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static void make_packet(void)
{
	make_new(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
}

static void make_netlink(void)
{
	make_new(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

const struct kind kinds_option[] = {
	KIND("option-tcp", make_tcp, show_options, .as = KIND_BOTH),
	KIND("option-tcp6", make_tcp6, show_options),
	KIND("option-tcp-listening", make_listening, show_options),
	KIND("option-tcp-connected", make_connected, show_options, .as = KIND_BOTH),
	KIND("option-udp", make_udp, show_options, .as = KIND_BOTH),
	KIND("option-udp6", make_udp6, show_options),
	KIND("option-unix", make_unix, show_options, .as = KIND_BOTH),
	KIND("option-raw", make_raw, show_options),
	KIND("option-packet", make_packet, show_options),
	KIND("option-netlink", make_netlink, show_options),
	{ .name = NULL },
};
