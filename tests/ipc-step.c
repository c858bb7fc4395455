// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-step.c - a signal at each instruction of a call that blocks
 *
 *	ipc-step CALL [EVERY]
 *
 * A child makes the call and is led through it instruction by instruction, up to one (the next one,
 *or EVERY further, with each child); there it gets a signal that has a handler, and runs on. From
 *the call's first system call on the call must return EINTR, whichever instruction it was: before
 *that, it has not begun. Prints: CALL, instructions up to the sleep, those at which the signal was
 *lost. The kernel's own calls are tested the same way when the program runs without the interposer.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __x86_64__
int main(void)
{
	return 77;
}
#else

#define PATIENCE_USEC 2000000
#define LAST 120                   /* instructions before the sleep, none of which is left out */
#define SYSCALL_INSTRUCTION 0x050f /* of x86-64 */

static int queue, full, semaphore;
static mqd_t posix_queue, posix_full;
static struct {
	long type;
	char text[64];
} message = { .type = 1 };

static long in_msgrcv(bool wait)
{
	return msgrcv(queue, &message, sizeof(message.text), 0, wait ? 0 : IPC_NOWAIT);
}

static long in_msgsnd(bool wait)
{
	return msgsnd(full, &message, sizeof(message.text), wait ? 0 : IPC_NOWAIT);
}

static long in_semop(bool wait)
{
	struct sembuf take = { 0, -1, (short)(wait ? 0 : IPC_NOWAIT) };

	return semop(semaphore, &take, 1);
}

static long in_semtimedop(bool wait)
{
	struct sembuf take = { 0, -1, (short)(wait ? 0 : IPC_NOWAIT) };
	struct timespec minute = { .tv_sec = 60 };

	return semtimedop(semaphore, &take, 1, &minute);
}

/* Asked for once: how many instructions clock_gettime() takes varies. */
static struct timespec in_an_hour;

static long in_mq_receive(bool wait)
{
	struct timespec past = { 0 };
	char text[64];

	return wait ? mq_receive(posix_queue, text, sizeof(text), NULL)
		    : mq_timedreceive(posix_queue, text, sizeof(text), NULL, &past);
}

static long in_mq_timedreceive(bool wait)
{
	struct timespec past = { 0 };
	char text[64];

	return mq_timedreceive(posix_queue, text, sizeof(text), NULL, wait ? &in_an_hour : &past);
}

static long in_mq_send(bool wait)
{
	struct timespec past = { 0 };

	return wait ? mq_send(posix_full, "x", 1, 0) : mq_timedsend(posix_full, "x", 1, 0, &past);
}

static const struct call {
	const char *name;
	long (*call)(bool wait); /* without: it would block, and says so */
} calls[] = {
	{ "msgrcv", in_msgrcv },         { "msgsnd", in_msgsnd },
	{ "semop", in_semop },           { "semtimedop", in_semtimedop },
	{ "mq_receive", in_mq_receive }, { "mq_timedreceive", in_mq_timedreceive },
	{ "mq_send", in_mq_send },
};

static void on_signal(int signal)
{
	(void)signal;
}

/* --- the child --------------------------------------------------------------------------- */

/* Stopped just before the call; what the call does only the first time is done. */
static pid_t start(const struct call *call)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		call->call(false);
		raise(SIGSTOP);
		_exit(call->call(true) < 0 && errno == EINTR ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		exit(2);
	return pid;
}

static char state_of(pid_t pid)
{
	char path[32], text[256] = "";
	FILE *file;
	char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 'X';
	at = fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
	fclose(file);
	return at ? at[2] : 'X';
}

/* One instruction. False: it does not end, the child sleeps. */
static bool step(pid_t pid)
{
	int status;

	ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
	for (int looks = 1; waitpid(pid, &status, WNOHANG) == 0; looks++)
		if (looks % 100 == 0 && state_of(pid) == 'S')
			return false;
	if (!WIFSTOPPED(status))
		exit(2);
	return true;
}

static bool is_at_syscall(pid_t pid)
{
	struct user_regs_struct regs;
	long text;

	ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	text = ptrace(PTRACE_PEEKTEXT, pid, (void *)regs.rip, NULL);
	return (text & 0xffff) == SYSCALL_INSTRUCTION;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The call has returned EINTR. */
static bool is_interrupted(pid_t pid)
{
	int status;

	for (int i = 0; i < PATIENCE_USEC; i += 200) {
		if (waitpid(pid, &status, WNOHANG) != pid)
			usleep(200);
		else if (WIFSTOPPED(status)) /* it was blocked, and is delivered now */
			ptrace(PTRACE_CONT, pid, NULL, (void *)(long)WSTOPSIG(status));
		else
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	end(pid);
	return false;
}

/* --- the calls --------------------------------------------------------------------------- */

/* How many instructions there are up to the sleep, and which is the first system call. The way out
 * of raise() is among them, which makes none. */
static int measure(const struct call *call, int *ret_first)
{
	pid_t pid = start(call);
	int n = 0;

	*ret_first = -1;
	do {
		if (*ret_first < 0 && is_at_syscall(pid))
			*ret_first = n;
		n++;
	} while (step(pid));
	end(pid);
	return n;
}

/* The signal after n instructions. */
static bool try_at(const struct call *call, int n)
{
	pid_t pid = start(call);

	for (int i = 0; i < n; i++)
		if (!step(pid)) {
			kill(pid, SIGHUP);
			ptrace(PTRACE_CONT, pid, NULL, (void *)(long)SIGHUP);
			return is_interrupted(pid);
		}
	ptrace(PTRACE_CONT, pid, NULL, (void *)(long)SIGHUP);
	return is_interrupted(pid);
}

static int next(int i, int n, int every)
{
	if (n - i <= LAST)
		return i + 1;
	return n - i - every < LAST ? n - LAST : i + every;
}

static void run(const struct call *call, int every)
{
	int first, n = measure(call, &first), lost = 0;

	for (int i = first + 1; i < n; i = next(i, n, every))
		if (!try_at(call, i)) {
			if (lost++ < 20)
				fprintf(stderr, "%s: lost at instruction %d\n", call->name,
					i - first);
		}
	printf("%s: %d instructions, %d lost\n", call->name, n - first, lost);
}

static void make(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 64 };
	char name[32];

	snprintf(name, sizeof(name), "/ipc-step-%d", (int)getpid());
	queue = msgget(IPC_PRIVATE, 0600);
	full = msgget(IPC_PRIVATE, 0600);
	semaphore = semget(IPC_PRIVATE, 1, 0600);
	posix_queue = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
	mq_unlink(name);
	posix_full = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
	mq_unlink(name);
	if (queue < 0 || full < 0 || semaphore < 0 || posix_queue < 0 || posix_full < 0)
		exit(2);
	while (in_msgsnd(false) == 0)
		;
	mq_send(posix_full, "x", 1, 0);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGHUP, &action, NULL);
	clock_gettime(CLOCK_REALTIME, &in_an_hour);
	in_an_hour.tv_sec += 3600;
	make();
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (argc < 2 || !strcmp(argv[1], "all") || !strcmp(argv[1], calls[i].name))
			run(&calls[i], argc > 2 ? atoi(argv[2]) : 1);
	msgctl(queue, IPC_RMID, NULL);
	msgctl(full, IPC_RMID, NULL);
	semctl(semaphore, 0, IPC_RMID);
	return 0;
}

#endif
