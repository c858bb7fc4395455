// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dispatch.c - system calls that go to the program and not to the kernel
 *
 * With PR_SET_SYSCALL_USER_DISPATCH, which emulators use, a thread's own calls raise SIGSYS. So
 * would the calls that the mover injects. inject.h therefore suspends the setting while it injects
 * calls, and restores it last, by ptrace(2).
 */
#include <string.h>

#include "libmig/state/priv.h"

static int dispatch_put(const struct state_item *item, struct hold *hold)
{
	struct inject_dispatch dispatch;

	memcpy(&dispatch, item->call.data, sizeof(dispatch));
	return hold_set_dispatch(hold, item->pid, item->tid, &dispatch);
}

static int dispatch_read(const struct state_proc *proc, pid_t tid)
{
	struct inject_dispatch dispatch = { 0 };
	struct state_item *item;
	int r = hold_get_dispatch(proc->hold, proc->pid, tid, &dispatch);

	if (r < 0 && state_sign_has(proc, tid, STATE_SIGN_DISPATCH))
		return state_refuse(proc,
				    "dispatches its system calls to itself "
				    "(PR_SET_SYSCALL_USER_DISPATCH), and kernels before Linux "
				    "6.4 do not show how; end the dispatch before the move");
	if (r < 0 || dispatch.mode == 0)
		return 0;
	item = state_add(proc, "PR_SET_SYSCALL_USER_DISPATCH", tid);
	item->must = true;
	item->turn = STATE_LATE;
	item->put = dispatch_put;
	memcpy(item->call.data, &dispatch, sizeof(dispatch));
	return 0;
}

int state_dispatch_read(const struct state_proc *proc)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < proc->n_tids; i++)
		if (state_sign_may_have(proc, proc->tids[i], STATE_SIGN_DISPATCH))
			r = dispatch_read(proc, proc->tids[i]);
	return r;
}
