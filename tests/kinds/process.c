// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * process.c - rows of tests/move-kinds: attributes of processes and threads
 */
#include "tests/kinds/kind.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif

static void make_plain(void)
{
	umask(027);
	setpriority(PRIO_PROCESS, 0, 5);
	signal(SIGUSR1, SIG_IGN);
}

static void make_no_new_privs(void)
{
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void make_landlock(void)
{
	unsigned long long device_nodes = 1 << 6;
	int rules = (int)syscall(444 /* landlock_create_ruleset */, &device_nodes,
				 sizeof(device_nodes), 0);

	NEED(rules >= 0);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	MUST(syscall(446 /* landlock_restrict_self */, rules, 0) == 0);
	close(rules);
}

static void make_mdwe(void)
{
	NEED(prctl(PR_SET_MDWE, 1, 0, 0, 0) == 0);
}

static void show_prctl(FILE *out)
{
	int value = 0;

	kind_say(out, "no new privileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	kind_say(out, "no memory written and executed", prctl(PR_GET_MDWE, 0, 0, 0, 0));
	kind_say(out, "dumpable", prctl(PR_GET_DUMPABLE));
	kind_say(out, "subreaper", prctl(PR_GET_CHILD_SUBREAPER, &value));
	kind_say(out, "is it", value);
	kind_say(out, "signal at the parent's death", prctl(PR_GET_PDEATHSIG, &value));
	kind_say(out, "which", value);
	kind_say(out, "timer slack", prctl(PR_GET_TIMERSLACK));
	kind_say(out, "securebits", prctl(PR_GET_SECUREBITS));
	kind_say(out, "keep capabilities", prctl(PR_GET_KEEPCAPS));
}

static void make_prctl(void)
{
	MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2) == 0);
	MUST(prctl(PR_SET_TIMERSLACK, 77777) == 0);
	MUST(prctl(PR_SET_DUMPABLE, 0) == 0);
}

__attribute__((noreturn)) static void *wait_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void make_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 8; i++)
		MUST(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
}

static void end_at_once(void *arg)
{
	(void)arg;
	_exit(3);
}

static void stop(void *arg)
{
	(void)arg;
	signal(SIGUSR1, SIG_DFL);
}

static void make_zombie(void)
{
	siginfo_t info;

	MUST(waitid(P_PID, (id_t)kind_child(end_at_once, NULL), &info, WEXITED | WNOWAIT) == 0);
}

static void make_stopped(void)
{
	siginfo_t info;
	pid_t pid = kind_child(stop, NULL);

	MUST(kill(pid, SIGSTOP) == 0);
	MUST(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT) == 0);
}

static void make_pending(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 5 });
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 6 });
}

static void make_limits(void)
{
	struct rlimit limit = { .rlim_cur = 100, .rlim_max = 200 };

	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = 3600;
	limit.rlim_max = 7200;
	MUST(setrlimit(RLIMIT_CPU, &limit) == 0);
}

static __attribute__((noreturn)) int wait_in_clone(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void make_clone(int flags)
{
	static char stack[65536] __attribute__((aligned(16)));

	NEED(clone(wait_in_clone, stack + sizeof(stack), flags | SIGCHLD, NULL) > 0);
}

static void make_shared_memory(void)
{
	make_clone(CLONE_VM);
}

static void make_shared_directories(void)
{
	make_clone(CLONE_FS);
}

/* The parent cannot be stopped. */
static void wait_in_vfork(void *arg)
{
	(void)arg;
	kind_is_ready();
	make_clone(CLONE_VM | CLONE_VFORK);
}

static bool is_in_vfork(void *arg)
{
	char path[64], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", *(pid_t *)arg, *(pid_t *)arg);
	file = fopen(path, "r");
	if (file) {
		(void)!fgets(text, sizeof(text), file);
		fclose(file);
	}
	return text[0] != '\0';
}

static void make_vfork(void)
{
	pid_t pid = kind_child(wait_in_vfork, NULL);

	kind_until(is_in_vfork, &pid);
}

static pthread_barrier_t unshared;

static void *unshare_in_thread(void *arg)
{
	MUST(unshare(*(int *)arg) == 0);
	pthread_barrier_wait(&unshared);
	wait_in_clone(NULL);
}

static void make_unshared(int what)
{
	pthread_t thread;

	pthread_barrier_init(&unshared, NULL, 2);
	MUST(pthread_create(&thread, NULL, unshare_in_thread, &what) == 0);
	pthread_barrier_wait(&unshared);
}

static void make_thread_directories(void)
{
	make_unshared(CLONE_FS);
}

static void make_thread_descriptors(void)
{
	make_unshared(CLONE_FILES);
}

/* A copy of this program, of which nobody may start another one. */
static void make_not_executable(void)
{
	int ready[2];
	char byte;

	MUST(system("cp /proc/$PPID/exe program") == 0);
	MUST(pipe2(ready, O_CLOEXEC) == 0);
	if (fork() == 0) {
		int unread[2];

		MUST(pipe(unread) == 0 && dup2(unread[0], 0) == 0);
		MUST(dup2(open("/dev/null", O_WRONLY), 1) == 1);
		execl("program", "program", "victim", "process-plain", NULL);
		_exit(1);
	}
	close(ready[1]);
	MUST(read(ready[0], &byte, 1) == 0);
	close(ready[0]);
	MUST(chmod("program", 0644) == 0);
}

const struct kind kinds_process[] = {
	KIND("process-plain", make_plain, show_prctl, .as = KIND_BOTH),
	KIND("process-no-new-privs", make_no_new_privs, show_prctl, .as = KIND_BOTH),
	KIND("process-mdwe", make_mdwe, show_prctl),
	KIND("process-landlock", make_landlock, NULL, .refused = "Landlock sandbox",
	     .as = KIND_BOTH),
	KIND("process-prctl", make_prctl, show_prctl, .as = KIND_BOTH),
	KIND("process-threads", make_threads, NULL),
	KIND("process-zombie", make_zombie, NULL),
	KIND("process-stopped", make_stopped, NULL),
	KIND("process-pending", make_pending, NULL),
	KIND("process-limits", make_limits, NULL),
	KIND("process-shared-memory", make_shared_memory, NULL, .refused = "shares its memory"),
	KIND("process-shared-directories", make_shared_directories, NULL,
	     .refused = "shares its current directory"),
	KIND("process-vfork", make_vfork, NULL, .refused = "shares its memory", .as = KIND_BOTH),
	KIND("process-thread-directories", make_thread_directories, NULL,
	     .refused = "a current directory and umask of its own"),
	KIND("process-thread-descriptors", make_thread_descriptors, NULL,
	     .refused = "descriptors of its own"),
	KIND("process-not-executable", make_not_executable, NULL,
	     .refused = "is not executable any more", .as = KIND_BOTH),
	{ .name = NULL },
};
