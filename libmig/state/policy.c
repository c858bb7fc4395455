// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * policy.c - memory policies of threads and mappings
 *
 * A policy names nodes of the source. In the target each node is replaced by the one at the same
 * position among the nodes that the job may use, as the kernel does when a cpuset's nodes change.
 * With MPOL_F_STATIC_NODES or MPOL_F_RELATIVE_NODES the numbers stay.
 */
#include "libmig/state/priv.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/mempolicy.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "common/text.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"

#define POLICY_NR_HOME_NODE 450 /* on every architecture, since Linux 5.17 */
#define POLICY_NODES_MAX 1024   /* the kernel's largest MAX_NUMNODES */

struct policy_nodes {
	uint64_t bits[POLICY_NODES_MAX / 64];
};

/* In the data of a call: the mode, then the nodes. */
struct policy {
	int32_t mode, unused;
	struct policy_nodes nodes;
};

static bool nodes_has(const struct policy_nodes *nodes, unsigned int node)
{
	return node < POLICY_NODES_MAX && (nodes->bits[node / 64] >> (node % 64) & 1);
}

static void nodes_set(struct policy_nodes *nodes, unsigned int node)
{
	if (node < POLICY_NODES_MAX)
		nodes->bits[node / 64] |= UINT64_C(1) << (node % 64);
}

static void nodes_parse(const char *list, struct policy_nodes *ret)
{
	unsigned long first, last;

	*ret = (struct policy_nodes){ 0 };
	while (text_next_range(&list, &first, &last))
		for (; first <= last && first < POLICY_NODES_MAX; first++)
			nodes_set(ret, (unsigned int)first);
}

/* The nodes that a process may use. Returns 0 or -errno. */
static int nodes_read_allowed(pid_t pid, struct policy_nodes *ret)
{
	_cleanup_free_ char *text = NULL;
	const char *list;

	if (proc_status(pid, &text) < 0)
		return -ESRCH;
	list = proc_field(text, "Mems_allowed_list");
	if (!list)
		return -ENOENT;
	nodes_parse(list, ret);
	return 0;
}

/* Replaces nodes by their positions among the allowed ones; drops those that are not allowed. */
static void nodes_to_positions(const struct policy_nodes *allowed, struct policy_nodes *nodes)
{
	struct policy_nodes positions = { 0 };

	for (unsigned int node = 0, position = 0; node < POLICY_NODES_MAX; node++) {
		if (!nodes_has(allowed, node))
			continue;
		if (nodes_has(nodes, node))
			nodes_set(&positions, position);
		position++;
	}
	*nodes = positions;
}

static void nodes_from_positions(const struct policy_nodes *allowed, struct policy_nodes *nodes)
{
	unsigned int list[POLICY_NODES_MAX], n = 0;
	struct policy_nodes result = { 0 };

	for (unsigned int node = 0; node < POLICY_NODES_MAX; node++)
		if (nodes_has(allowed, node))
			list[n++] = node;
	for (unsigned int position = 0; n > 0 && position < POLICY_NODES_MAX; position++)
		if (nodes_has(nodes, position))
			nodes_set(&result, list[position % n]);
	*nodes = result;
}

static bool policy_maps_nodes(int mode)
{
	return !(mode & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES));
}

/* Replaces the positions in a policy by nodes of the target. */
static int policy_adapt(const struct state_item *item, struct inject_call *call)
{
	struct policy policy;
	struct policy_nodes allowed;
	int r;

	memcpy(&policy, call->data, sizeof(policy));
	if (!policy_maps_nodes(policy.mode))
		return 0;
	r = nodes_read_allowed(item->pid, &allowed);
	if (r < 0)
		return r;
	nodes_from_positions(&allowed, &policy.nodes);
	memcpy(call->data, &policy, sizeof(policy));
	return 0;
}

static bool policy_has_nodes(int mode)
{
	mode &= ~MPOL_MODE_FLAGS;
	return mode != MPOL_DEFAULT && mode != MPOL_LOCAL;
}

/* Makes a policy the data of the item's call, with positions instead of nodes. Returns whether the
 * policy has nodes. */
static bool policy_fill(struct policy policy, const struct policy_nodes *allowed,
			struct state_item *item)
{
	if (policy_maps_nodes(policy.mode))
		nodes_to_positions(allowed, &policy.nodes);
	memcpy(item->call.data, &policy, sizeof(policy));
	item->call.size = sizeof(policy);
	item->adapt = policy_adapt;
	return policy_has_nodes(policy.mode);
}

static int policy_read_thread(const struct state_proc *proc, pid_t tid,
			      const struct policy_nodes *allowed)
{
	struct inject_call call = {
		.nr = __NR_get_mempolicy,
		.args = { 0, offsetof(struct policy, nodes), POLICY_NODES_MAX, 0, 0 },
		.pointers = 1 << 0 | 1 << 1,
		.size = sizeof(struct policy),
	};
	struct policy policy;
	struct state_item *item;
	long value;
	int r = state_ask(proc, tid, &call, &value);

	if (r < 0)
		return r;
	memcpy(&policy, call.data, sizeof(policy));
	if (value < 0 || policy.mode == MPOL_DEFAULT)
		return 0;
	item = state_add(proc, "the memory policy", tid);
	item->call.nr = __NR_set_mempolicy;
	item->call.args[0] = (uint32_t)policy.mode;
	if (policy_fill(policy, allowed, item)) {
		item->call.args[1] = offsetof(struct policy, nodes);
		item->call.args[2] = POLICY_NODES_MAX + 1; /* the kernel subtracts 1 */
		item->call.pointers = 1 << 1;
	}
	return 0;
}

int state_policy_read(const struct state_proc *proc)
{
	struct policy_nodes allowed;
	int r = nodes_read_allowed(proc->pid, &allowed);

	if (r < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < proc->n_tids; i++)
		if (state_sign_may_have(proc, proc->tids[i], STATE_SIGN_POLICY))
			r = policy_read_thread(proc, proc->tids[i], &allowed);
	return r;
}

/* --- policies of mappings ----------------------------------------------------------------- */

/* "bind=static:0-1" */
static bool policy_parse(const char *text, struct policy *ret)
{
	static const struct {
		const char *name;
		int mode;
	} modes[] = {
		{ "prefer (many)", MPOL_PREFERRED_MANY },
		{ "prefer", MPOL_PREFERRED },
		{ "bind", MPOL_BIND },
		{ "interleave", MPOL_INTERLEAVE },
		{ "local", MPOL_LOCAL },
		{ "weighted interleave", 6 },
	};
	size_t len = 0;

	*ret = (struct policy){ .mode = MPOL_DEFAULT };
	for (size_t i = 0; len == 0 && i < ARRAY_SIZE(modes); i++) {
		len = strlen(modes[i].name);
		if (strncmp(text, modes[i].name, len))
			len = 0;
		else
			ret->mode = modes[i].mode;
	}
	if (len == 0)
		return false;
	text += len;
	if (*text == '=' && !strncmp(text + 1, "static", 6))
		ret->mode |= MPOL_F_STATIC_NODES;
	else if (*text == '=' && !strncmp(text + 1, "relative", 8))
		ret->mode |= MPOL_F_RELATIVE_NODES;
	text += strcspn(text, ": \n");
	if (*text == ':')
		nodes_parse(text + 1, &ret->nodes);
	return true;
}

/* Splits "START bind:0 anon=1 …" into "START-" and the policy. */
static bool policy_split_line(const char *line, char ret_start[32], char ret[64])
{
	size_t len = strcspn(line, " \n"), policy;

	if (len > 30 || line[len] != ' ')
		return false;
	snprintf(ret_start, 32, "%.*s-", (int)len, line);
	line += len + 1;
	/* The names of two policies contain a space. */
	policy = !strncmp(line, "prefer (", 8) ? 7 : !strncmp(line, "weighted ", 9) ? 9 : 0;
	policy += strcspn(line + policy + (policy > 0), " \n") + (policy > 0);
	snprintf(ret, 64, "%.*s", (int)policy, line);
	return true;
}

/* A mapping without a policy shows that of the main thread. Finds it as the most frequent policy
 * (majority vote of Boyer and Moore). */
static void policy_usual(const char *text, char ret[64])
{
	size_t votes = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char start[32], own[64];

		line += *line == '\n';
		if (!policy_split_line(line, start, own))
			continue;
		if (votes == 0)
			memcpy(ret, own, sizeof(own));
		votes += strcmp(ret, own) ? (size_t)-1 : 1;
	}
	if (votes == 0)
		strcpy(ret, "default");
}

/* Home nodes of a process, read when a mapping of it may have one. */
struct policy_homes {
	struct peek_home *list;
	size_t n;
	bool looked;
};

static bool policy_has_home(int mode)
{
	mode &= ~MPOL_MODE_FLAGS;
	return mode == MPOL_BIND || mode == MPOL_PREFERRED_MANY;
}

static void policy_look_for_homes(const struct state_proc *proc, struct policy_homes *homes)
{
	if (!homes->looked && sight_get()->peek)
		peek_homes(proc->pid, &homes->list, &homes->n, NULL);
	homes->looked = true;
}

/* The call's data has the home node alone, and is not passed to the kernel. */
static int policy_adapt_home(const struct state_item *item, struct inject_call *call)
{
	int r = policy_adapt(item, call);
	struct policy home;

	memcpy(&home, call->data, sizeof(home));
	call->size = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(home.nodes.bits); i++) {
		if (home.nodes.bits[i] == 0)
			continue;
		call->args[2] = i * 64 + (size_t)__builtin_ctzll(home.nodes.bits[i]);
		return 0;
	}
	return r < 0 ? r : -ENODEV;
}

/* Adds the call of set_mempolicy_home_node(2) for a mapping that has a home node. */
static void policy_add_home(const struct state_proc *proc, const struct state_map *map, int mode,
			    const struct policy_nodes *allowed, const struct policy_homes *homes)
{
	for (size_t i = 0; i < homes->n; i++) {
		struct policy home = { .mode = mode };
		struct state_item *item;
		int node = homes->list[i].node;

		if (homes->list[i].start != map->start || node < 0 || node >= POLICY_NODES_MAX)
			continue;
		home.nodes.bits[node / 64] = 1ull << node % 64;
		item = state_maps_add(proc, "the home node of a mapping", map, POLICY_NR_HOME_NODE);
		policy_fill(home, allowed, item);
		item->adapt = policy_adapt_home;
	}
}

int state_policy_read_maps(const struct state_proc *proc)
{
	_cleanup_free_ char *text = NULL, *maps = NULL;
	struct policy_nodes allowed;
	struct policy_homes homes = { .n = 0 };
	char usual[64];
	char *save = NULL;

	if (proc_read_all(proc->pid, "numa_maps", STATE_MAPS_MAX, &text) < 0 ||
	    nodes_read_allowed(proc->pid, &allowed) < 0)
		return 0;
	if (proc_read_all(proc->pid, "maps", STATE_MAPS_MAX, &maps) < 0)
		return 0;
	policy_usual(text, usual);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char start[32], own[64];
		struct policy policy;
		struct state_item *item;
		struct state_map map;
		const char *at;

		if (!policy_split_line(line, start, own) || !strcmp(own, usual) ||
		    !policy_parse(own, &policy))
			continue;
		at = strstr(maps, start);
		if (!at || !state_maps_parse(at, &map))
			continue;
		item = state_maps_add(proc, "a mapping's memory policy", &map, __NR_mbind);
		item->call.args[2] = (uint32_t)policy.mode;
		if (policy_fill(policy, &allowed, item)) {
			item->call.args[3] = offsetof(struct policy, nodes);
			item->call.args[4] = POLICY_NODES_MAX + 1;
			item->call.pointers = 1 << 3;
		}
		if (policy_has_home(policy.mode)) {
			policy_look_for_homes(proc, &homes);
			policy_add_home(proc, &map, policy.mode, &allowed, &homes);
		}
	}
	free(homes.list);
	return 0;
}
