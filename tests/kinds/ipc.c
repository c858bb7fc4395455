// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc.c - rows of tests/move-kinds: System V objects, and how they are attached
 */
#include "tests/kinds/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 4

static int id;
static char *memory;

static void make_semaphores(void)
{
	struct sembuf take = { .sem_num = 1, .sem_op = -1 };

	id = semget(IPC_PRIVATE, 3, 0640);
	MUST(id >= 0 && semctl(id, 1, SETVAL, 7) == 0 && semop(id, &take, 1) == 0);
}

/* A set that nobody has used yet has no time of its last use. */
static void make_semaphores_unused(void)
{
	id = semget(IPC_PRIVATE, 3, 0640);
	MUST(id >= 0 && semctl(id, 0, SETVAL, 7) == 0);
}

static void show_semaphores(FILE *out)
{
	struct semid_ds set;

	MUST(semctl(id, 0, IPC_STAT, &set) == 0);
	fprintf(out, "mode %o, uid %u, used %d\n", set.sem_perm.mode, set.sem_perm.uid,
		set.sem_otime != 0);
	for (int i = 0; i < 3; i++)
		kind_say(out, "value", semctl(id, i, GETVAL));
}

static void make_queue(void)
{
	struct {
		long type;
		char text[8];
	} message = { 5, "queued" };
	struct msqid_ds queue;

	id = msgget(IPC_PRIVATE, 0640);
	MUST(id >= 0 && msgsnd(id, &message, sizeof(message.text), 0) == 0);
	MUST(msgctl(id, IPC_STAT, &queue) == 0);
	queue.msg_qbytes = 5000;
	MUST(msgctl(id, IPC_SET, &queue) == 0);
}

static void show_queue(FILE *out)
{
	struct msqid_ds queue;

	MUST(msgctl(id, IPC_STAT, &queue) == 0);
	fprintf(out, "mode %o, %lu messages, room for %lu\n", queue.msg_perm.mode,
		(unsigned long)queue.msg_qnum, (unsigned long)queue.msg_qbytes);
}

static void attach(int mode, int flags)
{
	id = shmget(IPC_PRIVATE, (size_t)PAGES * PAGE, mode);
	MUST(id >= 0 && (memory = shmat(id, NULL, flags)) != (char *)-1);
}

static void make_read_only(void)
{
	attach(0600, 0);
	memset(memory, 'x', (size_t)PAGES * PAGE);
	MUST((memory = shmat(id, NULL, SHM_RDONLY)) != (char *)-1);
}

static void make_read_only_pieces(void)
{
	make_read_only();
	MUST(mprotect(memory + PAGE, PAGE, PROT_NONE) == 0);
	MUST(shmctl(id, IPC_RMID, NULL) == 0);
}

static void make_executable(void)
{
	attach(0700, SHM_EXEC);
}

static void make_locked(void)
{
	attach(0600, 0);
	NEED(shmctl(id, SHM_LOCK, NULL) == 0);
}

/* What the kernel says that the mapping may be, and what can be made of it. */
static void show_segment(FILE *out)
{
	struct shmid_ds segment;
	char line[256], wanted[32];
	FILE *maps = fopen("/proc/self/maps", "re");

	MUST(shmctl(id, IPC_STAT, &segment) == 0);
	fprintf(out, "mode %o, attached %lu times\n", segment.shm_perm.mode,
		(unsigned long)segment.shm_nattch);
	snprintf(wanted, sizeof(wanted), "%lx-", (unsigned long)memory);
	while (maps && fgets(line, sizeof(line), maps))
		if (!strncmp(line, wanted, strlen(wanted)))
			fprintf(out, "%.4s\n", strchr(line, ' ') + 1);
	fclose(maps);
	kind_say(out, "made writable", mprotect(memory, PAGE, PROT_READ | PROT_WRITE) ? -errno : 0);
	if (memory[PAGE / 2] == 'x')
		mprotect(memory, PAGE, PROT_READ);
}

/* A segment of root's that its child may read only, and not attach again. */
static void drop_rights(void *arg)
{
	(void)arg;
	MUST(shmdt(memory) == 0 && (memory = shmat(id, NULL, SHM_RDONLY)) != (char *)-1);
	MUST(setgid(65534) == 0 && setuid(65534) == 0);
}

static void make_dropped(void)
{
	attach(0600, 0);
	kind_child(drop_rights, NULL);
}

/* The namespace is made anew for the segment, and a queue would not be in it. */
static void make_both(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	mqd_t queue = mq_open("/kinds-both", O_CREAT | O_RDWR, 0600, &attr);

	MUST(queue != (mqd_t)-1 && mq_send(queue, "kept", 4, 0) == 0 && mq_close(queue) == 0);
	attach(0600, 0);
}

static void make_namespace(void)
{
	attach(0600, 0);
	MUST(open("/proc/self/ns/ipc", O_RDONLY) >= 0);
}

static void make_requested_keys(void)
{
	/* keyctl(KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_SESSION_KEYRING) */
	NEED(syscall(SYS_keyctl, 14, 3) >= 0);
}

static void show_requested_keys(FILE *out)
{
	kind_say(out, "keys go to", syscall(SYS_keyctl, 14, -1));
}

static volatile char selector;
static volatile int signals;

static void count_signal(int signal)
{
	(void)signal;
	selector = 0;
	signals++;
}

static void make_dispatch(void)
{
	signal(SIGSYS, count_signal);
	NEED(prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, PAGE, PAGE, &selector) == 0);
}

static void show_dispatch(FILE *out)
{
	int before = signals;

	selector = 1;
	syscall(SYS_getppid);
	selector = 0;
	fprintf(out, "calls that came to the program: %d\n", signals - before);
}

const struct kind kinds_ipc[] = {
	KIND("ipc-semaphores", make_semaphores, show_semaphores, .as = KIND_BOTH),
	KIND("ipc-semaphores-unused", make_semaphores_unused, show_semaphores),
	KIND("ipc-queue", make_queue, show_queue, .as = KIND_BOTH),
	KIND("ipc-segment-read-only", make_read_only, show_segment, .as = KIND_BOTH),
	KIND("ipc-segment-pieces", make_read_only_pieces, show_segment, .as = KIND_BOTH),
	KIND("ipc-segment-executable", make_executable, show_segment, .as = KIND_BOTH),
	KIND("ipc-segment-locked", make_locked, show_segment, .as = KIND_BOTH),
	KIND("ipc-segment-dropped", make_dropped, NULL, .refused = "may not attach it again"),
	KIND("ipc-both", make_both, NULL, .refused = "the POSIX message queue /kinds-both",
	     .as = KIND_BOTH),
	KIND("ipc-namespace", make_namespace, NULL, .refused = "is another one"),
	KIND("ipc-requested-keys", make_requested_keys, show_requested_keys, .as = KIND_BOTH),
	KIND("ipc-dispatch", make_dispatch, show_dispatch, .as = KIND_BOTH),
	{ .name = NULL },
};
