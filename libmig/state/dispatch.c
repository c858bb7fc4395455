// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dispatch.c - system calls that go to the program and not to the kernel
 *
 * With PR_SET_SYSCALL_USER_DISPATCH, as emulators of other systems use it, a thread's own calls
 * raise SIGSYS. The calls that are made in it on the mover's behalf would, too: so the setting is
 * suspended for them (inject.h), and is given back as the last of all, by ptrace(2).
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
		return state_refuse(proc, "has its system calls dispatched to itself "
					  "(PR_SET_SYSCALL_USER_DISPATCH), which this kernel does "
					  "not tell (Linux 6.4 does); end that for the move");
	if (r < 0 || dispatch.mode == 0)
		return 0;
	item = state_add(proc->state, "PR_SET_SYSCALL_USER_DISPATCH", proc->pid, tid);
	if (!item)
		return -proc->state->err->code;
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
