// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * odd.c - rows of tests/move-kinds: processes that were made, or have come to be, in unusual ways
 */
#include "tests/kinds/kind.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/elf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t child;

__attribute__((noreturn)) static void wait_for_ever(void)
{
	for (;;)
		pause();
}

/* Ended by another signal than SIGCHLD, so only a wait with __WCLONE finds it. */
static void make_exit_signal(void)
{
	child = (pid_t)syscall(SYS_clone, SIGUSR1, 0, NULL, NULL, 0);
	MUST(child >= 0);
	if (child == 0)
		wait_for_ever();
}

static void make_no_exit_signal(void)
{
	child = (pid_t)syscall(SYS_clone, 0, 0, NULL, NULL, 0);
	MUST(child >= 0);
	if (child == 0)
		wait_for_ever();
}

static int namespace_of_thread, ready[2];

static void *live_elsewhere(void *arg)
{
	char byte = unshare(namespace_of_thread) == 0 ? 1 : 0;

	(void)arg;
	MUST(write(ready[1], &byte, 1) == 1);
	wait_for_ever();
}

static void make_thread_in(int namespace)
{
	pthread_t thread;
	char byte;

	namespace_of_thread = namespace;
	MUST(pipe(ready) == 0);
	MUST(pthread_create(&thread, NULL, live_elsewhere, NULL) == 0);
	MUST(read(ready[0], &byte, 1) == 1);
	NEED(byte);
}

static void make_thread_uts(void)
{
	make_thread_in(CLONE_NEWUTS);
}

static void make_thread_ipc(void)
{
	make_thread_in(CLONE_NEWIPC);
}

static void make_thread_net(void)
{
	make_thread_in(CLONE_NEWNET);
}

static void close_all(void *arg)
{
	(void)arg;
	syscall(SYS_close_range, 0, ~0u, 0);
}

static void make_no_descriptors(void)
{
	child = kind_child(close_all, NULL);
}

static void show_child(FILE *out)
{
	kind_say(out, "child", kill(child, 0));
}

/* Ends of all sorts: exit statuses, and signals that the C library has for itself too. */
static const int ends[] = { 0, 1, 127, 128, 255, -SIGHUP, -SIGKILL, -SIGSEGV, -32, -34, -64 };
static pid_t dead[sizeof(ends) / sizeof(ends[0])];

static void end_so(int end)
{
	const unsigned long long all = ~0ull;
	struct rlimit no_core = { 0 };

	if (end >= 0)
		_exit(end);
	setrlimit(RLIMIT_CORE, &no_core);
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &all, NULL, sizeof(all));
	syscall(SYS_kill, getpid(), -end);
	_exit(99);
}

static void make_dead(void)
{
	siginfo_t info;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		dead[i] = fork();
		MUST(dead[i] >= 0);
		if (dead[i] == 0)
			end_so(ends[i]);
		MUST(waitid(P_PID, (id_t)dead[i], &info, WEXITED | WNOWAIT) == 0);
	}
}

static void show_dead(FILE *out)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		siginfo_t info = { 0 };

		MUST(waitid(P_PID, (id_t)dead[i], &info, WEXITED | WNOWAIT | WNOHANG) == 0);
		fprintf(out, "%d: %s, code %d, status %d, uid %u\n", ends[i],
			info.si_pid == dead[i] ? "dead" : "not dead", info.si_code, info.si_status,
			info.si_uid);
	}
}

/* It has changed its ids before it ended. */
static void make_dead_other(void)
{
	make_dead();
	waitpid(dead[0], NULL, 0);
	dead[0] = fork();
	if (dead[0] == 0) {
		MUST(setresgid(5, 6, 7) == 0 && setresuid(1000, 1001, 1002) == 0);
		_exit(0);
	}
	MUST(waitid(P_PID, (id_t)dead[0], &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0);
}

static volatile int told;

static void count_child(int signal)
{
	(void)signal;
	told++;
}

static bool is_told(void *arg)
{
	(void)arg;
	return told > 0;
}

/* Its parent has a handler, which has run. */
static void stop_child(int signal)
{
	MUST(sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = count_child }, NULL) == 0);
	MUST(kill(child, signal) == 0);
	kind_until(is_told, NULL);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void make_stopped_unasked(void)
{
	child = kind_child(nothing, NULL);
	stop_child(SIGTSTP);
}

static void make_stopped_asked(void)
{
	int status;

	make_stopped_unasked();
	MUST(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
}

/* Signals that would end it wait until it is continued. */
static void make_stopped_pending(void)
{
	make_stopped_asked();
	MUST(kill(child, SIGHUP) == 0 && kill(child, SIGUSR1) == 0);
}

static void with_threads(void *arg)
{
	pthread_t thread;

	(void)arg;
	MUST(pipe(ready) == 0);
	for (int i = 0; i < 3; i++)
		MUST(pthread_create(&thread, NULL, live_elsewhere, NULL) == 0);
}

static void make_stopped_threads(void)
{
	child = kind_child(with_threads, NULL);
	stop_child(SIGSTOP);
	MUST(waitpid(child, NULL, WUNTRACED) == child);
	MUST(kill(child, SIGTERM) == 0);
}

/* A stopped process with a stopped child, as of a shell in a shell. */
static void stop_both(void *arg)
{
	pid_t inner = kind_child(nothing, NULL);

	(void)arg;
	MUST(kill(inner, SIGSTOP) == 0);
	MUST(waitpid(inner, NULL, WUNTRACED) == inner);
}

static void make_stopped_both(void)
{
	child = kind_child(stop_both, NULL);
	stop_child(SIGSTOP);
	MUST(waitpid(child, NULL, WUNTRACED) == child);
}

static void show_stopped(FILE *out)
{
	siginfo_t info = { 0 };

	MUST(waitid(P_PID, (id_t)child, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT) == 0);
	fprintf(out, "to be waited for: code %d, status %d; signals of children: %d\n",
		info.si_code, info.si_status, told);
}

/* As of a program that limits its children: below the job's own group. */
static void make_group(void)
{
	char line[512], group[400] = "", path[512];
	FILE *groups = fopen("/proc/self/cgroup", "re");

	while (groups && fgets(line, sizeof(line), groups))
		sscanf(line, "%*d:memory:%399s", group);
	fclose(groups);
	NEED(group[0]);
	snprintf(path, sizeof(path), "/sys/fs/cgroup/memory%s/inner", group);
	NEED(mkdir(path, 0755) == 0);
	child = kind_child(nothing, NULL);
	strcat(path, "/cgroup.procs");
	groups = fopen(path, "we");
	MUST(groups && fprintf(groups, "%d\n", (int)child) > 0 && fclose(groups) == 0);
}

/* More than fit into a line that CRIU reads. */
static void make_groups(void)
{
	static gid_t groups[1000];

	for (int i = 0; i < 1000; i++)
		groups[i] = 10000 + (gid_t)i;
	MUST(setgroups(1000, groups) == 0);
}

static void make_fewer_groups(void)
{
	static gid_t groups[600];

	for (int i = 0; i < 600; i++)
		groups[i] = 10000 + (gid_t)i;
	MUST(setgroups(600, groups) == 0);
}

/* pause(2), for ever. */
static void make_32_bit(void)
{
	static const unsigned char code[] = { 0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7 };
	const struct {
		Elf32_Ehdr head;
		Elf32_Phdr segment;
		unsigned char code[sizeof(code)];
	} program = {
		.head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			  .e_type = ET_EXEC,
			  .e_machine = EM_386,
			  .e_version = EV_CURRENT,
			  .e_entry = 0x10000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			  .e_phoff = sizeof(Elf32_Ehdr),
			  .e_ehsize = sizeof(Elf32_Ehdr),
			  .e_phentsize = sizeof(Elf32_Phdr),
			  .e_phnum = 1 },
		.segment = { .p_type = PT_LOAD,
			     .p_vaddr = 0x10000,
			     .p_filesz = sizeof(program),
			     .p_memsz = sizeof(program),
			     .p_flags = PF_R | PF_X,
			     .p_align = 4096 },
	};
	int fd = open("program", O_CREAT | O_WRONLY | O_CLOEXEC, 0755), error[2], status = 0;
	char image[sizeof(program)];

	memcpy(image, &program, sizeof(program));
	memcpy(image + offsetof(__typeof__(program), code), code, sizeof(code));
	MUST(write(fd, image, sizeof(image)) == sizeof(image));
	close(fd);
	MUST(pipe2(error, O_CLOEXEC) == 0);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 3; i++)
			close(i);
		execl("program", "program", (char *)NULL);
		status = 1;
		MUST(write(error[1], &status, sizeof(status)) == sizeof(status));
		_exit(1);
	}
	close(error[1]);
	NEED(read(error[0], &status, sizeof(status)) == 0);
	close(error[0]);
}

const struct kind kinds_odd[] = {
	KIND("odd-exit-signal", make_exit_signal, NULL, .refused = "signal 10 instead of SIGCHLD",
	     .as = KIND_BOTH),
	KIND("odd-no-exit-signal", make_no_exit_signal, NULL,
	     .refused = "signal 0 instead of SIGCHLD"),
	KIND("odd-thread-uts", make_thread_uts, NULL, .refused = "another UTS namespace"),
	KIND("odd-thread-ipc", make_thread_ipc, NULL, .refused = "another IPC namespace"),
	KIND("odd-thread-net", make_thread_net, NULL, .refused = "another network namespace"),
	KIND("odd-no-descriptors", make_no_descriptors, show_child, .as = KIND_BOTH),
	KIND("odd-dead", make_dead, show_dead, .as = KIND_BOTH),
	KIND("odd-dead-other", make_dead_other, show_dead),
	KIND("odd-stopped-unasked", make_stopped_unasked, show_stopped, .as = KIND_BOTH),
	KIND("odd-stopped-asked", make_stopped_asked, show_stopped, .as = KIND_BOTH),
	KIND("odd-stopped-pending", make_stopped_pending, show_stopped, .as = KIND_BOTH),
	KIND("odd-stopped-threads", make_stopped_threads, show_stopped),
	KIND("odd-stopped-both", make_stopped_both, show_stopped),
	KIND("odd-control-group", make_group, NULL, .refused = "in another control group"),
	KIND("odd-groups", make_groups, NULL, .refused = "so many groups"),
	KIND("odd-fewer-groups", make_fewer_groups, NULL),
	KIND("odd-32-bit", make_32_bit, NULL, .refused = "a 32-bit program"),
	{ .name = NULL },
};
