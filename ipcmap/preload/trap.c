// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * trap.c - --ipc=map,strict: no system call reaches the kernel's IPC objects
 *
 * A seccomp filter turns each IPC call of the kernel into a SIGSYS. The handler here does what the
 * interposed function does, so a call by a machine instruction is mapped too. A program without the
 * interposer has no handler, and SIGSYS ends it: no call is skipped silently.
 *
 * The filter applies to everything that the job executes. Without strict it would end programs
 * about which the user only wanted a warning. A process can install a filter without privileges
 * only with no_new_privs. Programs that gain rights do not run with strict anyway.
 *
 * Syscall user dispatch is no alternative: exec and each new thread switch it off. It also traps
 * every call outside of one range of addresses, including those that a handler cannot make for
 * another function: clone(2) and rt_sigreturn(2). CRIU does not carry it.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/preload/exec.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/raw.h"

#define TRAP_SECCOMP_CODE 1 /* SYS_SECCOMP */

/* Numbers, and in code for other machines that this one executes too. */
static const uint32_t trap_numbers[] = {
	SYS_msgget,          SYS_msgsnd,     SYS_msgrcv,        SYS_msgctl,    SYS_semget,
	SYS_semop,           SYS_semtimedop, SYS_semctl,        SYS_shmget,    SYS_shmat,
	SYS_shmdt,           SYS_shmctl,     SYS_mq_open,       SYS_mq_unlink, SYS_mq_timedsend,
	SYS_mq_timedreceive, SYS_mq_notify,  SYS_mq_getsetattr,
};
#if defined(__x86_64__)
#define TRAP_ARCH AUDIT_ARCH_X86_64
/* ipc(2), mq_open(2) to mq_getsetattr(2), semget(2) to msgctl(2), and what has 64-bit times */
static const uint32_t trap_foreign[][2] = {
	{ 117, 117 }, { 277, 282 }, { 393, 402 }, { 418, 420 }
};
#elif defined(__aarch64__)
#define TRAP_ARCH AUDIT_ARCH_AARCH64
/* mq_open(2) to mq_getsetattr(2), semop(2) to shmctl(2), semtimedop(2), 64-bit times */
static const uint32_t trap_foreign[][2] = {
	{ 274, 279 }, { 298, 308 }, { 312, 312 }, { 418, 420 }
};
#endif

#define TRAP_X32 0x40000000u /* x86-64's numbers with 32-bit pointers */

/* --- the filter -------------------------------------------------------------------------- */

#define TRAP_CODE_MAX 80

struct trap_code {
	struct sock_filter lines[TRAP_CODE_MAX];
	unsigned short n;
};

static void code_add(struct trap_code *code, struct sock_filter line)
{
	code->lines[code->n++] = line;
}

static void code_load(struct trap_code *code, size_t offset)
{
	code_add(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void code_return(struct trap_code *code, uint32_t action)
{
	code_add(code, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void code_foreign(struct trap_code *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(trap_foreign); i++) {
		code_add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
							    trap_foreign[i][0], 0, 2));
		code_add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K,
							    trap_foreign[i][1], 1, 0));
		code_return(code, SECCOMP_RET_TRAP);
	}
	code_return(code, SECCOMP_RET_ALLOW);
}

/* The interposer marks its own calls in the argument that no IPC call has. */
static void code_native(struct trap_code *code)
{
	size_t n = ARRAY_SIZE(trap_numbers);

	code_add(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~TRAP_X32));
	for (size_t i = 0; i < n; i++)
		code_add(code,
			 (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, trap_numbers[i],
						      (unsigned char)(n - i), 0));
	code_return(code, SECCOMP_RET_ALLOW);
	/* The lower half: both machines are little-endian. */
	code_load(code, offsetof(struct seccomp_data, args[5]));
	code_add(code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RAW_OWN, 1, 0));
	code_return(code, SECCOMP_RET_TRAP);
	code_return(code, SECCOMP_RET_ALLOW);
}

static int trap_set_filter(void)
{
	struct trap_code code = { .n = 0 };
	struct sock_fprog program = { .filter = code.lines };
	unsigned short jump;

	code_load(&code, offsetof(struct seccomp_data, arch));
	jump = code.n;
	code_add(&code, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TRAP_ARCH, 0, 0));
	code_load(&code, offsetof(struct seccomp_data, nr));
	code_foreign(&code);
	code.lines[jump].jt = (unsigned char)(code.n - jump - 1);
	code_load(&code, offsetof(struct seccomp_data, nr));
	code_native(&code);
	program.len = code.n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	return 0;
}

/* --- the handler ------------------------------------------------------------------------- */

/* A call that shows whether the filter is installed; the kernel would refuse it. */
static const long trap_probe[6] = { -1, -1, -1, -1, -1, 0 };
static volatile sig_atomic_t trap_is_set;

#if defined(__x86_64__)
static void trap_args(const ucontext_t *context, long ret[6])
{
	static const int regs[6] = { REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 };

	for (int i = 0; i < 6; i++)
		ret[i] = (long)context->uc_mcontext.gregs[regs[i]];
}

static void trap_return(ucontext_t *context, long r)
{
	context->uc_mcontext.gregs[REG_RAX] = r;
}
#elif defined(__aarch64__)
static void trap_args(const ucontext_t *context, long ret[6])
{
	for (int i = 0; i < 6; i++)
		ret[i] = (long)context->uc_mcontext.regs[i];
}

static void trap_return(ucontext_t *context, long r)
{
	context->uc_mcontext.regs[0] = (unsigned long long)r;
}
#endif

static long trap_serve(const siginfo_t *info, const long args[6])
{
	char text[128];
	long r;

	if (info->si_arch == TRAP_ARCH && info->si_syscall == SYS_msgctl &&
	    !memcmp(args, trap_probe, sizeof(trap_probe))) {
		trap_is_set = 1;
		return -EINVAL;
	}
	if (info->si_arch == TRAP_ARCH && raw_is_served(info->si_syscall)) {
		r = raw_mapped(info->si_syscall, args);
		return r == -1 ? -errno : r;
	}
	snprintf(text, sizeof(text),
		 "--ipc=map,strict: system call %d, of another machine's code, is refused",
		 info->si_syscall);
	exec_complain(text);
	return -ENOSYS;
}

static void trap_on_signal(int signal, siginfo_t *info, void *arg)
{
	int saved = errno;
	long args[6];

	if (info->si_code != TRAP_SECCOMP_CODE) {
		/* A process sent it: takes the default action. */
		struct sigaction action = { .sa_handler = SIG_DFL };

		sigaction(signal, &action, NULL);
		raise(signal);
		return;
	}
	trap_args(arg, args);
	trap_return(arg, trap_serve(info, args));
	errno = saved;
}

int trap_begin(void)
{
	/* Any handler interrupts a call that sleeps, this one too. */
	struct sigaction action = { .sa_sigaction = trap_on_signal,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	sigset_t set;

	if (!exec_is_strict())
		return 0;
	/* SIGSYS ends a process that blocks it. */
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGSYS, &action, NULL) < 0)
		return -errno;
	/* The program that executed this one may have set the filter. */
	raw_kernel(SYS_msgctl, trap_probe);
	return trap_is_set ? 0 : trap_set_filter();
}
