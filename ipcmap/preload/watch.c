// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * watch.c - unblocks signals and sleeps without missing a handler in between
 *
 * No system call does both in one step for a futex. A handler that ran after the first and before
 * the second would be missed, and the sleep might never end. But the kernel saves the thread's
 * registers on the stack for each handler. So this file puts marks there and sleeps on them too.
 * futex_waitv(2) compares all words with their expected values and sleeps only if all are equal, in
 * one step.
 *
 * The place of the saved registers (x86-64: fpu__alloc_mathframe(), get_sigframe() of the kernel):
 * below the red zone, or at the top of the alternate stack, the kernel puts the state of the FPU at
 * a multiple of 64 bytes, and behind its end a word (FP_XSTATE_MAGIC2). Its size is a multiple of
 * 8. So the kernel writes one of the last 9 words at multiples of 8; all of them are marked. No
 * data of ours is there: the marks are set and read without a call in between.
 *
 * After a handler with SA_RESTART has interrupted the sleep, the kernel starts the sleep again,
 * which then finds a changed mark. To tell this from a handler that ran before the sleep, the saved
 * registers are read: the interrupted instruction, and RCX, into which a system call puts its
 * return address.
 */
#include "ipcmap/preload/watch.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#include "ipcmap/futex.h"

#if defined(__x86_64__) && !defined(__ILP32__) && defined(SYS_futex_waitv)

#define MARK 0x5aa5c33du
#define TRACE 0x46505845u /* FP_XSTATE_MAGIC2 */
#define MARKS 9
#define RED_ZONE 128
#define FRAME_MOST 16384 /* bytes below the marks in which saved registers may be */

struct watch_call {
	uint64_t blocked;             /*  0: the mask while asleep */
	uint64_t all;                 /*  8: and otherwise */
	struct futex_waitv *waiters;  /* 16: the word, then MARKS on the stack, then others */
	uint64_t n_waiters;           /* 24 */
	const struct timespec *until; /* 32 */
	int64_t result;               /* 40: the sleep's */
	uint64_t highest;             /* 48: address of the first mark on the stack */
	uint64_t changed;             /* 56: marks are not what they were */
	uint64_t sp;                  /* 64 */
	uint64_t sleeping;            /* 72: address of the instruction that sleeps */
};
_Static_assert(offsetof(struct watch_call, sleeping) == 72, "as the assembler has it");
_Static_assert(sizeof(struct futex_waitv) == 24, "as the assembler has it");

/* The saved registers that are needed, in the order of struct sigcontext. */
struct saved {
	uint64_t rcx, rsp, rip;
};

/* Finds a changed mark below an address. */
static inline __attribute__((always_inline, no_sanitize_address)) bool
marks_changed(uint64_t highest)
{
	bool changed = false;

	for (uint64_t at = highest & ~7ul, i = 0; i < MARKS; at -= 8, i++)
		changed = changed || *(const volatile uint32_t *)at != MARK;
	return changed;
}

static inline __attribute__((always_inline, no_sanitize_address)) bool
marks_traced(uint64_t highest)
{
	bool traced = false;

	for (uint64_t at = highest & ~7ul, i = 0; i < MARKS; at -= 8, i++)
		traced = traced || *(const volatile uint32_t *)at == TRACE;
	return traced;
}

/* The registers in the frame of a handler that interrupted watch_run(), whose stack pointer was sp;
 * NULL: not found. top: the end of the stack that has the frame. */
static inline __attribute__((always_inline, no_sanitize_address)) const struct saved *
saved_find(uint64_t top, const struct watch_call *call)
{
	for (uint64_t at = top - sizeof(struct saved); at > top - FRAME_MOST; at -= 8) {
		const struct saved *saved = (const struct saved *)at;

		if (saved->rsp == call->sp && saved->rip - call->sleeping + 256 < 512)
			return saved;
	}
	return NULL;
}

/* Sets the marks, unblocks signals, sleeps, blocks signals, and reads the marks. Reads *ret before
 * a call can overwrite it. altstack: the end of another stack on which the caller has set marks; 0:
 * there is none. */
static __attribute__((noinline, no_sanitize_address)) void
watch_run(struct watch_call *call, uint64_t altstack, struct saved *ret)
{
	const struct saved *saved = NULL;

	__asm__ volatile(
		"mov %%rsp, 64(%0)\n\t"
		"lea 4f(%%rip), %%rax\n\t"
		"mov %%rax, 72(%0)\n\t"
		"lea -%c[below](%%rsp), %%rax\n\t"
		"and $-8, %%rax\n\t"
		"mov %%rax, 48(%0)\n\t"
		"mov 16(%0), %%rdx\n\t"
		"mov $%c[marks], %%ecx\n"
		"1:\n\t"
		"movl $%c[mark], (%%rax)\n\t"
		"add $24, %%rdx\n\t"
		"mov %%rax, 8(%%rdx)\n\t"
		"sub $8, %%rax\n\t"
		"dec %%ecx\n\t"
		"jnz 1b\n\t"
		/* rt_sigprocmask(SIG_SETMASK, &blocked, NULL, 8) */
		"mov $%c[sigprocmask], %%eax\n\t"
		"mov $%c[setmask], %%edi\n\t"
		"mov %0, %%rsi\n\t"
		"xor %%edx, %%edx\n\t"
		"mov $8, %%r10d\n\t"
		"syscall\n\t"
		/* futex_waitv(waiters, n_waiters, 0, until, CLOCK_MONOTONIC) */
		"mov $%c[waitv], %%eax\n\t"
		"mov 16(%0), %%rdi\n\t"
		"mov 24(%0), %%rsi\n\t"
		"xor %%edx, %%edx\n\t"
		"mov 32(%0), %%r10\n\t"
		"mov $%c[clock], %%r8d\n"
		"4:\n\t"
		"syscall\n\t"
		"mov %%rax, 40(%0)\n\t"
		/* rt_sigprocmask(SIG_SETMASK, &all, &blocked, 8) */
		"mov $%c[sigprocmask], %%eax\n\t"
		"mov $%c[setmask], %%edi\n\t"
		"lea 8(%0), %%rsi\n\t"
		"mov %0, %%rdx\n\t"
		"mov $8, %%r10d\n\t"
		"syscall"
		:
		: "b"(call), [mark] "i"(MARK), [marks] "i"(MARKS), [below] "i"(RED_ZONE + 4),
		  [sigprocmask] "i"(SYS_rt_sigprocmask), [setmask] "i"(SIG_SETMASK),
		  [waitv] "i"(SYS_futex_waitv), [clock] "i"(CLOCK_MONOTONIC)
		: "rax", "rcx", "rdx", "rdi", "rsi", "r8", "r10", "r11", "cc", "memory");
	call->changed = marks_changed(call->highest) || (altstack && marks_changed(altstack - 4));
	if (marks_traced(call->highest))
		saved = saved_find(call->sp - RED_ZONE, call);
	else if (altstack && marks_traced(altstack - 4))
		saved = saved_find(altstack, call);
	if (saved)
		*ret = *saved;
}

/* The end of the alternate stack if handlers may run there; 0: they may not. */
static uint64_t watch_altstack(void)
{
	stack_t stack;

	if (sigaltstack(NULL, &stack) < 0 || stack.ss_flags & (SS_DISABLE | SS_ONSTACK) ||
	    stack.ss_size < (size_t)MINSIGSTKSZ)
		return 0;
	return (uint64_t)(uintptr_t)stack.ss_sp + stack.ss_size;
}

static int watch_result(const struct watch_call *call)
{
	switch (call->result) {
	case -ENOSYS:
	case -EPERM:
		return -ENOSYS;
	case -EINTR:
	case -ETIMEDOUT:
		return (int)call->result;
	default:
		return 0;
	}
}

int watch_sleep(uint64_t *blocked, uint32_t *word, uint32_t value, uint64_t deadline_usec,
		struct watch *ret)
{
	struct futex_waitv waiters[1 + 2 * MARKS];
	uint64_t altstack = watch_altstack();
	struct saved saved = { 0 };
	struct timespec until;
	struct watch_call call = {
		.blocked = *blocked,
		.all = UINT64_MAX,
		.waiters = waiters,
		.n_waiters = 1 + MARKS + (altstack ? MARKS : 0),
		.until = futex_deadline(deadline_usec, &until),
	};

	waiters[0] =
		(struct futex_waitv){ .val = value, .uaddr = (uintptr_t)word, .flags = FUTEX_32 };
	for (int i = 1; i < 1 + 2 * MARKS; i++)
		waiters[i] =
			(struct futex_waitv){ .val = MARK, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG };
	for (int i = 0; altstack && i < MARKS; i++) {
		uint64_t at = ((altstack - 4) & ~7ul) - 8ul * (unsigned int)i;

		*(uint32_t *)at = MARK;
		waiters[1 + MARKS + i].uaddr = at;
	}
	watch_run(&call, altstack, &saved);
	*blocked = call.blocked;
	/* A move can end the sleep like a handler. */
	*ret = (struct watch){ .handled = call.changed,
			       .restarted = call.changed && call.result != -EINTR &&
					    saved.rip == call.sleeping &&
					    saved.rcx == call.sleeping + 2 };
	if (call.result == -EINTR && !call.changed)
		return 0;
	return watch_result(&call);
}

#else

int watch_sleep(uint64_t *blocked, uint32_t *word, uint32_t value, uint64_t deadline_usec,
		struct watch *ret)
{
	(void)blocked;
	(void)word;
	(void)value;
	(void)deadline_usec;
	*ret = (struct watch){ 0 };
	return -ENOSYS;
}

#endif
