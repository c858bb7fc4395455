// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sign.c - threads that need not be asked
 *
 * Each call in a thread takes about 50 us, and more on a busy machine, because criu and the thread
 * take turns. The kernel's own data (peek.h) shows within a microsecond that a thread does not have
 * an attribute. The mover learns the meaning of the flags' bits on itself: it sets an attribute and
 * looks which bit changes. If it cannot read the kernel's data, it asks each thread.
 */
#include <stdlib.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libmig/kernel/peek.h"
#include "libmig/kernel/sight.h"
#include "libmig/state/priv.h"

#define SIGN_PORT 0x80 /* for diagnostic codes; nothing is written to it */

static struct {
	bool learned;
	uint64_t bits[STATE_SIGNS]; /* 0: not known */
} signs;

static const enum peek_word sign_words[STATE_SIGNS] = {
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
	enum peek_word word = sign_words[sign];

	if (peek_thread(peek, (pid_t)syscall(SYS_gettid), &own, NULL) < 0 ||
	    !(own.words_known >> word & 1))
		return 0;
	return own.words[word];
}

/* Returns the bits that are set only while the attribute is set. */
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
	/* No code executes CPUID in between. */
	return sign_learn_by(SYS_arch_prctl, peek, STATE_SIGN_CPUID,
			     (uint64_t[3]){ STATE_ARCH_SET_CPUID, 0, 0 },
			     (uint64_t[3]){ STATE_ARCH_SET_CPUID, 1, 0 });
#else
	return 0;
#endif
}

/* The range in which calls go to the kernel is all of memory. */
static uint64_t sign_learn_dispatch(const struct peek *peek)
{
	uint64_t before = sign_own(peek, STATE_SIGN_DISPATCH), during = 0;

	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, UINT64_MAX, NULL) == 0)
		during = sign_own(peek, STATE_SIGN_DISPATCH);
	prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, NULL);
	return during & ~before & ~sign_own(peek, STATE_SIGN_DISPATCH);
}

/* Flags of the scheduler change by themselves, so only bits that are set both times count. */
static uint64_t sign_learn_ports(const struct peek *peek)
{
	uint64_t bits = 0;

#ifdef __x86_64__
	bits = UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		uint64_t before = sign_own(peek, STATE_SIGN_PORTS), during = 0;

		if (ioperm(SIGN_PORT, 1, 1) == 0)
			during = sign_own(peek, STATE_SIGN_PORTS);
		ioperm(SIGN_PORT, 1, 0);
		bits &= during & ~before & ~sign_own(peek, STATE_SIGN_PORTS);
	}
#endif
	return bits;
}

void state_sign_learn(void)
{
	const struct peek *peek = sight_get()->peek;

	if (signs.learned || !peek)
		return;
	signs.learned = true;
	for (int sign = 0; sign < STATE_SIGNS; sign++)
		signs.bits[sign] = UINT64_MAX;
	signs.bits[STATE_SIGN_MCE] =
		sign_learn(peek, STATE_SIGN_MCE,
			   (uint64_t[3]){ PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY },
			   (uint64_t[3]){ PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0 });
	/* No code reads the TSC in between. */
	signs.bits[STATE_SIGN_TSC] =
		sign_learn(peek, STATE_SIGN_TSC, (uint64_t[3]){ PR_SET_TSC, PR_TSC_SIGSEGV, 0 },
			   (uint64_t[3]){ PR_SET_TSC, PR_TSC_ENABLE, 0 });
	signs.bits[STATE_SIGN_CPUID] = sign_learn_cpuid(peek);
	signs.bits[STATE_SIGN_FLUSHER] =
		sign_learn(peek, STATE_SIGN_FLUSHER, (uint64_t[3]){ PR_SET_IO_FLUSHER, 1, 0 },
			   (uint64_t[3]){ PR_SET_IO_FLUSHER, 0, 0 });
	signs.bits[STATE_SIGN_DISPATCH] = sign_learn_dispatch(peek);
	signs.bits[STATE_SIGN_PORTS] = sign_learn_ports(peek);
	signs.bits[STATE_SIGN_MDWE] = sight_get()->mdwe;
	/* PR_MCE_KILL_LATE sets one bit less. */
	if (signs.bits[STATE_SIGN_MCE])
		signs.bits[STATE_SIGN_MCE] |=
			sign_learn(peek, STATE_SIGN_MCE,
				   (uint64_t[3]){ PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE },
				   (uint64_t[3]){ PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0 });
}

void state_sign_see(struct state_proc *proc)
{
	const struct peek *peek = sight_get()->peek;

	if (peek && signs.learned)
		peek_process(peek, proc->pid, &proc->seen, &proc->n_seen, NULL);
}

bool state_sign_value(const struct state_proc *proc, pid_t tid, enum state_sign sign, uint64_t *ret)
{
	enum peek_word word = sign_words[sign];

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
	uint64_t value, bits = signs.bits[sign];

	return sign == STATE_SIGN_NONE || bits == 0 || !state_sign_value(proc, tid, sign, &value) ||
	       (value & bits);
}

bool state_sign_has(const struct state_proc *proc, pid_t tid, enum state_sign sign)
{
	uint64_t value, bits = signs.bits[sign];

	return bits != 0 && state_sign_value(proc, tid, sign, &value) && (value & bits) == bits;
}
