/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inject.h - runs system calls in a thread of another process (libmig's own, and its module's)
 *
 * The caller traces the thread (PTRACE_SEIZE), and the thread is in a ptrace-stop, but not at the
 * entry of a system call. All other threads that share its memory should be stopped. If the thread
 * was interrupted in a system call, the kernel restarts it or returns EINTR, by its own rules, as
 * if no call had been injected. A thread of a stopped job is stopped again afterwards.
 *
 * During the calls all signals except SIGKILL and SIGSTOP are blocked, seccomp filters are
 * suspended, and no instruction of the program runs. The caller waits for a call that sleeps. A
 * call that replaces the thread's restart state (nanosleep, poll, futex with a timeout …) is for
 * inject_break_off() only. exit, execve and fork must not be injected.
 *
 * If the caller dies between inject_begin() and inject_end(), the thread runs on with wrong
 * registers and probably crashes. That time is about 50 us for each call.
 *
 * The job's user can change the thread's memory, so results in memory can be forged.
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
	uint8_t data[INJECT_DATA_MAX] __attribute__((aligned(8))); /* in and out */
};

/* The kernel's structure of system call user dispatch, for ptrace(2). */
struct inject_dispatch {
	uint64_t mode, selector, offset, len;
};

/* A thread into which calls are injected. Its fields are private, but for patience_usec. */
struct inject {
	pid_t pid, tid;
	uint64_t patience_usec; /* the caller may set it after inject_begin(): see inject_await() */
	struct inject_regs regs; /* before and after the calls */
	uint64_t mask;           /* of blocked signals, likewise */
	struct inject_dispatch dispatch, next_dispatch;
	uint64_t instruction; /* 0: not found yet */
	int stop_signal;      /* taken while calls ran; 0: none */
	bool has_next_dispatch;
	bool ran;         /* inject_end() must set registers */
	bool held_back;   /* signals are blocked and user dispatch is suspended */
	uint64_t scratch; /* 0: none borrowed yet */
	uint8_t kept[INJECT_DATA_MAX];
};

/*
 * Waits until a tracee stops or ends; tid -1: any. Returns its number, or -errno. -ETIMEDOUT: none
 * did. patience_usec 0: without a limit; otherwise SIGCHLD has to be blocked and not ignored.
 */
pid_t inject_await(pid_t tid, uint64_t patience_usec, int *ret_status);

/* Prepares a thread. Returns 0, or -errno: nothing has changed. */
int inject_begin(struct inject *inject, pid_t pid, pid_t tid);

/* Runs a call. Returns 0 with its result or -errno in *ret_value and its output in data. -errno: it
 * could not be run. -ESRCH: the thread has ended. -EPERM: it made another call, which was skipped.
 * -ETIMEDOUT: it did not stop in time; it is stopped after the call if the kernel lets it. */
int inject_run(struct inject *inject, struct inject_call *call, long *ret_value);

/*
 * Runs a call that sleeps, and interrupts it before it sleeps. *ret_value is mostly one of the
 * kernel's internal errors, which say how it restarts the call. The kernel keeps data for the
 * restart in the thread, and forgets that of an earlier call.
 */
int inject_break_off(struct inject *inject, struct inject_call *call, long *ret_value);

/* Sets other registers, from inject_end() on. If they say that a system call was interrupted, the
 * kernel restarts it or not as after any signal. */
void inject_set_regs(struct inject *inject, const struct inject_regs *regs);

/* Reads the thread's system call user dispatch; sets it, from inject_end() on. Returns 0 or -errno.
 */
int inject_get_dispatch(pid_t tid, struct inject_dispatch *ret);
void inject_set_dispatch(struct inject *inject, const struct inject_dispatch *dispatch);

/* Restores the thread. If a call was run, it is in a ptrace-stop (PTRACE_EVENT_STOP) then. The
 * caller may detach. Returns 0 or -errno. */
int inject_end(struct inject *inject);

#endif
