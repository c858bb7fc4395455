// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memory.c - memory policies, and memory to come
 *
 * The nodes of a policy are the source's. In the target they are replaced by position, the
 * first node that the job may use by the first, as the kernel does when a cpuset's nodes
 * change; with MPOL_F_STATIC_NODES or MPOL_F_RELATIVE_NODES they are numbers that stay.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/state/priv.h"

#define STATE_STATUS_MAX 65536
#define STATE_PAGE 4096

static bool nodes_has(const struct state_nodes *nodes, unsigned int node)
{
	return node < STATE_NODES_MAX && (nodes->bits[node / 64] >> (node % 64) & 1);
}

static void nodes_set(struct state_nodes *nodes, unsigned int node)
{
	if (node < STATE_NODES_MAX)
		nodes->bits[node / 64] |= UINT64_C(1) << (node % 64);
}

/* "0-1,3" and whatever follows. */
void state_memory_parse_nodes(const char *text, struct state_nodes *ret)
{
	char *end;

	*ret = (struct state_nodes){ 0 };
	for (;; text = end + 1) {
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < STATE_NODES_MAX; first++)
			nodes_set(ret, (unsigned int)first);
		if (*end != ',')
			return;
	}
}

/* The nodes that a process may use. */
int state_memory_read_nodes(pid_t pid, struct state_nodes *ret)
{
	_cleanup_free_ char *text = NULL;
	const char *field;

	if (proc_status(pid, &text) < 0)
		return -ESRCH;
	field = proc_field(text, "Mems_allowed_list");
	if (!field)
		return -ENOENT;
	state_memory_parse_nodes(field, ret);
	return 0;
}

/* The nodes by their positions among those allowed; those that are none of these: dropped. */
static void nodes_to_positions(const struct state_nodes *allowed, struct state_nodes *nodes)
{
	struct state_nodes positions = { 0 };

	for (unsigned int node = 0, position = 0; node < STATE_NODES_MAX; node++) {
		if (!nodes_has(allowed, node))
			continue;
		if (nodes_has(nodes, node))
			nodes_set(&positions, position);
		position++;
	}
	*nodes = positions;
}

static void nodes_from_positions(const struct state_nodes *allowed, struct state_nodes *nodes)
{
	unsigned int list[STATE_NODES_MAX], n = 0;
	struct state_nodes result = { 0 };

	for (unsigned int node = 0; node < STATE_NODES_MAX; node++)
		if (nodes_has(allowed, node))
			list[n++] = node;
	for (unsigned int position = 0; n > 0 && position < STATE_NODES_MAX; position++)
		if (nodes_has(nodes, position))
			nodes_set(&result, list[position % n]);
	*nodes = result;
}

static bool policy_maps_nodes(int mode)
{
	return !(mode & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES));
}

/* The nodes are positions so far. */
int state_memory_adapt(const struct state_item *item, struct inject_call *call)
{
	struct state_policy policy;
	struct state_nodes allowed;
	int r;

	memcpy(&policy, call->data, sizeof(policy));
	if (!policy_maps_nodes(policy.mode))
		return 0;
	r = state_memory_read_nodes(item->pid, &allowed);
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

bool state_memory_fill(struct state_policy policy, const struct state_nodes *allowed,
		       struct state_item *item)
{
	if (policy_maps_nodes(policy.mode))
		nodes_to_positions(allowed, &policy.nodes);
	memcpy(item->call.data, &policy, sizeof(policy));
	item->call.size = sizeof(policy);
	item->adapt = state_memory_adapt;
	return policy_has_nodes(policy.mode);
}

static int state_read_policy(const struct state_proc *proc, pid_t tid,
			     const struct state_nodes *allowed)
{
	struct inject_call call = {
		.nr = __NR_get_mempolicy,
		.args = { 0, offsetof(struct state_policy, nodes), STATE_NODES_MAX, 0, 0 },
		.pointers = 1 << 0 | 1 << 1,
		.size = sizeof(struct state_policy),
	};
	struct state_policy policy;
	struct state_item *item;
	long value;
	int r = state_ask(proc, tid, &call, &value);

	if (r < 0)
		return r;
	memcpy(&policy, call.data, sizeof(policy));
	if (value < 0 || policy.mode == MPOL_DEFAULT)
		return 0;
	item = state_add(proc->state, "the memory policy", proc->pid, tid);
	if (!item)
		return -proc->state->err->code;
	item->call.nr = __NR_set_mempolicy;
	item->call.args[0] = (uint32_t)policy.mode;
	if (state_memory_fill(policy, allowed, item)) {
		item->call.args[1] = offsetof(struct state_policy, nodes);
		item->call.args[2] = STATE_NODES_MAX + 1; /* the kernel takes one off */
		item->call.pointers = 1 << 1;
	}
	return 0;
}

static uint64_t memory_locked_kib(pid_t pid)
{
	unsigned long long kib = 0;

	proc_scan(pid, "VmLck", "%llu", &kib);
	return kib;
}

/*
 * No call tells whether memory to come will be locked (mlockall(2), MCL_FUTURE). So a page is
 * mapped, and it is seen whether that is locked, and whether it is there. A process that may not
 * lock a page more cannot be asked so, and one that may not lock any could not be given it back.
 */
static int state_read_locking(const struct state_proc *proc)
{
	struct inject_call map = { .nr = __NR_mmap,
				   .args = { 0, STATE_PAGE, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0 } };
	struct inject_call look = {
		.nr = __NR_mincore, .args = { 0, STATE_PAGE, 0 }, .pointers = 1 << 2, .size = 1
	};
	struct inject_call unmap = { .nr = __NR_munmap, .args = { 0, STATE_PAGE } };
	struct inject_call lock = { .nr = __NR_mlockall }, again;
	uint64_t before = memory_locked_kib(proc->pid), after;
	struct state_item *item;
	long addr, value;
	int r;

	if (!state_sign_may_have(proc, proc->pid, STATE_SIGN_TO_COME))
		return 0;
	r = state_ask(proc, proc->pid, &map, &addr);
	if (r == 0 && addr == -EAGAIN)
		return state_refuse(proc,
				    "locks all memory to come (mlockall, MCL_FUTURE), and has "
				    "locked as much as RLIMIT_MEMLOCK permits; raise that limit "
				    "for the move");
	if (r < 0 || (addr < 0 && addr > -STATE_PAGE))
		return r;
	after = memory_locked_kib(proc->pid);
	look.args[0] = unmap.args[0] = (uint64_t)addr;
	r = state_ask(proc, proc->pid, &look, &value);
	if (r == 0)
		r = state_ask(proc, proc->pid, &unmap, &value);
	if (r < 0 || after == before)
		return r;
	lock.args[0] = MCL_FUTURE | (look.data[0] & 1 ? 0 : MCL_ONFAULT);
	again = lock;
	r = state_ask(proc, proc->pid, &again, &value);
	if (r < 0)
		return r;
	if (value < 0)
		return state_refuse(proc,
				    "locks all memory to come (mlockall, MCL_FUTURE), and may "
				    "not do so any more; raise RLIMIT_MEMLOCK for the move");
	item = state_add(proc->state, "mlockall's MCL_FUTURE", proc->pid, proc->pid);
	if (!item)
		return -proc->state->err->code;
	item->call = lock;
	item->turn = STATE_LATE;
	return 0;
}

int state_memory_read(const struct state_proc *proc)
{
	struct state_nodes allowed;
	int r = state_memory_read_nodes(proc->pid, &allowed);

	if (r < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < proc->n_tids; i++)
		if (state_sign_may_have(proc, proc->tids[i], STATE_SIGN_POLICY))
			r = state_read_policy(proc, proc->tids[i], &allowed);
	return r < 0 ? r : state_read_locking(proc);
}
