// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls.c - the table's frame; see ipc-calls.h
 */
#include "ipc-calls.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile int ipc_alarms;
void *ipc_none, *ipc_readonly, *ipc_edge;

static const char *error_name(long r)
{
	return r == -1 && errno ? strerrorname_np(errno) : "";
}

long ipc_show(const char *call, long r)
{
	printf("%s = %ld %s\n", call, r, error_name(r));
	return r;
}

long ipc_show_id(const char *call, long r)
{
	printf("%s = %s %s\n", call, r >= 0 ? "id" : "-1", error_name(r));
	return r;
}

void ipc_value(const char *text, long value)
{
	printf("%s: %ld\n", text, value);
}

pid_t ipc_start(void (*f)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		f();
		fflush(stdout);
		_exit(0);
	}
	return pid;
}

void ipc_reap(const char *text, pid_t pid)
{
	int status;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	if (r != pid)
		printf("%s: no child\n", text);
	else
		printf("%s: %s %d\n", text, WIFEXITED(status) ? "exited" : "killed by",
		       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static uid_t child_uid;
static void (*child_f)(void);

static void child_as(void)
{
	if (child_uid && (setgid(child_uid) < 0 || setuid(child_uid) < 0))
		_exit(1);
	child_f();
}

pid_t ipc_start_as(uid_t uid, void (*f)(void))
{
	child_uid = uid;
	child_f = f;
	return ipc_start(child_as);
}

void ipc_child(const char *text, uid_t uid, void (*f)(void))
{
	child_uid = uid;
	child_f = f;
	printf("%s, uid %d:\n", text, (int)uid);
	ipc_reap(text, ipc_start(child_as));
}

void ipc_make_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *room =
		mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ipc_readonly = room;
	ipc_edge = room + 2 * page - 1;
	ipc_none = room + 2 * page;
	mprotect(ipc_readonly, page, PROT_READ);
	mprotect(ipc_none, 2 * page, PROT_NONE);
}

void *ipc_at(void *memory, long bytes)
{
	return (char *)memory + bytes;
}

void ipc_settle(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
}

static void on_alarm(int signal)
{
	(void)signal;
	ipc_alarms++;
}

void ipc_alarm(int msec, bool restart)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = restart ? SA_RESTART : 0 };
	struct itimerval timer = { .it_value = { .tv_usec = msec * 1000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tables[] = {
		{ "msg", calls_msg },
		{ "sem", calls_sem },
		{ "semundo", calls_semundo },
		{ "shm", calls_shm },
		{ "mq", calls_mq },
		{ "notify", calls_notify },
		{ "named", calls_named },
		{ "limits", calls_limits },
		{ "known", calls_known },
		{ "child", calls_child },
		{ "poll", calls_poll },
		{ "kept", calls_kept },
		{ "raw", calls_raw },
		{ "ours", calls_ours },
		{ "attach", calls_attach },
		{ "info", calls_info },
		{ "ids", calls_ids },
		{ "errno-sysv", calls_errno_sysv },
		{ "errno-posix", calls_errno_posix },
	};
	int done = 0;

	/* Until a file is there. */
	while (argc > 2 && access(argv[2], F_OK) < 0)
		ipc_settle();
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (argc < 2 || !strcmp(argv[1], tables[i].name)) {
			printf("--- %s\n", tables[i].name);
			tables[i].run();
			done++;
		}
	return done ? 0 : 2;
}
