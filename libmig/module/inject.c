// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * inject.c - runs system calls in a thread of another process
 *
 * The thread's instruction pointer is set to a system call instruction that its memory contains
 * already, mostly in the vDSO, and PTRACE_SYSCALL runs this instruction. No code of the program is
 * changed. Buffers are below the stack pointer and its red zone, where the ABI has no data. The
 * bytes there are restored all the same, because a program may use its stack in another way.
 *
 * PTRACE_SINGLESTEP would need half as many stops. But the kernel forces its SIGTRAP, and forcing a
 * blocked signal resets its handler.
 */
#include "libmig/module/inject.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/proc.h"

#define INJECT_EVENT(status) ((status) >> 16)
#define INJECT_SYSCALL_STOP (SIGTRAP | 0x80)
#define INJECT_PAGE 4096
#define INJECT_LOOK_USEC 10000     /* SIGCHLD can be another tracee's */
#define INJECT_DISPATCH_GET 0x4211 /* PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, Linux 6.4 */
#define INJECT_DISPATCH_SET 0x4210

/* Signals that end a stop (SIGCONT) as bits of /proc/PID/status. */
#define INJECT_BIT(signal) (UINT64_C(1) << ((signal)-1))

static long inject_ptrace(int request, pid_t tid, uint64_t addr, const void *data)
{
	long r = ptrace(request, tid, (void *)addr, (void *)data);

	return r < 0 ? -errno : r;
}

pid_t inject_await(pid_t tid, uint64_t patience_usec, int *ret_status)
{
	uint64_t deadline = clock_mono_usec() + patience_usec;
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		pid_t pid = waitpid(tid, ret_status, __WALL | (patience_usec ? WNOHANG : 0));
		uint64_t now = clock_mono_usec(), usec;
		struct timespec timeout;

		if (pid > 0 || (pid < 0 && errno != EINTR))
			return pid > 0 ? pid : -errno;
		if (!patience_usec)
			continue;
		if (now >= deadline)
			return -ETIMEDOUT;
		usec = deadline - now < INJECT_LOOK_USEC ? deadline - now : INJECT_LOOK_USEC;
		timeout = (struct timespec){ .tv_nsec = (long)usec * 1000 };
		sigtimedwait(&child, NULL, &timeout);
	}
}

static int inject_wait(const struct inject *inject, int *ret_status)
{
	pid_t pid = inject_await(inject->tid, inject->patience_usec, ret_status);

	if (pid < 0)
		return pid;
	return WIFSTOPPED(*ret_status) ? 0 : -ESRCH;
}

/* A thread that was too slow must be stopped, so that inject_end() can restore it. */
static void inject_halt(const struct inject *inject)
{
	int status;

	if (inject_ptrace(PTRACE_INTERRUPT, inject->tid, 0, NULL) == 0)
		inject_wait(inject, &status);
}

/* --- preparing a thread --------------------------------------------------------------------- */

static uint64_t inject_status(pid_t tid, const char *key, int base)
{
	_cleanup_free_ char *status = NULL;
	uint64_t value = 0;

	if (proc_status(tid, &status) == 0)
		proc_number(status, key, base, &value);
	return value;
}

/* Makes stops at system calls differ from SIGTRAP, and suspends seccomp filters. */
static int inject_set_options(const struct inject *inject)
{
	long r = inject_ptrace(PTRACE_SETOPTIONS, inject->tid, 0,
			       (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP));

	if (r == -EPERM || r == -EINVAL) {
		if (inject_status(inject->tid, "Seccomp", 10) != 0)
			return -EPERM;
		r = inject_ptrace(PTRACE_SETOPTIONS, inject->tid, 0,
				  (void *)(long)PTRACE_O_TRACESYSGOOD);
	}
	return (int)r;
}

int inject_begin(struct inject *inject, pid_t pid, pid_t tid)
{
	long r;

	*inject = (struct inject){ .pid = pid, .tid = tid };
	r = inject_regs_read(tid, &inject->regs);
	if (r == 0)
		r = inject_ptrace(PTRACE_GETSIGMASK, tid, sizeof(inject->mask), &inject->mask);
	if (r == 0)
		r = inject_set_options(inject);
	return (int)r;
}

static int inject_hold_back(struct inject *inject)
{
	const struct inject_dispatch off = { 0 };
	const uint64_t all = ~UINT64_C(0);
	long r;

	inject->ran = inject->held_back = true;
	if (inject_ptrace(INJECT_DISPATCH_GET, inject->tid, sizeof(inject->dispatch),
			  &inject->dispatch) < 0)
		inject->dispatch.mode = 0; /* the kernel cannot suspend it */
	r = inject_ptrace(PTRACE_SETSIGMASK, inject->tid, sizeof(all), &all);
	if (r == 0 && inject->dispatch.mode)
		r = inject_ptrace(INJECT_DISPATCH_SET, inject->tid, sizeof(off), &off);
	return (int)r;
}

/* --- its memory ----------------------------------------------------------------------------- */

static int inject_copy(const struct inject *inject, uint64_t addr, void *buf, size_t size,
		       bool write)
{
	struct iovec local = { .iov_base = buf, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)addr, .iov_len = size };
	ssize_t n = write ? process_vm_writev(inject->pid, &local, 1, &remote, 1, 0)
			  : process_vm_readv(inject->pid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EFAULT;
}

static uint64_t inject_search(const struct inject *inject, uint64_t start, uint64_t end)
{
	const size_t len = sizeof(INJECT_INSTRUCTION) - 1;
	uint8_t page[INJECT_PAGE];

	for (uint64_t at = start; at + INJECT_PAGE <= end; at += INJECT_PAGE) {
		if (inject_copy(inject, at, page, sizeof(page), false) < 0)
			continue;
		for (size_t i = 0; i + len <= sizeof(page); i += INJECT_INSTRUCTION_STEP)
			if (!memcmp(page + i, INJECT_INSTRUCTION, len))
				return at + i;
	}
	return 0;
}

/* Searches the mappings for an instruction, first in the vDSO; with ret_page for a writable page
 * instead. */
static int inject_find(struct inject *inject, uint64_t *ret_page)
{
	char path[48], line[512];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)inject->pid);
	for (int any = 0; any < 2; any++) {
		_cleanup_fclose_ FILE *maps = fopen(path, "re");

		if (!maps)
			return -errno;
		while (fgets(line, sizeof(line), maps)) {
			uint64_t start, end;
			char perm[5];

			if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, perm) != 3)
				continue;
			if (ret_page && !strcmp(perm, "rw-p") &&
			    inject_copy(inject, start, inject->kept, sizeof(inject->kept), false) ==
				    0) {
				*ret_page = start;
				return 0;
			}
			if (ret_page || perm[2] != 'x' || (!any && !strstr(line, "[vdso]")))
				continue;
			inject->instruction = inject_search(inject, start, end);
			if (inject->instruction)
				return 0;
		}
	}
	return -ENOEXEC;
}

static int inject_borrow(struct inject *inject)
{
	uint64_t at = (inject_regs_sp(&inject->regs) - INJECT_RED_ZONE - INJECT_DATA_MAX) & ~15ull;
	int r = inject_copy(inject, at, inject->kept, sizeof(inject->kept), false);

	/* Writes the same bytes, which fails if the stack is not writable, and gives it a page of
	 * its own. */
	if (r == 0)
		r = inject_copy(inject, at, inject->kept, sizeof(inject->kept), true);
	if (r < 0)
		r = inject_find(inject, &at);
	if (r == 0)
		inject->scratch = at;
	return r;
}

/* --- running ------------------------------------------------------------------------------- */

/* Runs the thread to a stop of the wanted kind, and ignores other stops. */
static int inject_advance(struct inject *inject, int request, bool want_syscall)
{
	for (;;) {
		int status, r = (int)inject_ptrace(request, inject->tid, 0, NULL);

		if (r == 0)
			r = inject_wait(inject, &status);
		if (r < 0)
			return r;
		if (INJECT_EVENT(status) == PTRACE_EVENT_STOP) {
			if (!want_syscall)
				return 0;
		} else if (WSTOPSIG(status) == INJECT_SYSCALL_STOP) {
			if (want_syscall)
				return 0;
		} else if (INJECT_EVENT(status) == 0 && WSTOPSIG(status) == SIGSTOP) {
			inject->stop_signal = SIGSTOP;
		} else if (INJECT_EVENT(status) == 0) {
			/* All other signals are blocked, so the instruction failed. */
			return -EFAULT;
		}
	}
}

/*
 * Code that runs in the program's other threads, or in another process, can replace the
 * instruction. The thread would make a call of the program's choice then, past its suspended
 * filters. Such a call is skipped.
 */
static int inject_check_entry(struct inject *inject, const struct inject_call *call,
			      const uint64_t args[INJECT_ARGS])
{
	const size_t len = sizeof(INJECT_INSTRUCTION) - 1;
	struct __ptrace_syscall_info info = { .op = PTRACE_SYSCALL_INFO_NONE };
	struct inject_regs regs;
	long r = inject_ptrace(PTRACE_GET_SYSCALL_INFO, inject->tid, sizeof(info), &info);

	if (r < 0)
		return (int)r;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.arch == INJECT_AUDIT_ARCH &&
	    info.instruction_pointer == inject->instruction + len &&
	    info.entry.nr == (uint64_t)call->nr &&
	    !memcmp(info.entry.args, args, sizeof(info.entry.args)))
		return 0;
	r = inject_regs_read(inject->tid, &regs);
	if (r == 0) {
		inject_regs_skip(&regs);
		r = inject_regs_write(inject->tid, &regs);
	}
	if (r == 0)
		r = inject_advance(inject, PTRACE_SYSCALL, true);
	return r < 0 ? (int)r : -EPERM;
}

static int inject_execute(struct inject *inject, const struct inject_call *call,
			  const uint64_t args[INJECT_ARGS], bool break_off, long *ret_value)
{
	struct inject_regs regs = inject->regs;
	int r;

	inject_regs_call(&regs, inject->instruction, call->nr, args);
	r = inject_regs_write(inject->tid, &regs);
	if (r == 0)
		r = inject_advance(inject, PTRACE_SYSCALL, true);
	if (r == 0)
		r = inject_check_entry(inject, call, args);
	/* At the entry of the call: from now on the kernel does not let it sleep. */
	if (r == 0 && break_off)
		r = (int)inject_ptrace(PTRACE_INTERRUPT, inject->tid, 0, NULL);
	if (r == 0)
		r = inject_advance(inject, PTRACE_SYSCALL, true);
	if (r == 0)
		r = inject_regs_read(inject->tid, &regs);
	if (r == 0)
		*ret_value = inject_regs_result(&regs);
	if (r == -ETIMEDOUT)
		inject_halt(inject);
	return r;
}

static int inject_make(struct inject *inject, struct inject_call *call, bool break_off,
		       long *ret_value)
{
	uint64_t args[INJECT_ARGS];
	struct inject_regs regs;
	int r = 0;

	if (call->size > sizeof(call->data))
		return -E2BIG;
	memcpy(args, call->args, sizeof(args));
	if (!inject->instruction)
		r = inject_find(inject, NULL);
	if (r == 0 && !inject->held_back)
		r = inject_hold_back(inject);
	if (r == 0 && call->size && !inject->scratch)
		r = inject_borrow(inject);
	if (r == 0 && call->size)
		r = inject_copy(inject, inject->scratch, call->data, call->size, true);
	for (int i = 0; i < INJECT_ARGS; i++)
		if (call->pointers >> i & 1)
			args[i] += inject->scratch;
	if (r == 0)
		r = inject_execute(inject, call, args, break_off, ret_value);
	if (r == 0 && call->size)
		r = inject_copy(inject, inject->scratch, call->data, call->size, false);
	/* A thread that was just killed has no memory, for example. */
	if (r < 0 && inject_regs_read(inject->tid, &regs) == -ESRCH)
		r = -ESRCH;
	return r;
}

int inject_run(struct inject *inject, struct inject_call *call, long *ret_value)
{
	return inject_make(inject, call, false, ret_value);
}

int inject_break_off(struct inject *inject, struct inject_call *call, long *ret_value)
{
	return inject_make(inject, call, true, ret_value);
}

void inject_set_regs(struct inject *inject, const struct inject_regs *regs)
{
	inject->regs = *regs;
	inject->ran = true;
}

int inject_get_dispatch(pid_t tid, struct inject_dispatch *ret)
{
	return (int)inject_ptrace(INJECT_DISPATCH_GET, tid, sizeof(*ret), ret);
}

void inject_set_dispatch(struct inject *inject, const struct inject_dispatch *dispatch)
{
	inject->next_dispatch = *dispatch;
	inject->has_next_dispatch = true;
}

static int inject_put_dispatch(const struct inject *inject)
{
	const struct inject_dispatch *dispatch =
		inject->has_next_dispatch ? &inject->next_dispatch : &inject->dispatch;

	if (!inject->has_next_dispatch && !dispatch->mode)
		return 0;
	return (int)inject_ptrace(INJECT_DISPATCH_SET, inject->tid, sizeof(*dispatch), dispatch);
}

/* Sends the stop signal that was taken again, unless SIGCONT has followed, which cancels it. While
 * the thread is traced also an ignored SIGCONT stays pending. */
static void inject_stop_again(const struct inject *inject)
{
	uint64_t pending =
		inject_status(inject->tid, "SigPnd", 16) | inject_status(inject->tid, "ShdPnd", 16);

	if (!(pending & INJECT_BIT(SIGCONT)))
		syscall(SYS_tgkill, inject->pid, inject->tid, inject->stop_signal);
}

int inject_end(struct inject *inject)
{
	int r = 0, first = 0;

	if (!inject->ran)
		return inject_put_dispatch(inject);
	if (inject->scratch)
		first = inject_copy(inject, inject->scratch, inject->kept, sizeof(inject->kept),
				    true);
	/* The kernel restarts calls when it leaves its signal code, so the thread must be stopped
	 * there. */
	r = (int)inject_ptrace(PTRACE_INTERRUPT, inject->tid, 0, NULL);
	if (r == 0)
		r = inject_advance(inject, PTRACE_CONT, false);
	if (r == 0)
		r = inject_regs_write(inject->tid, &inject->regs);
	if (r < 0)
		return r;
	r = (int)inject_ptrace(PTRACE_SETSIGMASK, inject->tid, sizeof(inject->mask), &inject->mask);
	if (r == 0)
		r = inject_put_dispatch(inject);
	if (inject->stop_signal)
		inject_stop_again(inject);
	inject->ran = inject->held_back = false;
	inject->scratch = 0;
	return r < 0 ? r : first;
}
