// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * netlock.c - holds TCP connections still while their job does not exist
 *
 * Between dump and restore a connection has no socket. The kernel would answer
 * its peer with a reset; and what arrives after the dump has read the socket
 * would be acknowledged and lost. So the packets are dropped meanwhile, and TCP
 * sends them again.
 *
 * CRIU can do this by itself, with libnftables, and three things are better done
 * here. That library ends the process when its real and effective users differ,
 * as they must for another user's job where CAP_SYS_RESOURCE is missing. A table
 * that CRIU leaves behind when it dies locks the connections for good; ours has
 * an owner, its netlink socket, and goes with it. And we lock ports, where CRIU
 * locks connections: a client that connects during a move is not refused, but
 * served a moment later.
 *
 * Written straight in netlink: a table of two chains, each with one rule,
 *
 *	input:  meta l4proto tcp, tcp dport in @ports, meta mark != CRIU's: drop
 *	output: meta l4proto tcp, tcp sport in @ports, meta mark != CRIU's: drop
 *
 * as one transaction. Packets with CRIU's mark are those by which it brings a
 * restored socket into its state.
 */
#include "libmig/netlock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"

#define NETLOCK_CRIU_MARK 0xC114
#define NETLOCK_PRIORITY (-350) /* before connection tracking may look at what is dropped */
#define NETLOCK_SET "ports"
#define NETLOCK_TYPE_SERVICE 13 /* nft's name for a set of ports: inet_service */
#define NETLOCK_ELEMENT_SIZE 24
/* An attribute's length has 16 bits: as many elements go into one message. */
#define NETLOCK_ELEMENTS_MAX 2000
#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 0x2 /* Linux 5.12 */
#endif

struct netlock {
	int sock;
};

DEFINE_CLEANUP(struct netlock *, netlock_freep, netlock_free);

/* A transaction being written. */
struct batch {
	char *data;
	size_t len, size;
	size_t message; /* where the message being written begins */
	uint32_t seq;
	char table[32];
};

static void batch_put(struct batch *batch, const void *data, size_t len)
{
	memcpy(batch->data + batch->len, data, len);
	memset(batch->data + batch->len + len, 0, NLMSG_ALIGN(len) - len);
	batch->len += NLMSG_ALIGN(len);
}

static void batch_begin(struct batch *batch, uint16_t type, uint16_t flags, uint8_t family,
			uint16_t res_id)
{
	struct nlmsghdr head = { .nlmsg_type = type,
				 .nlmsg_flags = NLM_F_REQUEST | flags,
				 .nlmsg_seq = ++batch->seq };
	struct nfgenmsg gen = { .nfgen_family = family, .res_id = htons(res_id) };

	batch->message = batch->len;
	batch_put(batch, &head, sizeof(head));
	batch_put(batch, &gen, sizeof(gen));
}

static void batch_end(struct batch *batch)
{
	struct nlmsghdr *head = (struct nlmsghdr *)(void *)(batch->data + batch->message);

	head->nlmsg_len = (uint32_t)(batch->len - batch->message);
}

static void attr(struct batch *batch, uint16_t type, const void *data, size_t len)
{
	struct nlattr head = { .nla_len = (uint16_t)(sizeof(head) + len), .nla_type = type };

	batch_put(batch, &head, sizeof(head));
	batch_put(batch, data, len);
}

static void attr_text(struct batch *batch, uint16_t type, const char *text)
{
	attr(batch, type, text, strlen(text) + 1);
}

/* Numbers in nf_tables are big-endian, those that rules compare are not. */
static void attr_number(struct batch *batch, uint16_t type, uint32_t value)
{
	uint32_t big = htonl(value);

	attr(batch, type, &big, sizeof(big));
}

/* Opens a nested attribute; attr_close() with what this returns. */
static size_t attr_open(struct batch *batch, uint16_t type)
{
	struct nlattr head = { .nla_type = type | NLA_F_NESTED };
	size_t at = batch->len;

	batch_put(batch, &head, sizeof(head));
	return at;
}

static void attr_close(struct batch *batch, size_t at)
{
	struct nlattr *head = (struct nlattr *)(void *)(batch->data + at);

	head->nla_len = (uint16_t)(batch->len - at);
}

struct expression {
	size_t element, data;
};

static struct expression expression_open(struct batch *batch, const char *name)
{
	struct expression expr;

	expr.element = attr_open(batch, NFTA_LIST_ELEM);
	attr_text(batch, NFTA_EXPR_NAME, name);
	expr.data = attr_open(batch, NFTA_EXPR_DATA);
	return expr;
}

static void expression_close(struct batch *batch, struct expression expr)
{
	attr_close(batch, expr.data);
	attr_close(batch, expr.element);
}

static void put_meta(struct batch *batch, uint32_t key)
{
	struct expression expr = expression_open(batch, "meta");

	attr_number(batch, NFTA_META_DREG, NFT_REG_1);
	attr_number(batch, NFTA_META_KEY, key);
	expression_close(batch, expr);
}

static void put_compare(struct batch *batch, uint32_t op, const void *value, size_t size)
{
	struct expression expr = expression_open(batch, "cmp");
	size_t data;

	attr_number(batch, NFTA_CMP_SREG, NFT_REG_1);
	attr_number(batch, NFTA_CMP_OP, op);
	data = attr_open(batch, NFTA_CMP_DATA);
	attr(batch, NFTA_DATA_VALUE, value, size);
	attr_close(batch, data);
	expression_close(batch, expr);
}

static void put_port_lookup(struct batch *batch, uint32_t offset)
{
	struct expression expr = expression_open(batch, "payload");

	attr_number(batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
	attr_number(batch, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	attr_number(batch, NFTA_PAYLOAD_OFFSET, offset);
	attr_number(batch, NFTA_PAYLOAD_LEN, 2);
	expression_close(batch, expr);
	expr = expression_open(batch, "lookup");
	attr_text(batch, NFTA_LOOKUP_SET, NETLOCK_SET);
	attr_number(batch, NFTA_LOOKUP_SREG, NFT_REG_1);
	attr_number(batch, NFTA_LOOKUP_SET_ID, 1);
	expression_close(batch, expr);
}

static void put_drop(struct batch *batch)
{
	struct expression expr = expression_open(batch, "immediate");
	size_t data, verdict;

	attr_number(batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = attr_open(batch, NFTA_IMMEDIATE_DATA);
	verdict = attr_open(batch, NFTA_DATA_VERDICT);
	attr_number(batch, NFTA_VERDICT_CODE, NF_DROP);
	attr_close(batch, verdict);
	attr_close(batch, data);
	expression_close(batch, expr);
}

static void put_table(struct batch *batch)
{
	batch_begin(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE,
		    NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_INET, 0);
	attr_text(batch, NFTA_TABLE_NAME, batch->table);
	attr_number(batch, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	batch_end(batch);
}

static void put_set(struct batch *batch)
{
	batch_begin(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET, NLM_F_CREATE, NFPROTO_INET,
		    0);
	attr_text(batch, NFTA_SET_TABLE, batch->table);
	attr_text(batch, NFTA_SET_NAME, NETLOCK_SET);
	attr_number(batch, NFTA_SET_FLAGS, 0);
	attr_number(batch, NFTA_SET_KEY_TYPE, NETLOCK_TYPE_SERVICE);
	attr_number(batch, NFTA_SET_KEY_LEN, 2);
	attr_number(batch, NFTA_SET_ID, 1);
	batch_end(batch);
}

static void put_ports(struct batch *batch, const uint16_t *ports, size_t n)
{
	size_t list;

	batch_begin(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, NLM_F_CREATE,
		    NFPROTO_INET, 0);
	attr_text(batch, NFTA_SET_ELEM_LIST_TABLE, batch->table);
	attr_text(batch, NFTA_SET_ELEM_LIST_SET, NETLOCK_SET);
	attr_number(batch, NFTA_SET_ELEM_LIST_SET_ID, 1);
	list = attr_open(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < n; i++) {
		uint16_t port = htons(ports[i]);
		size_t element = attr_open(batch, NFTA_LIST_ELEM);
		size_t key = attr_open(batch, NFTA_SET_ELEM_KEY);

		attr(batch, NFTA_DATA_VALUE, &port, sizeof(port));
		attr_close(batch, key);
		attr_close(batch, element);
	}
	attr_close(batch, list);
	batch_end(batch);
}

static void put_chain(struct batch *batch, const char *name, uint32_t hook)
{
	size_t data;

	batch_begin(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN, NLM_F_CREATE, NFPROTO_INET,
		    0);
	attr_text(batch, NFTA_CHAIN_TABLE, batch->table);
	attr_text(batch, NFTA_CHAIN_NAME, name);
	data = attr_open(batch, NFTA_CHAIN_HOOK);
	attr_number(batch, NFTA_HOOK_HOOKNUM, hook);
	attr_number(batch, NFTA_HOOK_PRIORITY, (uint32_t)NETLOCK_PRIORITY);
	attr_close(batch, data);
	attr_text(batch, NFTA_CHAIN_TYPE, "filter");
	batch_end(batch);
}

static void put_rule(struct batch *batch, const char *chain, uint32_t port_offset)
{
	uint32_t mark = NETLOCK_CRIU_MARK;
	uint8_t tcp = IPPROTO_TCP;
	size_t list;

	batch_begin(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
		    NFPROTO_INET, 0);
	attr_text(batch, NFTA_RULE_TABLE, batch->table);
	attr_text(batch, NFTA_RULE_CHAIN, chain);
	list = attr_open(batch, NFTA_RULE_EXPRESSIONS);
	put_meta(batch, NFT_META_L4PROTO);
	put_compare(batch, NFT_CMP_EQ, &tcp, sizeof(tcp));
	put_port_lookup(batch, port_offset);
	put_meta(batch, NFT_META_MARK);
	put_compare(batch, NFT_CMP_NEQ, &mark, sizeof(mark));
	put_drop(batch);
	attr_close(batch, list);
	batch_end(batch);
}

static void put_everything(struct batch *batch, const uint16_t *ports, size_t n)
{
	batch_begin(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	batch_end(batch);
	put_table(batch);
	put_set(batch);
	for (size_t i = 0; i < n; i += NETLOCK_ELEMENTS_MAX)
		put_ports(batch, ports + i,
			  n - i < NETLOCK_ELEMENTS_MAX ? n - i : NETLOCK_ELEMENTS_MAX);
	put_chain(batch, "input", NF_INET_LOCAL_IN);
	put_rule(batch, "input", 2);
	put_chain(batch, "output", NF_INET_LOCAL_OUT);
	put_rule(batch, "output", 0);
	batch_begin(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	batch_end(batch);
}

/* The transaction is answered message by message, where one failed or an answer
 * was asked for (the first), once all of it is done or undone. */
static int netlock_await(int sock, uint32_t last)
{
	char data[8192] __attribute__((aligned(8)));
	bool answered = false;
	int r = 0;

	while (!answered && r == 0) {
		ssize_t n = recv(sock, data, sizeof(data), 0);
		size_t len = n < 0 ? 0 : (size_t)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPROTO;
		for (struct nlmsghdr *head = (struct nlmsghdr *)(void *)data; NLMSG_OK(head, len);
		     head = NLMSG_NEXT(head, len)) {
			const struct nlmsgerr *answer = NLMSG_DATA(head);

			if (head->nlmsg_type != NLMSG_ERROR || head->nlmsg_seq > last)
				continue;
			answered = true;
			if (r == 0)
				r = answer->error;
		}
	}
	return r;
}

static int netlock_lock(struct netlock *lock, const uint16_t *ports, size_t n)
{
	size_t size = 8192 + n * NETLOCK_ELEMENT_SIZE + n / NETLOCK_ELEMENTS_MAX * 256;
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(address);
	struct batch batch = { .size = size };
	_cleanup_free_ char *data = malloc(size);
	int buffer = (int)size * 2;

	if (!data)
		return -ENOMEM;
	batch.data = data;
	/* The kernel gave the socket a number of its own; so has the table. */
	if (bind(lock->sock, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(lock->sock, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	if (size > 65536)
		setsockopt(lock->sock, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
	snprintf(batch.table, sizeof(batch.table), "vcrun-%u", address.nl_pid);
	put_everything(&batch, ports, n);
	if (send(lock->sock, batch.data, batch.len, 0) < 0)
		return -errno;
	return netlock_await(lock->sock, batch.seq);
}

int netlock_new(const uint16_t *ports, size_t n, struct netlock **ret, struct vc_err *err)
{
	_cleanup_(netlock_freep) struct netlock *lock = calloc(1, sizeof(*lock));
	int r;

	if (!lock)
		return err_sys(err, ENOMEM, "hold TCP connections");
	lock->sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	r = lock->sock < 0 ? -errno : netlock_lock(lock, ports, n);
	if (r < 0)
		return err_sys(err, -r,
			       "hold its TCP connections still by nf_tables (which needs "
			       "CONFIG_NF_TABLES_INET, Linux 5.12, CAP_NET_ADMIN)");
	*ret = steal_ptr(lock);
	return 0;
}

void netlock_free(struct netlock *lock)
{
	if (!lock)
		return;
	if (lock->sock >= 0)
		close(lock->sock);
	free(lock);
}
