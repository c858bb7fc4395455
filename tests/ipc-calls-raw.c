// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-raw.c - every IPC call by the machine's instruction
 */
#include "ipc-calls.h"

#include <fcntl.h>
#include <linux/mqueue.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/raw-call.h"

#define NAME "vcipc-calls-raw" /* the kernel's names have no slash */

/* As the C library reports it, but without its functions. */
static long call(long nr, long a, long b, long c, long d)
{
	long r = raw_call(nr, a, b, c, d);

	if (r > -4096 && r < 0) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

#define CALL4(nr, a, b, c, d) call(SYS_##nr, (long)(a), (long)(b), (long)(c), (long)(d))
#define CALL3(nr, a, b, c) CALL4(nr, a, b, c, 0)
#define CALL2(nr, a, b) CALL4(nr, a, b, 0, 0)
#define CALL1(nr, a) CALL4(nr, a, 0, 0, 0)

struct message {
	long type;
	char text[8];
};

static void raw_msg(void)
{
	struct message message = { .type = 5, .text = "hello" }, got = { 0 };
	struct msqid_ds ds;
	int id;

	SHOW_ID(id = (int)CALL2(msgget, IPC_PRIVATE, 0600));
	SHOW(CALL4(msgsnd, id, &message, sizeof(message.text), 0));
	SHOW(CALL4(msgsnd, id, NULL, sizeof(message.text), 0));
	SHOW(CALL3(msgctl, id, IPC_STAT, &ds));
	VALUE(ds.msg_qnum);
	VALUE(ds.msg_lspid == getpid());
	SHOW(CALL4(msgrcv, id, &got, sizeof(got.text), 0));
	VALUE(got.type);
	VALUE(strcmp(got.text, "hello"));
	SHOW(CALL2(msgctl, id, IPC_RMID));
	SHOW(CALL4(msgsnd, id, &message, sizeof(message.text), 0));
}

static void raw_sem(void)
{
	struct timespec soon = { .tv_nsec = 10000000 };
	struct sembuf up = { .sem_op = 2 }, down = { .sem_op = -3 };
	int id;

	SHOW_ID(id = (int)CALL3(semget, IPC_PRIVATE, 1, 0600));
	SHOW(CALL3(semop, id, &up, 1));
	SHOW(CALL3(semctl, id, 0, GETVAL));
	SHOW(CALL3(semctl, id, 0, GETPID) == getpid());
	SHOW(CALL4(semtimedop, id, &down, 1, &soon));
	ipc_alarm(50, true);
	SHOW(CALL3(semop, id, &down, 1));
	VALUE(ipc_alarms);
	SHOW(CALL3(semop, id, NULL, 1));
	SHOW(CALL3(semctl, id, 0, IPC_RMID));
	SHOW(CALL3(semop, id, &up, 1));
}

static void raw_shm(void)
{
	struct shmid_ds ds;
	char *memory;
	int id;

	SHOW_ID(id = (int)CALL3(shmget, IPC_PRIVATE, 4096, 0600));
	memory = (char *)CALL3(shmat, id, NULL, 0);
	VALUE(memory != (char *)-1);
	memory[5] = 1;
	SHOW(CALL3(shmctl, id, IPC_STAT, &ds));
	VALUE(ds.shm_nattch);
	SHOW(CALL3(shmat, id, memory + 1, 0));
	SHOW(CALL1(shmdt, memory));
	SHOW(CALL1(shmdt, memory));
	SHOW(CALL2(shmctl, id, IPC_RMID));
	SHOW(CALL3(shmat, id, NULL, 0));
}

static void raw_mq(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 8 };
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	char text[8];
	int fd;

	SHOW_ID(fd = (int)CALL4(mq_open, NAME, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600,
				&attr));
	SHOW(CALL4(mq_open, NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &attr));
	SHOW(CALL4(mq_timedsend, fd, "x", 1, 3));
	memset(&attr, 0, sizeof(attr));
	SHOW(CALL3(mq_getsetattr, fd, NULL, &attr));
	VALUE(attr.mq_curmsgs);
	VALUE(attr.mq_flags == O_NONBLOCK);
	SHOW(CALL4(mq_timedreceive, fd, text, sizeof(text), NULL));
	SHOW(CALL4(mq_timedreceive, fd, text, sizeof(text), NULL));
	SHOW(CALL2(mq_notify, fd, &none));
	SHOW(CALL2(mq_notify, fd, &none));
	SHOW(CALL2(mq_notify, fd, NULL));
	SHOW(CALL1(mq_unlink, NAME));
	SHOW(CALL1(mq_unlink, NAME));
	SHOW(close(fd));
}

void calls_raw(void)
{
	raw_msg();
	raw_sem();
	raw_shm();
	raw_mq();
	SHOW(CALL1(getpid, 0) == getpid());
}
