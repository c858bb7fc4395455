// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-pair.c - two programs share an object of each kind, and count
 *
 *	ipc-pair ping|pong STOPFILE
 *
 * In each turn ping sends its number by each kind of object that can carry or announce it, and pong
 * gives it back by the same kind; then both add one to a counter in each kind of memory, under a
 * lock of each kind. When STOPFILE is there ping ends it. pong prints the turns, and then each
 * kind with what was counted by it. Any call that fails, EINTR included, any number that is not
 * the next one, and any count that is wrong, ends the program with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#include "ipcmap/vcipc.h"

#define KEY 0x56430010
#define NAME "/ipc-pair"
#define END (-1L)
#define PATIENCE_SEC 60

/* Which way: ping's to pong, and back. */
enum way { THERE, BACK };

static long check(const char *call, long r)
{
	if (r >= 0)
		return r;
	fprintf(stderr, "%s: %s\n", call, strerror(errno));
	exit(1);
}

#define CHECK(call) check(#call, (long)(call))
#define CHECK_POINTER(call) check_pointer(#call, (call))

static void *check_pointer(const char *call, void *pointer)
{
	check(call, pointer && pointer != MAP_FAILED ? 0 : -1);
	return pointer;
}

static const struct timespec *in_a_minute(void)
{
	static struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += PATIENCE_SEC;
	return &ts;
}

static const struct timespec *in_a_minute_mono(void)
{
	static struct timespec ts;

	return vcipc_deadline(&ts, PATIENCE_SEC * 1000000u);
}

static const char *name_of(const char *base, enum way way)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s-%s", base, way == THERE ? "there" : "back");
	return name;
}

/* --- what carries a number, or announces one --------------------------------------------- */

static int sysv_queue, sysv_set;
static mqd_t queues[2], notified;
static sem_t *sems[2], *told;
static vcipc_event *events[2];
static vcipc_sem *our_sems[2];
static vcipc_mq *our_queues[2];
static sigset_t usr1;

struct turn {
	long type;
	long number;
};

static void sysv_queue_send(enum way way, long number)
{
	struct turn turn = { .type = way + 1, .number = number };

	CHECK(msgsnd(sysv_queue, &turn, sizeof(long), 0));
}

static long sysv_queue_receive(enum way way, long expected)
{
	struct turn turn;

	(void)expected;
	CHECK(msgrcv(sysv_queue, &turn, sizeof(long), way + 1, 0));
	return turn.number;
}

static void sysv_set_send(enum way way, long number)
{
	struct sembuf up = { (unsigned short)(way + 1), 1, 0 };

	(void)number;
	CHECK(semop(sysv_set, &up, 1));
}

static long sysv_set_receive(enum way way, long expected)
{
	struct sembuf down = { (unsigned short)(way + 1), -1, 0 };
	struct timespec minute = { .tv_sec = PATIENCE_SEC };

	CHECK(semtimedop(sysv_set, &down, 1, &minute));
	return expected;
}

static void queue_send(enum way way, long number)
{
	CHECK(mq_send(queues[way], (char *)&number, sizeof(number), 0));
}

static long queue_receive(enum way way, long expected)
{
	long number;

	(void)expected;
	CHECK(mq_timedreceive(queues[way], (char *)&number, sizeof(number), NULL, in_a_minute()));
	return number;
}

static void notify_register(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };

	CHECK(mq_notify(notified, &event));
}

/* There by a queue that tells of its message, which is then registered for anew; back by a
 * semaphore, when that is done. */
static void notify_send(enum way way, long number)
{
	if (way == THERE)
		CHECK(mq_send(notified, (char *)&number, sizeof(number), 0));
	else
		CHECK(sem_post(told));
}

static long notify_receive(enum way way, long expected)
{
	long number = expected;
	int signal;

	if (way == BACK) {
		CHECK(sem_timedwait(told, in_a_minute()));
		return number;
	}
	/* sigtimedwait(2) alone of these calls ends when its process has been stopped. */
	CHECK(-sigwait(&usr1, &signal));
	CHECK(mq_receive(notified, (char *)&number, sizeof(number), NULL));
	notify_register();
	return number;
}

static void sem_send(enum way way, long number)
{
	(void)number;
	CHECK(sem_post(sems[way]));
}

static long sem_receive(enum way way, long expected)
{
	CHECK(sem_timedwait(sems[way], in_a_minute()));
	return expected;
}

static void event_send(enum way way, long number)
{
	(void)number;
	CHECK(vcipc_event_post(events[way]));
}

static long event_receive(enum way way, long expected)
{
	CHECK(vcipc_event_timedwait(events[way], in_a_minute_mono()));
	return expected;
}

static void our_sem_send(enum way way, long number)
{
	(void)number;
	CHECK(vcipc_sem_post(our_sems[way]));
}

static long our_sem_receive(enum way way, long expected)
{
	CHECK(vcipc_sem_timedwait(our_sems[way], in_a_minute_mono()));
	return expected;
}

static void our_queue_send(enum way way, long number)
{
	CHECK(vcipc_mq_send(our_queues[way], &number, sizeof(number), 1));
}

static long our_queue_receive(enum way way, long expected)
{
	long number;

	(void)expected;
	CHECK(vcipc_mq_timedreceive(our_queues[way], &number, sizeof(number), NULL,
				    in_a_minute_mono()));
	return number;
}

static const struct carrier {
	const char *kind;
	void (*send)(enum way way, long number);
	long (*receive)(enum way way, long expected); /* what only announces gives it back */
} carriers[] = {
	{ "System V queue", sysv_queue_send, sysv_queue_receive },
	{ "System V semaphores", sysv_set_send, sysv_set_receive },
	{ "POSIX queue", queue_send, queue_receive },
	{ "mq_notify", notify_send, notify_receive },
	{ "POSIX semaphore", sem_send, sem_receive },
	{ "vcipc_event", event_send, event_receive },
	{ "vcipc_sem", our_sem_send, our_sem_receive },
	{ "vcipc_mq", our_queue_send, our_queue_receive },
};

#define N_CARRIERS (sizeof(carriers) / sizeof(*carriers))
static long carried[N_CARRIERS];

/* --- memory, and what guards it ---------------------------------------------------------- */

static volatile long *sysv_memory, *posix_memory, *our_memory;
static sem_t *guard;
static vcipc_mutex *mutex;

/* Wait until it is zero, and make it one: two operations at once. */
static void sysv_lock(void)
{
	struct sembuf take[] = { { 0, 0, 0 }, { 0, 1, SEM_UNDO } };
	struct timespec minute = { .tv_sec = PATIENCE_SEC };

	CHECK(semtimedop(sysv_set, take, 2, &minute));
}

static void sysv_unlock(void)
{
	struct sembuf give = { 0, -1, SEM_UNDO };

	CHECK(semop(sysv_set, &give, 1));
}

static void posix_lock(void)
{
	CHECK(sem_timedwait(guard, in_a_minute()));
}

static void posix_unlock(void)
{
	CHECK(sem_post(guard));
}

static void our_lock(void)
{
	CHECK(vcipc_mutex_timedlock(mutex, in_a_minute_mono()));
}

static void our_unlock(void)
{
	CHECK(vcipc_mutex_unlock(mutex));
}

static const struct memory {
	const char *kind;
	volatile long **counter;
	void (*lock)(void), (*unlock)(void);
} memories[] = {
	{ "System V segment", &sysv_memory, sysv_lock, sysv_unlock },
	{ "POSIX memory", &posix_memory, posix_lock, posix_unlock },
	{ "vcipc_shm, vcipc_mutex", &our_memory, our_lock, our_unlock },
};

#define N_MEMORIES (sizeof(memories) / sizeof(*memories))

static void count(void)
{
	for (size_t i = 0; i < N_MEMORIES; i++) {
		volatile long *counter = *memories[i].counter;
		long was;

		memories[i].lock();
		was = *counter;
		for (int n = 0; n < 100; n++)
			__asm__ volatile("");
		*counter = was + 1;
		memories[i].unlock();
	}
}

/* --- opening ----------------------------------------------------------------------------- */

static void open_sysv(void)
{
	sysv_queue = (int)CHECK(msgget(KEY, IPC_CREAT | 0600));
	sysv_set = (int)CHECK(semget(KEY, 3, IPC_CREAT | 0600));
	sysv_memory = CHECK_POINTER(
		shmat((int)CHECK(shmget(KEY, sizeof(long), IPC_CREAT | 0600)), NULL, 0));
}

static void open_posix(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = sizeof(long) };
	int fd = (int)CHECK(shm_open(NAME, O_CREAT | O_RDWR, 0600));

	CHECK(ftruncate(fd, 4096));
	posix_memory = CHECK_POINTER(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
	for (enum way way = THERE; way <= BACK; way++) {
		queues[way] =
			(mqd_t)CHECK(mq_open(name_of(NAME, way), O_CREAT | O_RDWR, 0600, &attr));
		sems[way] = CHECK_POINTER(sem_open(name_of(NAME, way), O_CREAT, 0600, 0));
	}
	notified = (mqd_t)CHECK(mq_open(NAME "-notify", O_CREAT | O_RDWR, 0600, &attr));
	told = CHECK_POINTER(sem_open(NAME "-told", O_CREAT, 0600, 0));
	guard = CHECK_POINTER(sem_open(NAME "-guard", O_CREAT, 0600, 1));
}

static void open_ours(void)
{
	struct vcipc_mq_attr attr = { .maxmsg = 2, .msgsize = sizeof(long) };
	vcipc_shm *shm;
	size_t size;
	void *memory;

	for (enum way way = THERE; way <= BACK; way++) {
		events[way] = CHECK_POINTER(
			vcipc_event_open(name_of("pair-event", way), VCIPC_CREATE, 0600));
		our_sems[way] = CHECK_POINTER(
			vcipc_sem_open(name_of("pair-sem", way), VCIPC_CREATE, 0600, 0));
		our_queues[way] = CHECK_POINTER(
			vcipc_mq_open(name_of("pair-mq", way), VCIPC_CREATE, 0600, &attr));
	}
	mutex = CHECK_POINTER(vcipc_mutex_open("pair-mutex", VCIPC_CREATE, 0600));
	shm = CHECK_POINTER(vcipc_shm_open("pair-shm", VCIPC_CREATE, 0600, 4096));
	CHECK(vcipc_shm_map(shm, &memory, &size));
	our_memory = memory;
}

/* --- the game ---------------------------------------------------------------------------- */

static void must_be(const char *kind, long got, long expected)
{
	if (got == expected)
		return;
	fprintf(stderr, "%s: %ld came in place of %ld\n", kind, got, expected);
	exit(1);
}

static void ping(const char *stop)
{
	long number = 0;

	do {
		number = access(stop, F_OK) == 0 ? END : number + 1;
		for (size_t i = 0; i < N_CARRIERS; i++) {
			carriers[i].send(THERE, number);
			must_be(carriers[i].kind, carriers[i].receive(BACK, number), number);
		}
		count();
	} while (number != END);
}

/* The first kind carries the number. */
static long pong(void)
{
	long turns = 0, number = 0;

	notify_register();
	for (; number != END; turns++) {
		for (size_t i = 0; i < N_CARRIERS; i++) {
			long expected = i || number == END ? number : turns + 1, got;

			got = carriers[i].receive(THERE, expected);
			if (i == 0 && got == END)
				expected = END;
			must_be(carriers[i].kind, got, expected);
			number = got;
			carriers[i].send(BACK, number);
			carried[i]++;
		}
		count();
	}
	return turns;
}

static int show(long turns)
{
	bool wrong = false;

	printf("%ld\n", turns);
	for (size_t i = 0; i < N_CARRIERS; i++) {
		printf("%s: %ld\n", carriers[i].kind, 2 * carried[i]);
		wrong = wrong || carried[i] != turns;
	}
	for (size_t i = 0; i < N_MEMORIES; i++) {
		volatile long *counter = *memories[i].counter;

		/* ping counts once more at the end. */
		for (int n = 0; n < 3000 && *counter < 2 * turns; n++)
			usleep(20000);
		printf("%s: %ld\n", memories[i].kind, *counter);
		wrong = wrong || *counter != 2 * turns;
	}
	return wrong;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	open_sysv();
	open_posix();
	open_ours();
	if (strcmp(argv[1], "ping"))
		return show(pong());
	ping(argv[2]);
	return 0;
}
