// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-child.c - children by all the calls that make processes, and whose the objects' counts
 * are
 */
#include "ipc-calls.h"

#include <linux/sched.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/raw-call.h"

#define STACK_BYTES 65536
#define MQ_NAME "/vcipc-calls-child"

static int set, queue, segment;
static mqd_t mq;

/* What a child saw. */
static struct seen {
	pid_t pid;
	long nattch, value, last_op, errors;
} * seen;

static long attached(void)
{
	struct shmid_ds ds;

	return shmctl(segment, IPC_STAT, &ds) < 0 ? -1 : (long)ds.shm_nattch;
}

static int child(void *arg)
{
	struct {
		long type;
		char text[1];
	} message = { .type = 1 };
	struct sembuf up = { .sem_num = 0, .sem_op = 3, .sem_flg = SEM_UNDO };
	void *memory;

	(void)arg;
	seen->nattch = attached();
	seen->errors += semop(set, &up, 1) < 0;
	seen->value = semctl(set, 0, GETVAL);
	seen->pid = (pid_t)syscall(SYS_getpid);
	seen->last_op = semctl(set, 0, GETPID) == seen->pid;
	seen->errors += msgsnd(queue, &message, sizeof(message.text), 0) < 0;
	seen->errors += mq_send(mq, "x", 1, 0) < 0;
	memory = shmat(segment, NULL, 0);
	seen->errors += memory == (void *)-1 || shmdt(memory) < 0;
	_exit(0);
}

/* --- the calls --------------------------------------------------------------------------- */

static pid_t by_fork(void)
{
	pid_t pid = fork();

	return pid ? pid : child(NULL);
}

static pid_t by__Fork(void)
{
	pid_t pid = _Fork();

	return pid ? pid : child(NULL);
}

static pid_t by_vfork(void)
{
	pid_t pid = vfork();

	return pid ? pid : child(NULL);
}

static pid_t clone_with(int flags)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));

	return clone(child, stack + sizeof(stack), flags | SIGCHLD, NULL);
}

static pid_t by_clone(void)
{
	return clone_with(0);
}

static pid_t by_clone_vm(void)
{
	return clone_with(CLONE_VM);
}

static pid_t by_clone_vm_vfork(void)
{
	return clone_with(CLONE_VM | CLONE_VFORK);
}

static pid_t by_clone_files(void)
{
	return clone_with(CLONE_FILES | CLONE_FS);
}

static pid_t by_syscall_clone(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	return pid ? pid : child(NULL);
}

static pid_t by_syscall_clone3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	return pid ? pid : child(NULL);
}

static pid_t by_instruction(void)
{
	pid_t pid = (pid_t)raw_call(SYS_clone, SIGCHLD, 0, 0, 0);

	return pid ? pid : child(NULL);
}

static const struct {
	const char *name;
	pid_t (*make)(void);
} ways[] = {
	{ "fork", by_fork },
	{ "_Fork", by__Fork },
	{ "vfork", by_vfork },
	{ "clone", by_clone },
	{ "clone CLONE_FILES", by_clone_files },
	{ "clone CLONE_VM", by_clone_vm },
	{ "clone CLONE_VM | CLONE_VFORK", by_clone_vm_vfork },
	{ "syscall clone", by_syscall_clone },
	{ "syscall clone3", by_syscall_clone3 },
	{ "a machine instruction", by_instruction },
};

/* --- what they leave --------------------------------------------------------------------- */

static void look(void)
{
	struct msqid_ds msg;
	struct shmid_ds shm;
	struct mq_attr attr;

	VALUE(seen->nattch);
	VALUE(seen->value);
	VALUE(seen->last_op);
	VALUE(seen->errors);
	VALUE(semctl(set, 0, GETVAL));
	VALUE(semctl(set, 1, GETVAL));
	VALUE(semctl(set, 0, GETPID) == seen->pid);
	msgctl(queue, IPC_STAT, &msg);
	VALUE(msg.msg_lspid == seen->pid);
	VALUE(msg.msg_qnum);
	shmctl(segment, IPC_STAT, &shm);
	VALUE(shm.shm_lpid == seen->pid);
	VALUE(shm.shm_nattch);
	mq_getattr(mq, &attr);
	VALUE(attr.mq_curmsgs);
}

static void all_ways(void)
{
	struct sembuf up = { .sem_num = 1, .sem_op = 2, .sem_flg = SEM_UNDO };
	char *memory = shmat(segment, NULL, 0);

	SHOW(semop(set, &up, 1));
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		pid_t pid;

		printf("%s:\n", ways[i].name);
		fflush(stdout);
		memset(seen, 0, sizeof(*seen));
		pid = ways[i].make();
		ipc_reap(ways[i].name, pid);
		look();
		memory[0]++;
		SHOW(semop(set, &(struct sembuf){ .sem_num = 2, .sem_op = 1 }, 1));
		VALUE(semctl(set, 2, GETPID) == getpid());
	}
	VALUE(memory[0]);
	SHOW(shmdt(memory));
	VALUE(attached());
}

void calls_child(void)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 1 };

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	SHOW_ID(set = semget(IPC_PRIVATE, 3, 0600));
	SHOW_ID(queue = msgget(IPC_PRIVATE, 0600));
	SHOW_ID(segment = shmget(IPC_PRIVATE, 4096, 0600));
	SHOW_ID(mq = mq_open(MQ_NAME, O_CREAT | O_RDWR, 0600, &attr));
	ipc_child("all ways", 0, all_ways);
	VALUE(semctl(set, 0, GETVAL));
	VALUE(semctl(set, 1, GETVAL));
	VALUE(semctl(set, 2, GETVAL));
	VALUE(attached());
	SHOW(mq_close(mq));
	SHOW(mq_unlink(MQ_NAME));
	SHOW(semctl(set, 0, IPC_RMID));
	SHOW(msgctl(queue, IPC_RMID, NULL));
	SHOW(shmctl(segment, IPC_RMID, NULL));
}
