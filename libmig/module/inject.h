/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inject.h - system calls run in another process's thread
 *
 * The caller traces the thread (PTRACE_SEIZE), and the thread is in a ptrace-stop other
 * than the entry of a system call. All other threads that share its memory should be
 * stopped too. It may have been interrupted in a system call: that call is restarted, or
 * fails with EINTR, by the kernel's own rules, as if nothing had been injected. It may belong to
 * a stopped job: it is stopped again afterwards.
 *
 * While calls are injected all signals but SIGKILL and SIGSTOP are held back, seccomp
 * filters are suspended, and no instruction of the program runs. A call that sleeps
 * sleeps in the thread; the caller waits for it. Calls that replace the
 * thread's restart state (nanosleep, poll, futex with a timeout …) are for inject_break_off() only.
 * Not to be injected: exit, execve, fork.
 *
 * If the caller dies between inject_begin() and inject_end() the thread runs on with wrong
 * registers, and most likely crashes. That time is some 50 us a call.
 *
 * The thread's memory is its user's: what a call returns through memory is the user's word.
 */
#ifndef VC_LIBMIG_INJECT_H
#define VC_LIBMIG_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libmig/module/inject-arch.h"

#define INJECT_DATA_MAX 1024

/* One system call. */
struct inject_call {
	long nr;
	uint64_t args[INJECT_ARGS];
	unsigned int pointers; /* bit i: args[i] is an offset into data */
	uint32_t size;         /* of data; 0: none */
	uint8_t data[INJECT_DATA_MAX] __attribute__((aligned(8))); /* in, and out again */
};

/* The kernel's limit of syscall user dispatch's structure, which ptrace(2) reads and writes. */
struct inject_dispatch {
	uint64_t mode, selector, offset, len;
};

/* A thread that calls are injected into. Its fields are inject.c's. */
struct inject {
	pid_t pid, tid;
	struct inject_regs regs; /* as they were, and will be again */
	uint64_t mask;           /* likewise */
	struct inject_dispatch dispatch, next_dispatch;
	uint64_t instruction; /* 0: not found yet */
	int stop_signal;      /* taken while calls ran; 0: none */
	bool has_next_dispatch;
	bool ran;         /* registers are to be put back, or new ones put in */
	bool held_back;   /* signals are blocked, and system calls not dispatched to the program */
	uint64_t scratch; /* 0: none borrowed yet */
	uint8_t kept[INJECT_DATA_MAX];
};

/* 0 or -errno; then nothing has changed. */
int inject_begin(struct inject *inject, pid_t pid, pid_t tid);

/*
 * Runs the call. 0: it was made, *ret_value is its result or -errno, data what it left
 * there. -errno: it could not be made. -ESRCH: the thread is dead.
 */
int inject_run(struct inject *inject, struct inject_call *call, long *ret_value);

/*
 * The same for a call that sleeps: it is interrupted before it does, and *ret_value is mostly the
 * kernel's own number for how it is to be restarted. The kernel keeps in the thread what it needs
 * for that, in place of what it may have kept of another call.
 */
int inject_break_off(struct inject *inject, struct inject_call *call, long *ret_value);

/*
 * Registers other than those it had, from inject_end() on. The kernel looks then whether
 * they say that a system call was interrupted, and restarts it or not as after any signal.
 */
void inject_set_regs(struct inject *inject, const struct inject_regs *regs);

/* The thread's own system call dispatch: as it is, and what it is from inject_end() on. 0 or
 * -errno.
 */
int inject_get_dispatch(pid_t tid, struct inject_dispatch *ret);
void inject_set_dispatch(struct inject *inject, const struct inject_dispatch *dispatch);

/* Puts all back. The thread is in a ptrace-stop (PTRACE_EVENT_STOP) afterwards, if anything was
 * done; the caller may detach from it. 0 or -errno. */
int inject_end(struct inject *inject);

#endif
