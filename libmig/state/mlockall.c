// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mlockall.c - whether a process locks its future mappings (mlockall(2), MCL_FUTURE)
 *
 * No call shows it. So a page is mapped in the process: is it locked, and is it in memory? A
 * process whose limit does not permit one more locked page is refused. So is one that may not call
 * mlockall(2) any more, because the setting could not be restored.
 */
#include "libmig/state/priv.h"

#include <asm/unistd.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/cleanup.h"
#include "common/proc.h"

#define MLOCKALL_PAGE 4096

static uint64_t mlockall_kib(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	uint64_t kib = 0;

	if (proc_status(pid, &text) == 0)
		proc_number(text, "VmLck", 10, &kib);
	return kib;
}

int state_mlockall_read(const struct state_proc *proc)
{
	struct inject_call map = { .nr = __NR_mmap,
				   .args = { 0, MLOCKALL_PAGE, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX, 0 } };
	struct inject_call look = {
		.nr = __NR_mincore, .args = { 0, MLOCKALL_PAGE, 0 }, .pointers = 1 << 2, .size = 1
	};
	struct inject_call unmap = { .nr = __NR_munmap, .args = { 0, MLOCKALL_PAGE } };
	struct inject_call lock = { .nr = __NR_mlockall }, again;
	uint64_t before = mlockall_kib(proc->pid), after;
	struct state_item *item;
	long addr, value;
	int r;

	if (!state_sign_may_have(proc, proc->pid, STATE_SIGN_TO_COME))
		return 0;
	r = state_ask(proc, proc->pid, &map, &addr);
	if (r == 0 && addr == -EAGAIN)
		return state_refuse(proc,
				    "locks all future mappings (mlockall, MCL_FUTURE) and has "
				    "reached RLIMIT_MEMLOCK; raise the limit for the move");
	if (r < 0 || (addr < 0 && addr > -MLOCKALL_PAGE))
		return r;
	after = mlockall_kib(proc->pid);
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
				    "locks all future mappings (mlockall, MCL_FUTURE), which its "
				    "rights do not permit any more; raise RLIMIT_MEMLOCK for "
				    "the move");
	item = state_add(proc, "mlockall's MCL_FUTURE", proc->pid);
	item->call = lock;
	item->turn = STATE_LATE;
	return 0;
}
