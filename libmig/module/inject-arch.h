/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inject-arch.h - the registers of a thread for system calls
 *
 * Only this file depends on the architecture. It has the instruction of a system call, and the
 * registers of its number, arguments and result.
 *
 * The kernel restarts a call if the registers say that it was interrupted. x86-64 checks orig_rax
 * when it leaves its signal code, arm64 a number of its own when it enters it. An injected call
 * must not look like an interrupted one.
 */
#ifndef VC_LIBMIG_INJECT_ARCH_H
#define VC_LIBMIG_INJECT_ARCH_H

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#define INJECT_ARGS 6

/* The kernel's internal errors, which say how it restarts an interrupted system call. */
#define INJECT_RESTART 512           /* ERESTARTSYS: unless a handler without SA_RESTART runs */
#define INJECT_RESTART_ALWAYS 513    /* ERESTARTNOINTR */
#define INJECT_RESTART_UNHANDLED 514 /* ERESTARTNOHAND: unless a handler runs */
#define INJECT_RESTART_BLOCK 516     /* likewise, with data that the kernel has kept */

#if defined(__x86_64__)

#define INJECT_INSTRUCTION "\x0f\x05"
#define INJECT_INSTRUCTION_STEP 1 /* bytes between possible places */
#define INJECT_RED_ZONE 128
#define INJECT_CS 0x33 /* 64-bit user code */
#define INJECT_AUDIT_ARCH AUDIT_ARCH_X86_64

struct inject_regs {
	struct user_regs_struct user;
};

static inline int inject_regs_read(pid_t tid, struct inject_regs *ret)
{
	struct iovec iov = { .iov_base = &ret->user, .iov_len = sizeof(ret->user) };

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

static inline int inject_regs_write(pid_t tid, const struct inject_regs *regs)
{
	struct iovec iov = { .iov_base = (void *)&regs->user, .iov_len = sizeof(regs->user) };

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

static inline uint64_t inject_regs_sp(const struct inject_regs *regs)
{
	return regs->user.rsp;
}

static inline long inject_regs_result(const struct inject_regs *regs)
{
	return (long)regs->user.rax;
}

/* Returns whether a signal or a stop has interrupted a system call of the thread, and the call's
 * number and arguments. A program never sees these results. */
static inline bool inject_regs_interrupted(const struct inject_regs *regs, long *ret_nr,
					   uint64_t ret_args[INJECT_ARGS])
{
	long result = (long)regs->user.rax;

	if ((long)regs->user.orig_rax < 0 || regs->user.cs != INJECT_CS ||
	    (result != -INJECT_RESTART && result != -INJECT_RESTART_ALWAYS &&
	     result != -INJECT_RESTART_UNHANDLED && result != -INJECT_RESTART_BLOCK))
		return false;
	*ret_nr = (long)regs->user.orig_rax;
	ret_args[0] = regs->user.rdi;
	ret_args[1] = regs->user.rsi;
	ret_args[2] = regs->user.rdx;
	ret_args[3] = regs->user.r10;
	ret_args[4] = regs->user.r8;
	ret_args[5] = regs->user.r9;
	return true;
}

static inline void inject_regs_set_result(struct inject_regs *regs, long result)
{
	regs->user.rax = (uint64_t)result;
}

/* At the entry of a system call: the kernel skips it. */
static inline void inject_regs_skip(struct inject_regs *regs)
{
	regs->user.orig_rax = ~0ull;
}

/* Makes it look as if this call had been interrupted, with one of the results above. */
static inline void inject_regs_set_restart(struct inject_regs *regs, long nr, long result)
{
	regs->user.orig_rax = (uint64_t)nr;
	regs->user.rax = (uint64_t)result;
}

/* Sets the registers for this call at the instruction at ip. */
static inline void inject_regs_call(struct inject_regs *regs, uint64_t ip, long nr,
				    const uint64_t args[INJECT_ARGS])
{
	regs->user.rip = ip;
	regs->user.cs = INJECT_CS;
	regs->user.rax = (uint64_t)nr;
	regs->user.orig_rax = ~0ull;
	regs->user.rdi = args[0];
	regs->user.rsi = args[1];
	regs->user.rdx = args[2];
	regs->user.r10 = args[3];
	regs->user.r8 = args[4];
	regs->user.r9 = args[5];
}

#elif defined(__aarch64__)

#define INJECT_INSTRUCTION "\x01\x00\x00\xd4"
#define INJECT_INSTRUCTION_STEP 4
#define INJECT_RED_ZONE 0
#define INJECT_AUDIT_ARCH AUDIT_ARCH_AARCH64
#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif

struct inject_regs {
	struct user_regs_struct user;
	int call; /* -1: not in a system call */
};

static inline int inject_regs_read(pid_t tid, struct inject_regs *ret)
{
	struct iovec user = { .iov_base = &ret->user, .iov_len = sizeof(ret->user) };
	struct iovec call = { .iov_base = &ret->call, .iov_len = sizeof(ret->call) };

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &user) < 0 ||
			       ptrace(PTRACE_GETREGSET, tid, NT_ARM_SYSTEM_CALL, &call) < 0
		       ? -errno
		       : 0;
}

static inline int inject_regs_write(pid_t tid, const struct inject_regs *regs)
{
	struct iovec user = { .iov_base = (void *)&regs->user, .iov_len = sizeof(regs->user) };
	struct iovec call = { .iov_base = (void *)&regs->call, .iov_len = sizeof(regs->call) };

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &user) < 0 ||
			       ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &call) < 0
		       ? -errno
		       : 0;
}

static inline uint64_t inject_regs_sp(const struct inject_regs *regs)
{
	return regs->user.sp;
}

static inline long inject_regs_result(const struct inject_regs *regs)
{
	return (long)regs->user.regs[0];
}

/* Before a tracer sees the thread, the kernel has undone the call. The thread will make it again,
 * and the data that the kernel has kept cannot be reached. */
static inline bool inject_regs_interrupted(const struct inject_regs *regs, long *ret_nr,
					   uint64_t ret_args[INJECT_ARGS])
{
	(void)regs, (void)ret_nr, (void)ret_args;
	return false;
}

static inline void inject_regs_set_result(struct inject_regs *regs, long result)
{
	regs->user.regs[0] = (uint64_t)result;
}

static inline void inject_regs_skip(struct inject_regs *regs)
{
	regs->call = -1;
}

static inline void inject_regs_set_restart(struct inject_regs *regs, long nr, long result)
{
	(void)regs, (void)nr, (void)result;
}

static inline void inject_regs_call(struct inject_regs *regs, uint64_t ip, long nr,
				    const uint64_t args[INJECT_ARGS])
{
	regs->user.pc = ip;
	regs->user.regs[8] = (uint64_t)nr;
	regs->call = -1;
	for (int i = 0; i < INJECT_ARGS; i++)
		regs->user.regs[i] = args[i];
}

#else
#error "libmig/module/inject-arch.h: add the registers and the system call instruction of this architecture"
#endif

#endif
