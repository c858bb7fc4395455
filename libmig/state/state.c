// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * state.c - attributes of processes that CRIU does not carry
 *
 * The tree's root is vcinit. It has no such attributes and is not asked.
 */
#include "libmig/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/proc.h"
#include "common/procdir.h"
#include "libmig/state/priv.h"

void state_free(struct state *state)
{
	if (!state)
		return;
	state_keys_free(state->keepers);
	free(state->items);
	free(state);
}

struct state_item *state_add(const struct state_proc *proc, const char *what, pid_t tid)
{
	struct state *state = proc->state;
	struct state_item *item = array_add(&state->items, &state->n);

	if (!item) {
		state->no_memory = true;
		item = &state->spare;
	}
	*item = (struct state_item){ .what = what, .pid = proc->pid, .tid = tid };
	return item;
}

int state_refuse(const struct state_proc *proc, const char *fmt, ...)
{
	char text[512], name[PROC_NAME];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	proc_name(proc->pid, name);
	return err_set(proc->state->err, EOPNOTSUPP, "pid %d (%s): %s", (int)proc->pid, name, text);
}

int state_ask(const struct state_proc *proc, pid_t tid, struct inject_call *call, long *ret_value)
{
	int r = hold_call(proc->hold, proc->pid, tid, call, ret_value);
	char name[PROC_NAME];

	/* It was killed. */
	if (r == -ESRCH) {
		*ret_value = -ESRCH;
		return 0;
	}
	proc_name(proc->pid, name);
	return r < 0 ? err_sys(proc->state->err, -r, "ask thread %d of pid %d (%s)", (int)tid,
			       (int)proc->pid, name)
		     : 0;
}

static int state_list_threads(struct state_proc *proc)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	pid_t tid;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)proc->pid);
	while ((tid = procdir_next_pid(&dir)) > 0) {
		pid_t *added = array_add(&proc->tids, &proc->n_tids);

		if (!added)
			return err_sys(proc->state->err, ENOMEM, "the job's threads");
		*added = tid;
	}
	return 0;
}

/* Reads one process while it runs (hold is NULL), or when it is frozen and held. */
static int state_take_process(struct state *state, struct hold *hold, pid_t pid)
{
	static int (*const running[])(const struct state_proc *) = { state_maps_read,
								     state_policy_read_maps };
	static int (*const frozen[])(const struct state_proc *) = {
		state_sched_read, state_policy_read,   state_mlockall_read,
		state_lock_read,  state_call_read,     state_keys_read,
		state_undo_read,  state_dispatch_read, state_segment_read_attached
	};
	struct state_proc proc = { .state = state, .hold = hold, .pid = pid };
	char process_state = 'Z';
	int r;

	if (proc_look(pid, &process_state, NULL) < 0)
		return 0;
	if (process_state == 'Z')
		return hold ? state_sched_read_zombie(&proc) : 0;
	r = state_list_threads(&proc);
	if (hold)
		state_sign_see(&proc);
	for (size_t i = 0; r == 0 && i < (hold ? ARRAY_SIZE(frozen) : ARRAY_SIZE(running)); i++)
		r = hold ? frozen[i](&proc) : running[i](&proc);
	free(proc.tids);
	free(proc.seen);
	return r;
}

static int state_take_all(struct state *state, struct hold *hold, const pid_t *pids, size_t n,
			  struct vc_err *err)
{
	struct state_proc root = { .state = state, .hold = hold, .pid = pids[0] };
	int r;

	state->err = err;
	r = hold ? state_segment_read(&root) : 0;
	for (size_t i = 1; r == 0 && i < n; i++)
		r = state_take_process(state, hold, pids[i]);
	if (r == 0 && state->no_memory)
		r = err_sys(err, ENOMEM, "the job's attributes");
	state->err = NULL;
	return r;
}

int state_look(const pid_t *pids, size_t n, struct state **ret, struct vc_err *err)
{
	_cleanup_(state_freep) struct state *state = calloc(1, sizeof(*state));
	int r;

	if (!state)
		return err_sys(err, ENOMEM, "the job's attributes");
	state_sign_learn();
	r = state_take_all(state, NULL, pids, n, err);
	if (r == 0)
		*ret = steal_ptr(state);
	return r;
}

int state_take(struct state *state, struct hold *hold, const pid_t *pids, size_t n,
	       struct vc_err *err)
{
	state_maps_check(state);
	return state_take_all(state, hold, pids, n, err);
}

bool state_is_needed(const struct state *state)
{
	for (size_t i = 0; state && i < state->n; i++)
		if (state->items[i].must)
			return true;
	return false;
}

static int state_put_item(const struct state_item *item, struct hold *hold)
{
	struct inject_call call;
	long value = 0;
	int r = 0;

	if (item->put)
		return item->put(item, hold);
	call = item->call;
	if (item->adapt)
		r = item->adapt(item, &call);
	if (r == 0)
		r = hold_call(hold, item->pid, item->tid, &call, &value);
	return r < 0 ? r : value < 0 ? (int)value : 0;
}

int state_put_back(const struct state *state, struct hold *hold, struct vc_err *ret_lost,
		   struct vc_err *err)
{
	for (int turn = 0; turn < STATE_TURNS; turn++) {
		for (size_t i = 0; state && i < state->n; i++) {
			const struct state_item *item = &state->items[i];
			int r = (int)item->turn == turn ? state_put_item(item, hold) : 0;

			/* -ESRCH: the thread was killed. */
			if (r == 0 || r == -ESRCH)
				continue;
			r = err_sys(item->must ? err : ret_lost, -r,
				    "%s of thread %d of pid %d could not be restored", item->what,
				    (int)item->tid, (int)item->pid);
			if (item->must)
				return r;
		}
	}
	return 0;
}
