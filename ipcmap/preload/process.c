// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * process.c - sections, forks and the end of the process
 */
#include "ipcmap/preload/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/file.h"
#include "ipcmap/guard.h"
#include "ipcmap/preload/exec.h"

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static struct section process_fork_section; /* under process_lock */
static pid_t process_pid;

int preload_result(int r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

/* --- sections ---------------------------------------------------------------------------- */

/* By system call: the C library would leave its own two signals unblocked. */
static void set_mask(uint64_t mask, uint64_t *ret_old)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, ret_old, sizeof(mask));
}

void section_begin(struct section *section)
{
	set_mask(UINT64_MAX, &section->blocked);
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
	return process_pid;
}

void preload_lock(void)
{
	pthread_mutex_lock(&process_lock);
}

void preload_unlock(void)
{
	pthread_mutex_unlock(&process_lock);
}

void *preload_real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
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
	process_pid = getpid();
	guard_forked();
	shm_forked(process_pid);
	mq_forked();
	after_fork();
}

/* The parent, too, notes what its child has: nobody shall see less before the child has run. */
INTERPOSE pid_t fork(void)
{
	static pid_t (*real)(void);
	struct section section;
	pid_t pid;

	if (!real)
		real = preload_real("fork");
	pid = real();
	if (pid > 0) {
		section_begin(&section);
		preload_lock();
		shm_forked(pid);
		preload_unlock();
		section_end(&section);
	}
	return pid;
}

static void process_end(void)
{
	struct section section;

	/* A vfork's child has its parent's memory, and nothing of its own to end. */
	if (getpid() != process_pid)
		return;
	section_begin(&section);
	sem_exit();
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

/* What is looked up in the C library by other means than its name. */
static void process_take_over(void)
{
	char text[160];
	int r = takeover_begin();

	if (r == 0)
		return;
	snprintf(text, sizeof(text),
		 "--ipc=map does not reach calls that %s looks up itself: the C library cannot be "
		 "changed in memory: %s",
		 program_invocation_short_name, strerror(-r));
	exec_complain(text);
	if (exec_is_strict())
		_exit(126);
}

__attribute__((constructor)) static void process_begin(void)
{
	process_pid = getpid();
	exec_begin();
	process_take_over();
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
	at_quick_exit(process_end);
}

__attribute__((destructor)) static void process_destroy(void)
{
	process_end();
}
