// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sign.c - threads that need not be asked
 *
 * To ask a thread costs some 50 us a question, and more on a busy machine, since criu and the
 * thread take turns. The kernel's own data (peek.h) shows in a microsecond that there is nothing
 * to ask for. Which bit of a thread's flags stands for what is found out on ourselves. Where
 * the kernel's data cannot be seen, each thread is asked.
 */
#include <errno.h>
#include <stdlib.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"
#include "libmig/state/priv.h"

#define STATE_PORT 0x80 /* for diagnostic codes; nothing is written to it */

static struct {
	bool learned;
	uint64_t bits[STATE_SIGNS]; /* 0: not known */
} state_signs;

static const enum peek_word state_words[STATE_SIGNS] = {
	[STATE_SIGN_MCE] = PEEK_FLAGS,
	[STATE_SIGN_TSC] = PEEK_THREAD_FLAGS,
	[STATE_SIGN_CPUID] = PEEK_THREAD_FLAGS,
	[STATE_SIGN_DISPATCH] = PEEK_SYSCALL_WORK,
	[STATE_SIGN_REQUEST_KEYRING] = PEEK_REQUEST_KEYRING,
	[STATE_SIGN_POLICY] = PEEK_POLICY,
	[STATE_SIGN_SESSION_KEYRING] = PEEK_SESSION_KEYRING,
	[STATE_SIGN_PROCESS_KEYRING] = PEEK_PROCESS_KEYRING,
	[STATE_SIGN_THREAD_KEYRING] = PEEK_THREAD_KEYRING,
	[STATE_SIGN_SEGMENTS] = PEEK_SEGMENTS,
	[STATE_SIGN_TO_COME] = PEEK_TO_COME,
	[STATE_SIGN_UNDO] = PEEK_UNDO,
	[STATE_SIGN_FLUSHER] = PEEK_FLAGS,
	[STATE_SIGN_PORTS] = PEEK_THREAD_FLAGS,
};

static uint64_t sign_own(const struct peek *peek, enum state_sign sign)
{
	struct peek_task own;
	enum peek_word word = state_words[sign];

	if (peek_thread(peek, (pid_t)syscall(SYS_gettid), &own, NULL) < 0 ||
	    !(own.words_known >> word & 1))
		return 0;
	return own.words[word];
}

/* The bits that are there only while an attribute is set. */
static uint64_t sign_learn_by(long nr, const struct peek *peek, enum state_sign sign,
			      const uint64_t set[3], const uint64_t reset[3])
{
	uint64_t before = sign_own(peek, sign), during = 0;

	if (syscall(nr, set[0], set[1], set[2], 0, 0) == 0)
		during = sign_own(peek, sign);
	syscall(nr, reset[0], reset[1], reset[2], 0, 0);
	return during & ~before & ~sign_own(peek, sign);
}

static uint64_t sign_learn(const struct peek *peek, enum state_sign sign, const uint64_t set[3],
			   const uint64_t reset[3])
{
	return sign_learn_by(SYS_prctl, peek, sign, set, reset);
}

static uint64_t sign_learn_cpuid(const struct peek *peek)
{
#ifdef __x86_64__
	/* Nothing in between executes that instruction. */
	return sign_learn_by(SYS_arch_prctl, peek, STATE_SIGN_CPUID,
			     (uint64_t[3]){ STATE_ARCH_SET_CPUID, 0, 0 },
			     (uint64_t[3]){ STATE_ARCH_SET_CPUID, 1, 0 });
#else
	return 0;
#endif
}

/* All of memory is where calls go to the kernel as ever. */
static uint64_t sign_learn_dispatch(const struct peek *peek)
{
	uint64_t before = sign_own(peek, STATE_SIGN_DISPATCH), during = 0;

	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, UINT64_MAX, NULL) == 0)
		during = sign_own(peek, STATE_SIGN_DISPATCH);
	prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, NULL);
	return during & ~before & ~sign_own(peek, STATE_SIGN_DISPATCH);
}

/* Flags of the scheduler's come and go by themselves: only what is there both times. */
static uint64_t sign_learn_ports(const struct peek *peek)
{
	uint64_t bits = 0;

#ifdef __x86_64__
	bits = UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		uint64_t before = sign_own(peek, STATE_SIGN_PORTS), during = 0;

		if (ioperm(STATE_PORT, 1, 1) == 0)
			during = sign_own(peek, STATE_SIGN_PORTS);
		ioperm(STATE_PORT, 1, 0);
		bits &= during & ~before & ~sign_own(peek, STATE_SIGN_PORTS);
	}
#endif
	return bits;
}

void state_sign_learn(void)
{
	const struct peek *peek = sight_get()->peek;

	if (state_signs.learned || !peek)
		return;
	state_signs.learned = true;
	for (int sign = 0; sign < STATE_SIGNS; sign++)
		state_signs.bits[sign] = UINT64_MAX;
	state_signs.bits[STATE_SIGN_MCE] =
		sign_learn(peek, STATE_SIGN_MCE,
			   (uint64_t[3]){ PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY },
			   (uint64_t[3]){ PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0 });
	/* Nothing in between reads that counter. */
	state_signs.bits[STATE_SIGN_TSC] =
		sign_learn(peek, STATE_SIGN_TSC, (uint64_t[3]){ PR_SET_TSC, PR_TSC_SIGSEGV, 0 },
			   (uint64_t[3]){ PR_SET_TSC, PR_TSC_ENABLE, 0 });
	state_signs.bits[STATE_SIGN_CPUID] = sign_learn_cpuid(peek);
	state_signs.bits[STATE_SIGN_FLUSHER] =
		sign_learn(peek, STATE_SIGN_FLUSHER, (uint64_t[3]){ PR_SET_IO_FLUSHER, 1, 0 },
			   (uint64_t[3]){ PR_SET_IO_FLUSHER, 0, 0 });
	state_signs.bits[STATE_SIGN_DISPATCH] = sign_learn_dispatch(peek);
	state_signs.bits[STATE_SIGN_PORTS] = sign_learn_ports(peek);
	state_signs.bits[STATE_SIGN_MDWE] = sight_get()->mdwe;
	/* Late is a setting of its own, and has a bit less. */
	if (state_signs.bits[STATE_SIGN_MCE])
		state_signs.bits[STATE_SIGN_MCE] |=
			sign_learn(peek, STATE_SIGN_MCE,
				   (uint64_t[3]){ PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE },
				   (uint64_t[3]){ PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0 });
}

void state_sign_see(struct state_proc *proc)
{
	const struct peek *peek = sight_get()->peek;

	if (peek && state_signs.learned)
		peek_process(peek, proc->pid, &proc->seen, &proc->n_seen, NULL);
}

bool state_sign_value(const struct state_proc *proc, pid_t tid, enum state_sign sign, uint64_t *ret)
{
	enum peek_word word = state_words[sign];

	for (size_t i = 0; i < proc->n_seen; i++) {
		if (proc->seen[i].tid == tid && sign == STATE_SIGN_MDWE) {
			*ret = proc->seen[i].mm_flags;
			return true;
		}
		if (proc->seen[i].tid != tid || !(proc->seen[i].words_known >> word & 1))
			continue;
		*ret = proc->seen[i].words[word];
		return true;
	}
	return false;
}

bool state_sign_may_have(const struct state_proc *proc, pid_t tid, enum state_sign sign)
{
	uint64_t value, bits = state_signs.bits[sign];

	return sign == STATE_SIGN_NONE || bits == 0 || !state_sign_value(proc, tid, sign, &value) ||
	       (value & bits);
}

bool state_sign_has(const struct state_proc *proc, pid_t tid, enum state_sign sign)
{
	uint64_t value, bits = state_signs.bits[sign];

	return bits != 0 && state_sign_value(proc, tid, sign, &value) && (value & bits) == bits;
}
