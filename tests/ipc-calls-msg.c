// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-msg.c - System V message queues
 */
#include "ipc-calls.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x56430001

struct message {
	long type;
	char text[9000];
};

static int id;
static struct message message;

static long put(long type, const char *text, int flags)
{
	message.type = type;
	strcpy(message.text, text);
	return msgsnd(id, &message, strlen(text), flags);
}

static long get(size_t size, long type, int flags)
{
	ssize_t n;

	memset(&message, 0, sizeof(message));
	n = msgrcv(id, &message, size, type, flags);
	if (n >= 0)
		printf("  type %ld '%s'\n", message.type, message.text);
	return n;
}

static void stat_queue(void)
{
	struct msqid_ds ds;

	if (SHOW(msgctl(id, IPC_STAT, &ds)) < 0)
		return;
	VALUE(ds.msg_qnum);
	VALUE(ds.__msg_cbytes);
	VALUE(ds.msg_qbytes);
	VALUE(ds.msg_perm.mode);
	VALUE(ds.msg_perm.uid);
	VALUE(ds.msg_perm.cuid);
	VALUE(ds.msg_lspid == getpid());
	VALUE(ds.msg_lrpid == getpid());
	VALUE(ds.msg_stime == 0);
	VALUE(ds.msg_rtime == 0);
	VALUE(ds.msg_ctime <= time(NULL) && ds.msg_ctime > time(NULL) - 100);
}

static void gets(void)
{
	int other;

	SHOW_ID(msgget(KEY, 0));
	SHOW_ID(id = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
	SHOW(msgget(KEY, 0) == id);
	SHOW(msgget(KEY, IPC_CREAT | 0600) == id);
	SHOW_ID(other = msgget(IPC_PRIVATE, 0600));
	VALUE(other == id);
	SHOW(msgctl(other, IPC_RMID, NULL));
	stat_queue();
}

static void types(void)
{
	SHOW(put(3, "three", 0));
	SHOW(put(1, "one", 0));
	SHOW(put(2, "two", 0));
	SHOW(put(1, "one again", 0));
	SHOW(put(2, "", 0));
	stat_queue();
	SHOW(get(3, 3, IPC_NOWAIT));
	SHOW(get(3, 3, IPC_NOWAIT | MSG_NOERROR));
	SHOW(get(100, 7, IPC_NOWAIT));
	SHOW(get(100, 1, IPC_NOWAIT | MSG_EXCEPT));
	SHOW(get(100, -2, IPC_NOWAIT));
	SHOW(get(100, -2, IPC_NOWAIT));
	SHOW(get(100, -2, IPC_NOWAIT));
	SHOW(get(100, -2, IPC_NOWAIT));
	SHOW(get(100, 0, IPC_NOWAIT));
	stat_queue();
}

static void errors(void)
{
	SHOW(put(0, "no type", 0));
	SHOW(put(-1, "no type", 0));
	message.type = 1;
	SHOW(msgsnd(id, &message, 8193, 0));
	SHOW(msgsnd(id, &message, (size_t)-1, 0));
	SHOW(msgsnd(-1, &message, 1, 0));
	SHOW(msgsnd(123456, &message, 1, 0));
	SHOW(msgrcv(-1, &message, 1, 0, IPC_NOWAIT));
	SHOW(msgrcv(id, &message, (size_t)-1, 0, IPC_NOWAIT));
	SHOW(msgctl(-1, IPC_STAT, NULL));
	SHOW(msgctl(id, 4711, NULL));
}

static void full(void)
{
	memset(message.text, 'x', sizeof(message.text));
	message.type = 5;
	SHOW(msgsnd(id, &message, 8192, IPC_NOWAIT));
	SHOW(msgsnd(id, &message, 8192, IPC_NOWAIT));
	SHOW(msgsnd(id, &message, 1, IPC_NOWAIT));
	SHOW(msgsnd(id, &message, 0, IPC_NOWAIT));
	SHOW(msgrcv(id, &message, 8192, 0, IPC_NOWAIT));
	VALUE(message.text[8191]);
	SHOW(msgsnd(id, &message, 4096, IPC_NOWAIT));
	SHOW(msgsnd(id, &message, 4097, IPC_NOWAIT));
	for (int i = 0; i < 4; i++)
		SHOW(msgrcv(id, &message, 8192, 0, IPC_NOWAIT));
}

static void copies(void)
{
	SHOW(put(4, "first", 0));
	SHOW(put(5, "second", 0));
	SHOW(get(100, 1, IPC_NOWAIT | MSG_COPY));
	SHOW(get(100, 0, IPC_NOWAIT | MSG_COPY));
	SHOW(get(100, 2, IPC_NOWAIT | MSG_COPY));
	SHOW(get(2, 1, IPC_NOWAIT | MSG_COPY));
	SHOW(get(100, 0, MSG_COPY));
	SHOW(get(100, 0, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT));
	SHOW(get(100, 0, 0));
	SHOW(get(100, 0, 0));
}

static void set(void)
{
	struct msqid_ds ds;

	SHOW(msgctl(id, IPC_STAT, &ds));
	ds.msg_qbytes = 10;
	ds.msg_perm.mode = 0640;
	ds.msg_perm.uid = 65534;
	SHOW(msgctl(id, IPC_SET, &ds));
	stat_queue();
	SHOW(put(1, "0123456789", IPC_NOWAIT));
	SHOW(put(1, "", IPC_NOWAIT));
	SHOW(get(100, 0, IPC_NOWAIT));
	SHOW(get(100, 0, IPC_NOWAIT));
	SHOW(put(1, "0123456789a", IPC_NOWAIT));
	ds.msg_qbytes = 16384;
	ds.msg_perm.uid = 0;
	ds.msg_perm.mode = 0600;
	SHOW(msgctl(id, IPC_SET, &ds));
}

static void stranger(void)
{
	struct msqid_ds ds;

	SHOW(put(1, "mine", IPC_NOWAIT));
	SHOW(get(10, 0, IPC_NOWAIT));
	SHOW(msgctl(id, IPC_STAT, &ds));
	memset(&ds, 0, sizeof(ds));
	SHOW(msgctl(id, IPC_SET, &ds));
	SHOW(msgctl(id, IPC_RMID, NULL));
	SHOW_ID(msgget(KEY, 0600));
}

static void receive_blocked(void)
{
	SHOW(get(100, 9, 0));
}

static void send_blocked(void)
{
	SHOW(put(1, "behind", 0));
}

static void send_from_child(void)
{
	SHOW(put(9, "from the child", 0));
}

static void blocked(void)
{
	pid_t pid = ipc_start(receive_blocked);

	ipc_settle();
	SHOW(put(8, "not wanted", 0));
	ipc_settle();
	SHOW(put(9, "wanted", 0));
	ipc_reap("receiver", pid);
	SHOW(get(100, 0, 0));
	ipc_child("sender", 0, send_from_child);
	SHOW(get(100, 0, 0));
	memset(message.text, 'y', sizeof(message.text));
	message.type = 1;
	SHOW(msgsnd(id, &message, 8192, 0));
	SHOW(msgsnd(id, &message, 8192, 0));
	pid = ipc_start(send_blocked);
	ipc_settle();
	SHOW(msgrcv(id, &message, 8192, 0, 0));
	ipc_reap("sender", pid);
	SHOW(msgrcv(id, &message, 8192, 0, 0));
	SHOW(get(100, 0, 0));
}

/* The next alarm's handler runs there. */
static void other_stack(void)
{
	static char stack[65536];
	struct sigaction action;

	sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	ipc_alarm(100, true);
	sigaction(SIGALRM, NULL, &action);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGALRM, &action, NULL);
}

/* Until there is no room. */
static void fill(void)
{
	memset(message.text, 'z', sizeof(message.text));
	message.type = 1;
	SHOW(msgsnd(id, &message, 8192, IPC_NOWAIT));
	SHOW(msgsnd(id, &message, 8192, IPC_NOWAIT));
}

static void interrupted_sender(void)
{
	fill();
	ipc_alarm(100, true);
	SHOW(msgsnd(id, &message, 8192, 0));
	SHOW(msgrcv(id, &message, 8192, 0, 0));
	SHOW(msgrcv(id, &message, 8192, 0, 0));
}

static void interrupted(void)
{
	ipc_alarm(100, true);
	SHOW(msgrcv(id, &message, 100, 0, 0));
	ipc_alarm(100, false);
	SHOW(msgrcv(id, &message, 100, 0, 0));
	VALUE(ipc_alarms);
	other_stack();
	SHOW(msgrcv(id, &message, 100, 0, 0));
	VALUE(ipc_alarms);
}

static void send_large(void)
{
	SHOW(msgsnd(id, &message, 8192, 0));
}

static void removed(void)
{
	pid_t receiver = ipc_start(receive_blocked), sender;

	ipc_settle();
	SHOW(msgctl(id, IPC_RMID, NULL));
	ipc_reap("receiver", receiver);
	SHOW_ID(id = msgget(KEY, IPC_CREAT | 0600));
	fill();
	sender = ipc_start(send_large);
	ipc_settle();
	SHOW(msgctl(id, IPC_RMID, NULL));
	ipc_reap("sender", sender);
	SHOW(put(1, "gone", 0));
	SHOW(msgctl(id, IPC_RMID, NULL));
	SHOW_ID(msgget(KEY, 0));
	SHOW_ID(id = msgget(KEY, IPC_CREAT | 0600));
	SHOW(get(100, 0, IPC_NOWAIT));
	SHOW(msgctl(id, IPC_RMID, NULL));
}

void calls_msg(void)
{
	gets();
	types();
	errors();
	full();
	copies();
	set();
	ipc_child("stranger", 65534, stranger);
	blocked();
	interrupted();
	interrupted_sender();
	removed();
}
