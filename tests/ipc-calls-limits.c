// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-limits.c - each limit of the namespace and the process, and what comes at it
 *
 * A user that has nothing else meets them; root may exceed some.
 */
#include "ipc-calls.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#define KEY 0x56430040
#define UID 64201

static void set_limit(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		printf("%s: %s\n", path, strerror(errno));
	close(fd);
}

/* --- how many: three of each kind ---------------------------------------------------------- */

static int get_msg(int key, int flags)
{
	return msgget(key, flags);
}

static int get_sem(int key, int flags)
{
	return semget(key, 1, flags);
}

static int get_shm(int key, int flags)
{
	return shmget(key, 100, flags);
}

static int remove_msg(int id)
{
	return msgctl(id, IPC_RMID, NULL);
}

static int remove_sem(int id)
{
	return semctl(id, 0, IPC_RMID);
}

static int remove_shm(int id)
{
	return shmctl(id, IPC_RMID, NULL);
}

static void three(int (*get)(int key, int flags), int (*delete)(int id))
{
	int first, named;

	first = SHOW_ID(get(IPC_PRIVATE, 0600));
	named = SHOW_ID(get(KEY, IPC_CREAT | 0600));
	SHOW_ID(get(KEY + 1, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(get(IPC_PRIVATE, 0600));
	SHOW_ID(get(KEY + 2, IPC_CREAT | 0600));
	SHOW_ID(get(KEY + 2, 0600));
	SHOW(get(KEY, IPC_CREAT | 0600) == named);
	SHOW_ID(get(KEY, IPC_CREAT | IPC_EXCL | 0600));
	SHOW(delete (first));
	first = SHOW_ID(get(IPC_PRIVATE, 0600));
	SHOW_ID(get(IPC_PRIVATE, 0600));
	SHOW(delete (first));
	SHOW(delete (named));
	SHOW(delete (get(KEY + 1, 0)));
}

static void msgmni(void)
{
	three(get_msg, remove_msg);
}

static void semmni(void)
{
	three(get_sem, remove_sem);
}

static void shmmni(void)
{
	three(get_shm, remove_shm);
}

/* --- how large ----------------------------------------------------------------------------- */

static void semmsl(void)
{
	int id = SHOW_ID(semget(KEY, 5, IPC_CREAT | 0600));

	SHOW_ID(semget(IPC_PRIVATE, 6, 0600));
	SHOW_ID(semget(KEY, 6, 0600));
	SHOW_ID(semget(KEY + 1, 6, 0600));
	SHOW_ID(semget(KEY, -1, 0600));
	SHOW(semctl(id, 0, IPC_RMID));
}

static void semmns(void)
{
	int six = SHOW_ID(semget(IPC_PRIVATE, 6, 0600)), four;

	SHOW_ID(semget(IPC_PRIVATE, 5, 0600));
	four = SHOW_ID(semget(IPC_PRIVATE, 4, 0600));
	SHOW_ID(semget(IPC_PRIVATE, 1, 0600));
	SHOW(semctl(six, 0, IPC_RMID));
	six = SHOW_ID(semget(IPC_PRIVATE, 6, 0600));
	SHOW(semctl(six, 0, IPC_RMID));
	SHOW(semctl(four, 0, IPC_RMID));
}

static void semopm(void)
{
	int id = SHOW_ID(semget(IPC_PRIVATE, 1, 0600));
	struct sembuf add = { .sem_op = 1 }, ops[3] = { add, add, add };

	SHOW(semop(id, ops, 2));
	SHOW(semop(id, ops, 3));
	SHOW(semop(id, NULL, 3));
	SHOW(semop(id, ops, 0));
	SHOW(semctl(id, 0, GETVAL));
	SHOW(semctl(id, 0, IPC_RMID));
}

static void shmmax(void)
{
	int id = SHOW_ID(shmget(KEY, 8192, IPC_CREAT | 0600));

	SHOW_ID(shmget(IPC_PRIVATE, 8193, 0600));
	SHOW_ID(shmget(KEY + 1, 8193, IPC_CREAT | 0600));
	SHOW_ID(shmget(KEY + 1, 8193, 0600));
	SHOW_ID(shmget(KEY, 8193, IPC_CREAT | 0600));
	SHOW(shmctl(id, IPC_RMID, NULL));
}

static void shmall(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int three = SHOW_ID(shmget(IPC_PRIVATE, 3 * page, 0600)), one;

	SHOW_ID(shmget(IPC_PRIVATE, page + 1, 0600));
	one = SHOW_ID(shmget(IPC_PRIVATE, page, 0600));
	SHOW_ID(shmget(IPC_PRIVATE, 1, 0600));
	SHOW(shmctl(three, IPC_RMID, NULL));
	three = SHOW_ID(shmget(IPC_PRIVATE, 2 * page + 1, 0600));
	SHOW(shmctl(three, IPC_RMID, NULL));
	SHOW(shmctl(one, IPC_RMID, NULL));
}

/* More than there is memory. */
static void huge(void)
{
	SHOW_ID(shmget(IPC_PRIVATE, (size_t)1 << 45, 0600));
	SHOW_ID(shmget(KEY, (size_t)1 << 45, IPC_CREAT | 0600));
	SHOW_ID(shmget(KEY, (size_t)1 << 45, 0600));
	SHOW_ID(shmget(KEY, (size_t)1 << 45, IPC_CREAT | IPC_EXCL | 0600));
	SHOW_ID(shmget(IPC_PRIVATE, (size_t)1 << 62, 0600));
	SHOW_ID(shmget(IPC_PRIVATE, SIZE_MAX, 0600));
	SHOW_ID(shmget(KEY, SIZE_MAX, 0600));
}

static void msgmnb(void)
{
	struct {
		long type;
		char text[100];
	} message = { .type = 1 };
	struct msqid_ds ds;
	int id = SHOW_ID(msgget(IPC_PRIVATE, 0600));

	SHOW(msgctl(id, IPC_STAT, &ds));
	VALUE(ds.msg_qbytes);
	SHOW(msgsnd(id, &message, 100, IPC_NOWAIT));
	SHOW(msgsnd(id, &message, 1, IPC_NOWAIT));
	ds.msg_qbytes = 50;
	SHOW(msgctl(id, IPC_SET, &ds));
	ds.msg_qbytes = 100;
	SHOW(msgctl(id, IPC_SET, &ds));
	ds.msg_qbytes = 101;
	SHOW(msgctl(id, IPC_SET, &ds));
	SHOW(msgctl(id, IPC_RMID, NULL));
}

static void msgmax(void)
{
	struct {
		long type;
		char text[100];
	} message = { .type = 1 };
	int id = SHOW_ID(msgget(IPC_PRIVATE, 0600));

	SHOW(msgsnd(id, &message, 50, IPC_NOWAIT));
	SHOW(msgsnd(id, &message, 51, IPC_NOWAIT));
	SHOW(msgctl(id, IPC_RMID, NULL));
}

/* --- POSIX message queues ------------------------------------------------------------------ */

static mqd_t make_queue(const char *name, long messages, long bytes)
{
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = bytes };

	return mq_open(name, O_CREAT | O_RDWR, 0600, messages ? &attr : NULL);
}

static void queues_max(void)
{
	mqd_t first = SHOW_ID(make_queue("/limit1", 1, 1)), second, third;

	second = SHOW_ID(make_queue("/limit2", 1, 1));
	SHOW_ID(make_queue("/limit3", 1, 1));
	SHOW_ID(mq_open("/limit3", O_RDWR));
	third = SHOW_ID(make_queue("/limit2", 1, 1));
	SHOW_ID(mq_open("/limit2", O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
	SHOW(mq_close(third));
	SHOW(mq_unlink("/limit1"));
	SHOW_ID(make_queue("/limit3", 1, 1));
	SHOW(mq_close(first));
	third = SHOW_ID(make_queue("/limit3", 1, 1));
	SHOW(mq_close(second));
	SHOW(mq_close(third));
	SHOW(mq_unlink("/limit2"));
	SHOW(mq_unlink("/limit3"));
}

static void attributes(const char *name, long messages, long bytes)
{
	struct mq_attr attr = { 0 };
	mqd_t q = SHOW_ID(make_queue(name, messages, bytes));

	if (q < 0)
		return;
	SHOW(mq_getattr(q, &attr));
	VALUE(attr.mq_maxmsg);
	VALUE(attr.mq_msgsize);
	SHOW(mq_close(q));
	SHOW(mq_unlink(name));
}

static void msg_max(void)
{
	static const struct {
		long messages, bytes;
	} rows[] = {
		{ 5, 100 },   { 6, 100 },       { 0, 0 },         { -1, 100 }, { 65536, 1 },
		{ 65537, 1 }, { INT64_MAX, 1 }, { 1, 200 },       { 1, 201 },  { 1, 0 },
		{ 1, -1 },    { 1, 16 << 20 },  { 1, INT64_MAX },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		printf("%ld messages of %ld bytes:\n", rows[i].messages, rows[i].bytes);
		attributes("/limit", rows[i].messages, rows[i].bytes);
	}
}

/* One that is there is opened, whatever attributes a new one would be asked to have. */
static void msg_max_there(void)
{
	mqd_t q = SHOW_ID(make_queue("/limit", 5, 100)), again;

	again = SHOW_ID(make_queue("/limit", 6, 100));
	SHOW(mq_close(again));
	SHOW(mq_close(q));
	SHOW(mq_unlink("/limit"));
}

static void rlimit(void)
{
	/* Two queues of 10 messages of 100 bytes; a message counts 48 more, and so does a priority.
	 */
	struct rlimit limit = { .rlim_cur = 2 * 10 * (100 + 48 + 48), .rlim_max = RLIM_INFINITY };
	mqd_t first, second;

	getrlimit(RLIMIT_MSGQUEUE, &limit);
	limit.rlim_cur = (rlim_t)2 * 10 * (100 + 48 + 48);
	SHOW(setrlimit(RLIMIT_MSGQUEUE, &limit));
	first = SHOW_ID(make_queue("/limit1", 10, 100));
	SHOW_ID(make_queue("/limit2", 10, 101));
	second = SHOW_ID(make_queue("/limit2", 10, 100));
	SHOW_ID(make_queue("/limit3", 1, 1));
	SHOW_ID(make_queue("/limit3", 0, 0));
	SHOW(mq_unlink("/limit1"));
	SHOW_ID(make_queue("/limit3", 1, 1));
	SHOW(mq_close(first));
	first = SHOW_ID(make_queue("/limit3", 10, 100));
	SHOW(mq_close(first));
	SHOW(mq_close(second));
	SHOW(mq_unlink("/limit2"));
	SHOW(mq_unlink("/limit3"));
	limit.rlim_cur = 0;
	SHOW(setrlimit(RLIMIT_MSGQUEUE, &limit));
	SHOW_ID(make_queue("/limit", 1, 1));
}

void calls_limits(void)
{
	static const struct {
		const char *path, *value, *before;
		const char *what;
		void (*run)(void);
	} rows[] = {
#define ROW(path, value, before, f) { path, value, before, #f, f }
#define SEM "/proc/sys/kernel/sem"
#define SEM_BEFORE "32000 1024000000 500 32000"
		ROW("/proc/sys/kernel/msgmni", "3", "32000", msgmni),
		ROW(SEM, "32000 1024000000 500 3", SEM_BEFORE, semmni),
		ROW("/proc/sys/kernel/shmmni", "3", "4096", shmmni),
		ROW(SEM, "5 1024000000 500 32000", SEM_BEFORE, semmsl),
		ROW(SEM, "32000 10 500 32000", SEM_BEFORE, semmns),
		ROW(SEM, "32000 1024000000 2 32000", SEM_BEFORE, semopm),
		ROW("/proc/sys/kernel/shmmax", "8192", "18446744073692774399", shmmax),
		ROW("/proc/sys/kernel/shmall", "4", "18446744073692774399", shmall),
		ROW("/proc/sys/kernel/shmmni", "4096", "4096", huge),
		ROW("/proc/sys/kernel/msgmnb", "100", "16384", msgmnb),
		ROW("/proc/sys/kernel/msgmax", "50", "8192", msgmax),
		ROW("/proc/sys/fs/mqueue/queues_max", "2", "256", queues_max),
		ROW("/proc/sys/fs/mqueue/msg_max", "5", "5", msg_max_there),
		ROW("/proc/sys/fs/mqueue/msgsize_max", "200", "200", msg_max),
		ROW("/proc/sys/fs/mqueue/msg_max", "100", "100", rlimit),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		set_limit(rows[i].path, rows[i].value);
		ipc_child(rows[i].what, UID, rows[i].run);
		set_limit(rows[i].path, rows[i].before);
	}
}
