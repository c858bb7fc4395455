// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * call.c - attributes that one system call tells and another sets
 *
 * One row each. The value is in a register, or an int in memory. A value with which every process
 * begins (usual) is not put back.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/state/priv.h"

/* Younger than the headers of some of the systems that this is built on. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef PR_SPEC_L1D_FLUSH
#define PR_SPEC_L1D_FLUSH 2
#endif

#define CALL_VALUE UINT64_MAX /* among the arguments: is replaced by the value */

struct state_call {
	const char *what;
	bool each_thread, must, late;
	bool in_memory; /* the second argument is the value's address */
	long nr;
	uint64_t get[2], set[4];
	long usual;
	enum state_sign sign;
};

static const struct state_call call_rows[] = {
	{ .what = "PR_SET_MDWE",
	  .must = true,
	  .late = true,
	  .nr = __NR_prctl,
	  .get = { PR_GET_MDWE },
	  .set = { PR_SET_MDWE, CALL_VALUE },
	  .sign = STATE_SIGN_MDWE },
	{ .what = "PR_SET_TSC",
	  .each_thread = true,
	  .must = true,
	  .in_memory = true,
	  .nr = __NR_prctl,
	  .get = { PR_GET_TSC },
	  .set = { PR_SET_TSC, CALL_VALUE },
	  .usual = PR_TSC_ENABLE,
	  .sign = STATE_SIGN_TSC },
	{ .what = "the machine check policy",
	  .each_thread = true,
	  .nr = __NR_prctl,
	  .get = { PR_MCE_KILL_GET },
	  .set = { PR_MCE_KILL, PR_MCE_KILL_SET, CALL_VALUE },
	  .usual = PR_MCE_KILL_DEFAULT,
	  .sign = STATE_SIGN_MCE },
	{ .what = "PR_SET_IO_FLUSHER",
	  .each_thread = true,
	  .nr = __NR_prctl,
	  .get = { PR_GET_IO_FLUSHER },
	  .set = { PR_SET_IO_FLUSHER, CALL_VALUE },
	  .sign = STATE_SIGN_FLUSHER },
	{ .what = "the keyring for requested keys",
	  .each_thread = true,
	  .nr = __NR_keyctl,
	  .get = { KEYCTL_SET_REQKEY_KEYRING, (uint64_t)KEY_REQKEY_DEFL_NO_CHANGE },
	  .set = { KEYCTL_SET_REQKEY_KEYRING, CALL_VALUE },
	  .usual = KEY_REQKEY_DEFL_DEFAULT,
	  .sign = STATE_SIGN_REQUEST_KEYRING },
	{ .what = "PR_SPEC_L1D_FLUSH",
	  .each_thread = true,
	  .must = true,
	  .nr = __NR_prctl,
	  .get = { PR_GET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH },
	  .set = { PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE },
	  .usual = PR_SPEC_PRCTL | PR_SPEC_DISABLE },
#ifdef __x86_64__
	{ .what = "ARCH_SET_CPUID",
	  .each_thread = true,
	  .must = true,
	  .nr = __NR_arch_prctl,
	  .get = { STATE_ARCH_GET_CPUID },
	  .set = { STATE_ARCH_SET_CPUID, CALL_VALUE },
	  .usual = 1,
	  .sign = STATE_SIGN_CPUID },
#endif
};

static int call_read(const struct state_proc *proc, pid_t tid, const struct state_call *row)
{
	struct inject_call call = { .nr = row->nr };
	struct state_item *item;
	int32_t in_memory = -1;
	long value;
	int r;

	memcpy(call.args, row->get, sizeof(row->get));
	if (row->in_memory) {
		call.pointers = 1 << 1;
		call.size = sizeof(in_memory);
	}
	r = state_ask(proc, tid, &call, &value);
	if (r < 0)
		return r;
	memcpy(&in_memory, call.data, sizeof(in_memory));
	if (value >= 0 && row->in_memory)
		value = in_memory;
	if (value == -EPERM && row->sign == STATE_SIGN_FLUSHER &&
	    state_sign_has(proc, tid, STATE_SIGN_FLUSHER))
		return state_refuse(
			proc,
			"has set %s and has given up CAP_SYS_RESOURCE, without which the "
			"setting cannot be restored; keep the capability, or end the "
			"setting before the move",
			row->what);
	/* Negative: this kernel or processor does not have the attribute. */
	if (value < 0 || value == row->usual)
		return 0;
	item = state_add(proc, row->what, tid);
	item->must = row->must;
	item->turn = row->late ? STATE_LATE : STATE_EARLY;
	item->call.nr = row->nr;
	for (size_t i = 0; i < ARRAY_SIZE(row->set); i++)
		item->call.args[i] = row->set[i] == CALL_VALUE ? (uint64_t)value : row->set[i];
	return 0;
}

/* Lines of a thread's status about mitigations that the thread has asked for. */
static const struct {
	const char *line;
	uint64_t which, control;
} call_speculations[] = {
	{ "\nSpeculation_Store_Bypass:\tthread force mitigated", PR_SPEC_STORE_BYPASS,
	  PR_SPEC_FORCE_DISABLE },
	{ "\nSpeculation_Store_Bypass:\tthread mitigated", PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE },
	{ "\nSpeculationIndirectBranch:\tconditional force disabled", PR_SPEC_INDIRECT_BRANCH,
	  PR_SPEC_FORCE_DISABLE },
	{ "\nSpeculationIndirectBranch:\tconditional disabled", PR_SPEC_INDIRECT_BRANCH,
	  PR_SPEC_DISABLE },
};

static void call_read_speculation(const struct state_proc *proc, pid_t tid)
{
	_cleanup_free_ char *text = NULL;

	if (proc_status(tid, &text) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(call_speculations); i++) {
		struct state_item *item;

		if (!strstr(text, call_speculations[i].line))
			continue;
		item = state_add(proc, "PR_SET_SPECULATION_CTRL", tid);
		item->must = true;
		item->call = (struct inject_call){ .nr = __NR_prctl,
						   .args = { PR_SET_SPECULATION_CTRL,
							     call_speculations[i].which,
							     call_speculations[i].control } };
	}
}

/* Whether threads can ask for mitigations on this machine. */
static bool call_may_speculate(void)
{
	_cleanup_free_ char *text = NULL;

	return proc_status(getpid(), &text) < 0 ||
	       strstr(text, "Speculation_Store_Bypass:\tthread") ||
	       strstr(text, "SpeculationIndirectBranch:\tconditional");
}

#ifdef __x86_64__
/* Wine and programs for 16 bits have segments of their own. */
static int call_read_segments(const struct state_proc *proc)
{
	struct inject_call call = {
		.nr = __NR_modify_ldt, .args = { 0, 0, 8 }, .pointers = 1 << 1, .size = 8
	};
	long value = 0;
	int r = 0;

	if (state_sign_may_have(proc, proc->pid, STATE_SIGN_SEGMENTS))
		r = state_ask(proc, proc->pid, &call, &value);
	if (r == 0 && value > 0)
		r = state_refuse(proc, "has segments of its own (modify_ldt), which cannot be "
				       "carried; end the process before the move");
	return r;
}

static int call_read_ports(const struct state_proc *proc, pid_t tid)
{
	return state_sign_has(proc, tid, STATE_SIGN_PORTS)
		       ? state_refuse(proc,
				      "may use I/O ports (ioperm, iopl), which cannot be "
				      "carried; make the program give them up before the move")
		       : 0;
}
#endif

/* Whether a thread can have set the attribute: if this process may not ask for it, no process of
 * the job can set it, and not every processor can hide its features (ARCH_SET_CPUID). */
static bool call_is_possible(const struct state_call *row)
{
	if (row->get[0] == PR_GET_IO_FLUSHER && row->nr == __NR_prctl)
		return prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) >= 0;
	if (row->get[0] == PR_GET_SPECULATION_CTRL && row->nr == __NR_prctl) {
		int r = prctl(PR_GET_SPECULATION_CTRL, row->get[1], 0, 0, 0);

		return r >= 0 && (r & PR_SPEC_PRCTL);
	}
#ifdef __x86_64__
	if (row->nr == __NR_arch_prctl)
		return syscall(__NR_arch_prctl, STATE_ARCH_SET_CPUID, 1) == 0;
#endif
	return true;
}

int state_call_read(const struct state_proc *proc)
{
	int r = 0;

#ifdef __x86_64__
	r = call_read_segments(proc);
	for (size_t i = 0; r == 0 && i < proc->n_tids; i++)
		r = call_read_ports(proc, proc->tids[i]);
#endif
	if (call_may_speculate())
		for (size_t i = 0; r == 0 && i < proc->n_tids; i++)
			call_read_speculation(proc, proc->tids[i]);
	for (size_t i = 0; i < proc->n_tids; i++)
		for (size_t k = 0; r == 0 && k < ARRAY_SIZE(call_rows); k++)
			if ((call_rows[k].each_thread || proc->tids[i] == proc->pid) &&
			    state_sign_may_have(proc, proc->tids[i], call_rows[k].sign) &&
			    call_is_possible(&call_rows[k]))
				r = call_read(proc, proc->tids[i], &call_rows[k]);
	return r;
}
