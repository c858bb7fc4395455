// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * odd.c - rows of tests/move-kinds: processes that were made, or have come to be, in unusual ways
 */
#include "tests/kinds/kind.h"

#include <fcntl.h>
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
	KIND("odd-exit-signal", make_exit_signal, NULL, .refused = "signal 10 when it ends",
	     .as = KIND_BOTH),
	KIND("odd-no-exit-signal", make_no_exit_signal, NULL, .refused = "signal 0 when it ends"),
	KIND("odd-thread-uts", make_thread_uts, NULL, .refused = "another UTS namespace"),
	KIND("odd-thread-ipc", make_thread_ipc, NULL, .refused = "another IPC namespace"),
	KIND("odd-thread-net", make_thread_net, NULL, .refused = "another network namespace"),
	KIND("odd-no-descriptors", make_no_descriptors, show_child, .as = KIND_BOTH),
	KIND("odd-dead", make_dead, show_dead, .as = KIND_BOTH),
	KIND("odd-dead-other", make_dead_other, show_dead),
	KIND("odd-32-bit", make_32_bit, NULL, .refused = "a 32-bit program"),
	{ .name = NULL },
};
