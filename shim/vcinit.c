// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * vcinit.c - the root of a job's process tree
 *
 * CRIU dumps one tree, and the shim can restore one child. Programs that
 * daemonise, or leave orphans behind, would fall out of that tree; so each job has
 * this init at its root, a subreaper that reports the program's fate to the shim
 * and lives until the job's last process has ended. It is dumped and restored with
 * every move, so it is made to weigh nothing: static, without the C library, a few
 * pages of memory, no descriptor but the report pipe.
 *
 *	vcinit FLAGS PROGRAM [ARGUMENT]...
 *
 * FLAGS: a digit names the descriptor of the job's terminal, "i" says that the
 * program is to ignore SIGCHLD. Without arguments it sleeps, as a partition's witness
 * (daemon/event/witness.c). The caller has made this process a session
 * leader with the program's credentials, directory, signal mask and descriptors.
 */
#include <asm/unistd.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "shim/report.h"

#define VCI_TIOCSPGRP 0x5410
#define VCI_F_SETFD 2
#define VCI_FD_CLOEXEC 1
#define VCI_ENOENT 2
#define VCI_ENOEXEC 8
#define VCI_EACCES 13
#define VCI_ENOTDIR 20
#define VCI_ENAMETOOLONG 36
#define VCI_PATH_MAX 4096

/* The C library's part: start, system calls, and what gcc calls by itself. */

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall "
	"vcinit_main\n");

static inline __attribute__((always_inline)) long vci_call(long n, long a, long b, long c, long d,
							   long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29,#0\n\tmov x0,sp\n\tand sp,x0,#-16\n\tbl vcinit_main\n");

static inline __attribute__((always_inline)) long vci_call(long n, long a, long b, long c, long d,
							   long e)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
}
#else
#error "vcinit: add the start and the system call of this architecture"
#endif

void *memcpy(void *to, const void *from, unsigned long n);
void *memset(void *to, int value, unsigned long n);
_Noreturn void vcinit_main(long *stack);

void *memcpy(void *to, const void *from, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		((volatile char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *to, int value, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		((volatile char *)to)[i] = (char)value;
	return to;
}

/* The kernel's struct sigaction and mask, which are not the C library's. */
struct vci_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

static void vci_signal(int signal, void *handler)
{
	struct vci_sigaction action = { .handler = handler };

	vci_call(__NR_rt_sigaction, signal, (long)&action, 0, sizeof(action.mask), 0);
}

static void vci_set_mask(const unsigned long *mask, unsigned long *old)
{
	vci_call(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)mask, (long)old, sizeof(*mask), 0);
}

static void vci_report(enum report_kind kind, int value)
{
	struct report report = { .kind = kind, .value = value };

	vci_call(__NR_write, REPORT_FD, (long)&report, sizeof(report), 0, 0);
}

static const char *vci_path(char **env)
{
	for (; *env; env++)
		if ((*env)[0] == 'P' && (*env)[1] == 'A' && (*env)[2] == 'T' && (*env)[3] == 'H' &&
		    (*env)[4] == '=')
			return *env + 5;
	return "/usr/local/bin:/usr/bin:/bin";
}

/* As execvp(3): a script without "#!" is given to the shell. */
static long vci_exec_file(const char *file, char **argv, char **env)
{
	long r = vci_call(__NR_execve, (long)file, (long)argv, (long)env, 0, 0);

	if (r == -VCI_ENOEXEC) {
		/* argv stands in the initial stack block behind FLAGS, whose place is free now. */
		argv[0] = (char *)file;
		argv[-1] = (char *)"sh";
		r = vci_call(__NR_execve, (long)"/bin/sh", (long)(argv - 1), (long)env, 0, 0);
	}
	return r;
}

static long vci_exec(char **argv, char **env)
{
	const char *name = argv[0], *path = vci_path(env);
	long worst = -VCI_ENOENT;
	char file[VCI_PATH_MAX];

	for (const char *c = name; *c; c++)
		if (*c == '/')
			return vci_exec_file(name, argv, env);
	if (!*name)
		return -VCI_ENOENT;
	for (;; path++) {
		unsigned long n = 0;
		long r;

		for (; *path && *path != ':'; path++)
			if (n < sizeof(file) - 2)
				file[n++] = *path;
		if (n > 0)
			file[n++] = '/';
		for (const char *c = name; *c && n < sizeof(file) - 1; c++)
			file[n++] = *c;
		file[n] = '\0';
		r = n < sizeof(file) - 1 ? vci_exec_file(file, argv, env) : -VCI_ENAMETOOLONG;
		if (r != -VCI_ENOENT && r != -VCI_ENOTDIR && r != -VCI_EACCES)
			return r;
		if (r == -VCI_EACCES)
			worst = r;
		if (!*path)
			return worst;
	}
}

/*
 * Starts the program in a process group of its own, on the terminal if there is
 * one. The child shares this memory until it executes (CLONE_VFORK), so it can
 * leave the reason of a failure in *ret_error; everything it calls is below this
 * frame, or inlined into it.
 */
static inline __attribute__((always_inline)) long vci_start(const char *flags, char **argv,
							    char **env, const unsigned long *mask,
							    volatile long *ret_error)
{
	long pid = vci_call(__NR_clone, CLONE_VM | CLONE_VFORK | 17 /* SIGCHLD */, 0, 0, 0, 0);

	if (pid != 0)
		return pid;
	vci_call(__NR_setpgid, 0, 0, 0, 0, 0);
	for (; *flags; flags++) {
		if (*flags >= '0' && *flags <= '9') {
			int self = (int)vci_call(__NR_getpid, 0, 0, 0, 0, 0);

			vci_call(__NR_ioctl, *flags - '0', VCI_TIOCSPGRP, (long)&self, 0, 0);
		} else if (*flags == 'i') {
			vci_signal(17 /* SIGCHLD */, (void *)1 /* SIG_IGN */);
		}
	}
	vci_set_mask(mask, 0);
	*ret_error = vci_exec(argv, env);
	vci_call(__NR_exit, 127, 0, 0, 0, 0);
	__builtin_unreachable();
}

/* Waits for everybody; returns the program's exit status when all have ended. */
static int vci_reap(long program)
{
	int code = 0;

	for (;;) {
		int status = 0;
		long pid = vci_call(__NR_wait4, -1, (long)&status, WUNTRACED | WCONTINUED | __WALL,
				    0, 0);

		if (pid == -4 /* EINTR */)
			continue;
		if (pid < 0)
			return code;
		if (pid != program)
			continue;
		if ((status & 0xff) == 0x7f) {
			vci_report(REPORT_STOPPED, status >> 8 & 0xff);
		} else if (status == 0xffff) {
			vci_report(REPORT_CONTINUED, 0);
		} else {
			vci_report(REPORT_EXITED, status);
			code = status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
			program = -1;
		}
	}
}

_Noreturn void vcinit_main(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1), **env = argv + argc + 1;
	unsigned long all = ~0ul, mask = 0;
	volatile long error = 0;
	int code = 127;
	long pid;

	while (argc == 1)
		vci_call(__NR_ppoll, 0, 0, 0, 0, 0);
	if (argc < 3)
		vci_call(__NR_exit_group, 125, 0, 0, 0, 0);
	vci_set_mask(&all, &mask);
	vci_signal(17 /* SIGCHLD */, 0 /* SIG_DFL: an ignored one would lose the statuses */);
	vci_call(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	vci_call(__NR_fcntl, REPORT_FD, VCI_F_SETFD, VCI_FD_CLOEXEC, 0, 0);
	pid = vci_start(argv[1], argv + 2, env, &mask, &error);
	if (pid < 0 || error) {
		vci_report(REPORT_FAILED, (int)-(pid < 0 ? pid : error));
	} else {
		/* Whoever reads the program's output waits for its end, not for ours. */
		for (int fd = 0; fd < REPORT_FD; fd++)
			vci_call(__NR_close, fd, 0, 0, 0, 0);
		vci_report(REPORT_STARTED, (int)pid);
		code = vci_reap(pid);
	}
	vci_call(__NR_exit_group, code, 0, 0, 0, 0);
	__builtin_unreachable();
}
