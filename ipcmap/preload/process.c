// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * process.c - sections, forks and the end of the process
 */
#include "ipcmap/preload/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/file.h"
#include "ipcmap/object/guard.h"
#include "ipcmap/preload/exec.h"
#include "ipcmap/preload/raw.h"
#include "ipcmap/preload/real.h"

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static struct section process_fork_section; /* under process_lock */

/* The owner of this memory, and a word that is 1 in the owner and 0 in a forked child
 * (MADV_WIPEONFORK). */
static pid_t process_pid;
static uint32_t *process_is_own;

/* Set by the last section of this thread. A vfork's child shares it with its parent. */
static __thread struct {
	pid_t pid;
	bool guest; /* it runs in the memory of another process */
} process_self;

int preload_result(int r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

/* --- which process this is --------------------------------------------------------------- */

/* A child with its own memory begins. The thread that held the lock, if any, exists only in the
 * parent. */
static void process_adopt(pid_t pid)
{
	pthread_mutex_init(&process_lock, NULL);
	process_pid = process_self.pid = pid;
	process_self.guest = false;
	if (process_is_own)
		*process_is_own = 1;
	door_conn_forked();
	guard_forked();
	shm_forked(pid);
	mq_forked();
}

/*
 * A process can begin without a handler of pthread_atfork(): by clone(2), _Fork(), vfork() or the
 * system call. So each section begins with a look at the PID.
 */
static void process_look(void)
{
	pid_t pid = getpid();
	bool guest = pid != process_pid && (!process_is_own || *process_is_own);

	if (pid != process_pid && !guest)
		process_adopt(pid);
	/* The thread has another TID now. */
	if (guest || process_self.guest)
		guard_forked();
	process_self.pid = pid;
	process_self.guest = guest;
}

/* --- sections ---------------------------------------------------------------------------- */

/* A system call, since the C library would leave two of its own signals unblocked. */
static void set_mask(uint64_t mask, uint64_t *ret_old)
{
	RAW_KERNEL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, (long)ret_old, sizeof(mask));
}

void section_begin(struct section *section)
{
	set_mask(UINT64_MAX, &section->blocked);
	process_look();
}

void section_begin_look(struct section *section)
{
	set_mask(UINT64_MAX, &section->blocked);
	if (!process_is_own || !*process_is_own)
		process_look();
}

void section_again(void)
{
	process_look();
}

void section_end(struct section *section)
{
	int saved = errno;

	set_mask(section->blocked, NULL);
	errno = saved;
}

/* --- the process ------------------------------------------------------------------------- */

pid_t preload_pid(void)
{
	return process_self.pid ? process_self.pid : process_pid;
}

pid_t preload_owner(void)
{
	return process_pid;
}

bool preload_is_guest(void)
{
	return process_self.guest;
}

void preload_lock(void)
{
	pthread_mutex_lock(&process_lock);
}

void preload_unlock(void)
{
	pthread_mutex_unlock(&process_lock);
}

int preload_lowest_fd(int fd)
{
	int lower = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (lower < 0 || lower > fd) {
		if (lower >= 0)
			close(lower);
		return fd;
	}
	close(fd);
	return lower;
}

int preload_reopen_readonly(int *fd)
{
	char path[32];
	int readonly;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	if (readonly < 0)
		return -errno;
	close(*fd);
	*fd = readonly;
	return 0;
}

mode_t preload_umask(void)
{
	char text[256], *line;

	if (file_read(AT_FDCWD, "/proc/self/status", text, sizeof(text)) <= 0)
		return 022;
	line = strstr(text, "\nUmask:");
	return line ? (mode_t)strtoul(line + 7, NULL, 8) & 0777 : 022;
}

bool preload_has_capability(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) == 0 &&
	       data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

static void before_fork(void)
{
	struct section section;

	section_begin(&section);
	preload_lock();
	process_fork_section = section;
}

static void after_fork(void)
{
	struct section section = process_fork_section;

	preload_unlock();
	section_end(&section);
}

static void after_fork_in_child(void)
{
	struct section section = process_fork_section;

	/* A handler before this one may have used an object. */
	if (getpid() != process_pid)
		process_adopt(getpid());
	section_end(&section);
}

/* The parent also notes what its child has attached, so that the count is right before the child
 * has run. */
static void process_forked(pid_t child)
{
	struct section section;

	section_begin(&section);
	preload_lock();
	shm_forked(child);
	preload_unlock();
	section_end(&section);
}

INTERPOSE pid_t fork(void)
{
	pid_t pid = REAL(fork)();

	if (pid > 0)
		process_forked(pid);
	return pid;
}

/* Does what fork() does around the system call, where no handlers are called. */
static long process_fork_by(long (*call)(void *arg), void *arg)
{
	long r;

	before_fork();
	r = call(arg);
	if (r == 0)
		after_fork_in_child();
	else
		after_fork();
	if (r > 0)
		process_forked((pid_t)r);
	return r;
}

static long call_fork(void *arg)
{
	(void)arg;
	return REAL(_Fork)();
}

INTERPOSE pid_t _Fork(void)
{
	return (pid_t)process_fork_by(call_fork, NULL);
}

/* --- clone() ----------------------------------------------------------------------------- */

struct process_clone {
	int (*fn)(void *);
	void *stack, *arg;
	int flags;
	void *parent_tid, *tls, *child_tid;
};

static int clone_child(void *arg)
{
	const struct process_clone *clone = arg;

	after_fork_in_child();
	return clone->fn(clone->arg);
}

static long call_clone(void *arg)
{
	const struct process_clone *clone = arg;
	bool shares = clone->flags & CLONE_VM || !clone->fn || !clone->stack;

	return REAL(clone)(shares ? clone->fn : clone_child, clone->stack, clone->flags,
			   shares ? clone->arg : arg, clone->parent_tid, clone->tls,
			   clone->child_tid);
}

/* The child has a copy of this frame. */
INTERPOSE int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	struct process_clone clone = { .fn = fn, .stack = stack, .arg = arg, .flags = flags };
	va_list ap;

	va_start(ap, arg);
	clone.parent_tid = va_arg(ap, void *);
	clone.tls = va_arg(ap, void *);
	clone.child_tid = va_arg(ap, void *);
	va_end(ap);
	if (flags & CLONE_VM)
		return (int)call_clone(&clone);
	return (int)process_fork_by(call_clone, &clone);
}

struct process_raw {
	long nr;
	const long *args;
};

static long call_raw(void *arg)
{
	const struct process_raw *raw = arg;

	return raw_kernel(raw->nr, raw->args);
}

/* A child with a stack of its own does not return here. */
static bool raw_returns_twice(long nr, const long args[6])
{
	struct clone_args clone = { 0 };

	if (nr == SYS_clone)
		return !(args[0] & CLONE_VM) && !args[1];
	if (nr != SYS_clone3)
		return true;
	return memory_take(&clone, (const void *)args[0], CLONE_ARGS_SIZE_VER0) == 0 &&
	       !(clone.flags & CLONE_VM) && !clone.stack;
}

long process_raw_fork(long nr, const long args[6])
{
	struct process_raw raw = { .nr = nr, .args = args };

	return preload_result((int)(raw_returns_twice(nr, args) ? process_fork_by(call_raw, &raw)
								: call_raw(&raw)));
}

/* --- the end ----------------------------------------------------------------------------- */

static void process_end(void)
{
	struct section section;

	section_begin(&section);
	sem_exit();
	if (!preload_is_guest())
		mq_exit();
	section_end(&section);
}

INTERPOSE _Noreturn void _exit(int status)
{
	process_end();
	for (;;)
		syscall(SYS_exit_group, status);
}

INTERPOSE _Noreturn void _Exit(int status)
{
	_exit(status);
}

/* Catches calls that do not use the functions' names. */
static void process_take_over(void)
{
	int taken = takeover_begin(), trapped = taken == 0 ? trap_begin() : 0;
	char text[200];

	if (taken == 0 && trapped == 0)
		return;
	snprintf(text, sizeof(text), "--ipc=map does not reach calls that %s %s: %s",
		 program_invocation_short_name,
		 taken < 0 ? "looks up itself, as the C library cannot be changed in memory"
			   : "makes itself, as the kernel takes no seccomp filter",
		 strerror(taken < 0 ? -taken : -trapped));
	exec_complain(text);
	if (exec_is_strict())
		_exit(126);
}

static void process_mark(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *mark = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mark == MAP_FAILED)
		return;
	if (madvise(mark, page, MADV_WIPEONFORK) < 0) {
		munmap(mark, page);
		return;
	}
	process_is_own = mark;
	*process_is_own = 1;
}

__attribute__((constructor)) static void process_begin(void)
{
	process_pid = getpid();
	process_mark();
	real_begin();
	exec_begin();
	process_take_over();
	door_keep();
	shm_touched_begin();
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
	at_quick_exit(process_end);
}

__attribute__((destructor)) static void process_destroy(void)
{
	process_end();
}
