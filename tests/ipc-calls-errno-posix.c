// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-errno-posix.c - as ipc-calls-errno.c, for POSIX queues, semaphores and shared memory
 */
#include "ipc-calls.h"

#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME "/vcipc-errno"
#define STRANGER 65534
#define MODES O_ACCMODE

static char long_name[NAME_MAX + 8];
static mqd_t mq;
static char buffer[64];
static unsigned int priority;

/* "/nnn", so many bytes behind the slash. */
static const char *name_of(size_t length)
{
	memset(long_name, 'n', sizeof(long_name));
	long_name[0] = '/';
	long_name[length + 1] = '\0';
	return long_name;
}

/* With no descriptor left. */
static long without_descriptors(long (*f)(void))
{
	struct rlimit all, few;
	long r;

	getrlimit(RLIMIT_NOFILE, &all);
	few = all;
	few.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &few);
	r = f();
	setrlimit(RLIMIT_NOFILE, &all);
	return r;
}

/* --- queues ------------------------------------------------------------------------------ */

static mqd_t make(const char *name, int oflag, long messages, long bytes)
{
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = bytes };

	return mq_open(name, O_CREAT | oflag, 0600, &attr);
}

static long open_queue(void)
{
	return mq_open(NAME, O_RDWR);
}

static long make_queue(void)
{
	return mq_open(NAME, O_RDWR | O_CREAT, 0600, NULL);
}

static void mq_open_errors(void)
{
	SHOW_ID(mq_open("no-slash", O_RDWR));
	SHOW_ID(mq_open("", O_RDWR));
	SHOW_ID(mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
	SHOW_ID(mq_open("/.", O_RDWR | O_CREAT, 0600, NULL));
	SHOW_ID(mq_open("/..", O_RDWR));
	SHOW_ID(mq_open("//x", O_RDWR | O_CREAT, 0600, NULL));
	SHOW_ID(mq_open(NAME, O_RDWR));
	SHOW_ID(mq_open(NAME, MODES));
	SHOW_ID(mq_open(NAME, O_RDWR | O_CREAT, 0600, ipc_none));
	SHOW_ID(make(NAME, O_RDWR, 0, 10));
	SHOW_ID(make(NAME, O_RDWR, 10, -1));
	SHOW_ID(mq = make(NAME, O_RDWR | O_EXCL, 2, 16));
	SHOW_ID(make(NAME, O_RDWR | O_EXCL, 0, 10));
	SHOW_ID(mq_open(NAME, O_RDWR | O_CREAT, 0600, ipc_none));
	SHOW_ID(mq_open(NAME, MODES));
	SHOW_ID(mq_open(name_of(NAME_MAX), O_RDWR));
	SHOW_ID(mq_open(name_of(NAME_MAX), O_RDWR | O_CREAT, 0600, NULL));
	SHOW_ID(mq_open(name_of(NAME_MAX), O_RDWR));
	SHOW(mq_unlink(name_of(NAME_MAX)));
	SHOW(mq_unlink(name_of(NAME_MAX)));
	SHOW_ID(mq_open(name_of(NAME_MAX + 1), O_RDWR | O_CREAT, 0600, NULL));
	SHOW(mq_unlink(name_of(NAME_MAX + 1)));
	SHOW(mq_unlink("no-slash"));
	SHOW(mq_unlink("/"));
	SHOW(mq_unlink("/a/b"));
	SHOW(mq_unlink("/none"));
	SHOW(without_descriptors(open_queue));
	SHOW(without_descriptors(make_queue));
}

static void mq_send_errors(void)
{
	struct timespec bad = { .tv_nsec = 1000000000 }, negative = { .tv_sec = -1 };
	struct timespec past = { 0 };
	mqd_t reader = mq_open(NAME, O_RDONLY);
	int file = open("/dev/null", O_RDWR);

	SHOW(mq_send(mq, NULL, 1, 0));
	SHOW(mq_send(mq, NULL, 0, 0));
	SHOW(mq_receive(mq, buffer, 64, NULL));
	SHOW(mq_send(mq, ipc_none, 1, 0));
	SHOW(mq_send(mq, ipc_edge, 2, 0));
	SHOW(mq_send(mq, NULL, 17, 0));
	SHOW(mq_send(-1, NULL, 17, 0));
	SHOW(mq_send(-1, NULL, 17, MQ_PRIO_MAX));
	SHOW(mq_send(reader, NULL, 17, 0));
	SHOW(mq_send(reader, "x", 1, 0));
	SHOW(mq_send(file, "x", 1, 0));
	SHOW(mq_send(1000, "x", 1, 0));
	SHOW(mq_send(mq, "x", 1, MQ_PRIO_MAX));
	SHOW(mq_send(mq, "x", 1, UINT_MAX));
	SHOW(mq_timedsend(mq, "x", 1, 0, ipc_none));
	SHOW(mq_timedsend(-1, NULL, 1, MQ_PRIO_MAX, ipc_none));
	SHOW(mq_timedsend(-1, "x", 1, 0, &bad));
	SHOW(mq_timedsend(mq, "x", 1, 0, &negative));
	SHOW(mq_timedsend(mq, "x", 1, 0, NULL));
	SHOW(mq_timedsend(mq, "y", 1, 0, &past));
	SHOW(mq_timedsend(mq, "z", 1, 0, &past));
	SHOW(mq_timedsend(mq, NULL, 1, 0, &past));
	SHOW(mq_close(reader));
	close(file);
}

static void mq_receive_errors(void)
{
	struct timespec bad = { .tv_nsec = 1000000000 }, past = { 0 };
	mqd_t writer = mq_open(NAME, O_WRONLY | O_NONBLOCK);

	SHOW(mq_receive(writer, buffer, 64, NULL));
	SHOW(mq_receive(-1, buffer, 1, NULL));
	SHOW(mq_receive(mq, NULL, 15, NULL));
	SHOW(mq_receive(mq, buffer, 15, NULL));
	SHOW(mq_receive(mq, NULL, 64, NULL));
	SHOW(mq_receive(mq, buffer, 64, ipc_none));
	SHOW(mq_timedreceive(mq, buffer, 64, NULL, &past));
	SHOW(mq_send(mq, "ab", 2, 7));
	SHOW(mq_receive(mq, ipc_edge, 64, &priority));
	SHOW(mq_send(mq, "a", 1, 7));
	SHOW(mq_receive(mq, ipc_edge, 64, &priority));
	VALUE(priority);
	SHOW(mq_send(mq, "a", 1, 7));
	SHOW(mq_timedreceive(mq, buffer, 64, &priority, NULL));
	SHOW(mq_timedreceive(mq, buffer, 64, NULL, ipc_none));
	SHOW(mq_timedreceive(-1, buffer, 64, NULL, &bad));
	SHOW(mq_timedreceive(-1, buffer, 64, NULL, &past));
	SHOW(mq_timedreceive(-1, buffer, 64, NULL, ipc_none));
	SHOW(mq_send(writer, "1", 1, 0));
	SHOW(mq_send(writer, "2", 1, 0));
	SHOW(mq_send(writer, NULL, 1, 0));
	SHOW(mq_send(writer, "3", 1, 0));
	SHOW(mq_close(writer));
}

static void mq_attr_errors(void)
{
	struct mq_attr nonblock = { .mq_flags = O_NONBLOCK }, bad = { .mq_flags = O_APPEND }, old;

	SHOW(mq_getattr(-1, &old));
	SHOW(mq_getattr(mq, NULL));
	SHOW(mq_getattr(mq, ipc_none));
	SHOW(mq_getattr(mq, ipc_readonly));
	SHOW(mq_setattr(-1, &bad, &old));
	SHOW(mq_setattr(-1, &nonblock, &old));
	SHOW(mq_setattr(mq, ipc_none, &old));
	SHOW(mq_setattr(mq, &nonblock, ipc_none));
	SHOW(mq_getattr(mq, &old));
	VALUE(old.mq_flags);
	SHOW(mq_setattr(mq, NULL, &old));
	SHOW(mq_setattr(mq, NULL, NULL));
}

/* The number of a closed queue may be another file's, or another queue's. */
static void mq_numbers(void)
{
	mqd_t a = make("/vcipc-errno-a", O_RDWR | O_NONBLOCK, 2, 16), b;
	struct mq_attr attr;
	int file, copy;

	close(a);
	SHOW(mq_send(a, "x", 1, 0));
	file = open("/dev/null", O_RDWR);
	VALUE(file == a);
	SHOW(mq_send(a, "x", 1, 0));
	SHOW(mq_receive(a, buffer, 64, NULL));
	SHOW(mq_getattr(a, &attr));
	SHOW(mq_notify(a, NULL));
	SHOW(mq_close(a));
	SHOW(mq_close(a));
	SHOW(mq_send(a, "x", 1, 0));
	SHOW(mq_close(-1));
	b = make("/vcipc-errno-b", O_RDWR | O_NONBLOCK, 2, 16);
	VALUE(b == a);
	SHOW(mq_send(b, "x", 1, 0));
	a = mq_open("/vcipc-errno-a", O_RDONLY | O_NONBLOCK);
	SHOW(mq_receive(a, buffer, 64, NULL));
	file = open("/dev/null", O_RDWR);
	copy = dup2(file, b);
	VALUE(copy == b);
	SHOW(mq_send(b, "x", 1, 0));
	close(b);
	close(file);
	SHOW(mq_close(a));
	SHOW(mq_unlink("/vcipc-errno-a"));
	SHOW(mq_unlink("/vcipc-errno-b"));
}

static void mq_stranger(void)
{
	SHOW_ID(mq_open(NAME, O_RDONLY));
	SHOW_ID(mq_open(NAME, O_WRONLY));
	SHOW_ID(mq_open(NAME, O_RDWR | O_CREAT, 0600, NULL));
	SHOW_ID(mq_open(NAME, MODES));
	SHOW_ID(make(NAME, O_RDWR, 0, 0));
	SHOW(mq_unlink(NAME));
}

/* An owner with less than all permissions; by a stranger, since root has all. */
static void mq_owner(void)
{
	static const int modes[] = { 0, 0400, 0200, 0600, 0066 };

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		mqd_t fd;

		VALUE(modes[i]);
		umask(0);
		SHOW_ID(fd = mq_open("/vcipc-errno-o", O_RDWR | O_CREAT | O_EXCL, modes[i], NULL));
		SHOW(mq_send(fd, "x", 1, 0));
		SHOW_ID(mq_open("/vcipc-errno-o", O_RDONLY));
		SHOW_ID(mq_open("/vcipc-errno-o", O_WRONLY));
		SHOW_ID(mq_open("/vcipc-errno-o", O_RDWR));
		SHOW_ID(mq_open("/vcipc-errno-o", O_RDWR | O_CREAT, 0600, NULL));
		SHOW(mq_unlink("/vcipc-errno-o"));
	}
}

/* --- mq_notify --------------------------------------------------------------------------- */

static volatile int signals;

static void on_signal(int signal)
{
	(void)signal;
	signals++;
}

static int notify(mqd_t fd, int how, int signo)
{
	struct sigevent event = { .sigev_notify = how, .sigev_signo = signo };

	return mq_notify(fd, &event);
}

static void notify_other(void)
{
	SHOW(notify(mq, SIGEV_NONE, 0));
	SHOW(mq_notify(mq, NULL));
	SHOW(notify(mq, SIGEV_SIGNAL, SIGUSR1));
}

/* Registers and goes. */
static void notify_exits(void)
{
	SHOW(notify(mq, SIGEV_NONE, 0));
}

static void drain(void)
{
	struct mq_attr attr;

	while (mq_getattr(mq, &attr) == 0 && attr.mq_curmsgs > 0)
		mq_receive(mq, buffer, sizeof(buffer), NULL);
}

static void notify_errors(void)
{
	mqd_t second = mq_open(NAME, O_RDWR);

	signal(SIGUSR1, on_signal);
	drain();
	SHOW(notify(-1, SIGEV_NONE, 0));
	SHOW(notify(mq, 4711, 0));
	SHOW(notify(mq, SIGEV_SIGNAL, -1));
	SHOW(notify(mq, SIGEV_SIGNAL, 65));
	SHOW(notify(mq, SIGEV_THREAD_ID, SIGUSR1));
	/* One with SIGEV_NONE is used up by a message to the empty queue. */
	SHOW(notify(mq, SIGEV_NONE, 0));
	SHOW(notify(mq, SIGEV_NONE, 0));
	ipc_child("another", 0, notify_other);
	SHOW(mq_send(second, "x", 1, 0));
	SHOW(notify(mq, SIGEV_NONE, 0));
	SHOW(mq_send(mq, "y", 1, 0));
	SHOW(notify(mq, SIGEV_NONE, 0));
	drain();
	SHOW(mq_notify(second, NULL));
	SHOW(mq_notify(second, NULL));
	/* Signal 0 is none. */
	SHOW(notify(mq, SIGEV_SIGNAL, 0));
	SHOW(mq_send(mq, "x", 1, 0));
	SHOW(notify(mq, SIGEV_SIGNAL, SIGUSR1));
	drain();
	SHOW(mq_send(mq, "x", 1, 0));
	VALUE(signals);
	drain();
	/* The process that registered closes the queue, by whichever descriptor; or it ends. */
	SHOW(notify(mq, SIGEV_SIGNAL, SIGUSR1));
	SHOW(mq_close(second));
	SHOW(notify(mq, SIGEV_SIGNAL, SIGUSR1));
	SHOW(mq_notify(mq, NULL));
	ipc_child("exits", 0, notify_exits);
	SHOW(notify(mq, SIGEV_NONE, 0));
	SHOW(mq_notify(mq, NULL));
}

/* --- semaphores -------------------------------------------------------------------------- */

static long sem_result(const sem_t *sem)
{
	return sem == SEM_FAILED ? -1 : 0;
}

static long open_sem(const char *name, int oflag, int mode, unsigned int value)
{
	return sem_result(sem_open(name, oflag, mode, value));
}

static long open_named(void)
{
	return open_sem(NAME "-none", O_CREAT, 0600, 1);
}

static void sem_stranger(void)
{
	SHOW(open_sem(NAME, 0, 0, 0));
	SHOW(open_sem(NAME, O_CREAT, 0600, 1));
	SHOW(open_sem(NAME, O_CREAT | O_EXCL, 0600, 1));
	SHOW(sem_unlink(NAME));
	umask(0);
	SHOW(open_sem(NAME "-o", O_CREAT, 0400, 1));
	SHOW(open_sem(NAME "-o", 0, 0, 0));
	SHOW(sem_unlink(NAME "-o"));
}

static void sem_errors(void)
{
	sem_t unnamed;

	SHOW(open_sem("", O_CREAT, 0600, 1));
	SHOW(open_sem("/", O_CREAT, 0600, 1));
	SHOW(open_sem("/a/b", O_CREAT, 0600, 1));
	SHOW(open_sem(NAME, 0, 0, 0));
	SHOW(open_sem(NAME, O_CREAT, 0600, (unsigned int)SEM_VALUE_MAX + 1));
	SHOW(open_sem(NAME, O_CREAT | O_EXCL, 0600, 1));
	SHOW(open_sem(NAME, O_CREAT, 0600, (unsigned int)SEM_VALUE_MAX + 1));
	SHOW(open_sem(NAME, O_CREAT | O_EXCL, 0600, (unsigned int)SEM_VALUE_MAX + 1));
	SHOW(open_sem(NAME, O_CREAT | O_EXCL, 0600, 1));
	SHOW(open_sem(NAME, O_CREAT, 0600, 1));
	SHOW(open_sem(name_of(NAME_MAX - 4), O_CREAT, 0600, 1));
	SHOW(sem_unlink(name_of(NAME_MAX - 4)));
	SHOW(open_sem(name_of(NAME_MAX - 3), O_CREAT, 0600, 1));
	SHOW(open_sem(name_of(NAME_MAX + 1), O_CREAT, 0600, 1));
	SHOW(sem_unlink(name_of(NAME_MAX - 3)));
	SHOW(sem_unlink(name_of(NAME_MAX + 1)));
	SHOW(sem_unlink("/none"));
	SHOW(sem_unlink("/a/b"));
	SHOW(sem_unlink(""));
	SHOW(without_descriptors(open_named));
	SHOW(sem_close(NULL));
	sem_init(&unnamed, 0, 1);
	SHOW(sem_close(&unnamed));
	ipc_child("stranger", STRANGER, sem_stranger);
	SHOW(sem_unlink(NAME));
}

/* --- shared memory ----------------------------------------------------------------------- */

static void shm_access_of(const char *text, int fd)
{
	printf("%s: access %d\n", text, fd < 0 ? -1 : fcntl(fd, F_GETFL) & O_ACCMODE);
	if (fd >= 0)
		close(fd);
}

#define SHM_ACCESS(call) (errno = 0, shm_access_of(#call, call))

static long open_shm(void)
{
	return shm_open(NAME, O_RDWR | O_CREAT, 0600);
}

static long size_of(const char *name)
{
	int fd = shm_open(name, O_RDONLY, 0);
	struct stat st = { .st_size = -1 };

	if (fd >= 0) {
		fstat(fd, &st);
		close(fd);
	}
	return st.st_size;
}

static void shm_modes(void)
{
	int fd;

	SHM_ACCESS(shm_open(NAME, O_RDONLY | O_CREAT | O_EXCL, 0600));
	SHM_ACCESS(shm_open(NAME, O_RDONLY | O_CREAT, 0600));
	SHM_ACCESS(shm_open(NAME, O_RDONLY, 0));
	SHM_ACCESS(shm_open(NAME, O_WRONLY, 0));
	SHM_ACCESS(shm_open(NAME, O_WRONLY | O_CREAT, 0600));
	SHOW_ID(fd = shm_open(NAME, O_RDWR, 0));
	SHOW(ftruncate(fd, 100));
	SHM_ACCESS(shm_open(NAME, O_WRONLY | O_TRUNC, 0));
	SHOW(size_of(NAME));
	SHOW(ftruncate(fd, 100));
	SHM_ACCESS(shm_open(NAME, O_RDONLY | O_TRUNC, 0));
	SHOW(size_of(NAME));
	close(fd);
	SHOW_ID(fd = shm_open(NAME, O_RDONLY | O_CREAT, 0600));
	SHOW(ftruncate(fd, 100));
	SHOW(write(fd, "x", 1));
	SHOW(mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	close(fd);
}

static void shm_stranger(void)
{
	static const int modes[] = { 0, 0400, 0200, 0600 };

	SHOW_ID(shm_open(NAME, O_RDONLY, 0));
	SHOW_ID(shm_open(NAME, O_RDONLY | O_CREAT, 0600));
	SHOW_ID(shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600));
	SHOW(shm_unlink(NAME));
	umask(0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		VALUE(modes[i]);
		SHM_ACCESS(shm_open(NAME "-o", O_RDWR | O_CREAT | O_EXCL, modes[i]));
		SHM_ACCESS(shm_open(NAME "-o", O_RDONLY, 0));
		SHM_ACCESS(shm_open(NAME "-o", O_WRONLY, 0));
		SHM_ACCESS(shm_open(NAME "-o", O_RDWR, 0));
		SHM_ACCESS(shm_open(NAME "-o", O_RDONLY | O_TRUNC, 0));
		SHM_ACCESS(shm_open(NAME "-o", O_RDWR | O_CREAT, 0600));
		SHOW(shm_unlink(NAME "-o"));
	}
}

static void shm_errors(void)
{
	SHOW_ID(shm_open("", O_RDWR | O_CREAT, 0600));
	SHOW_ID(shm_open("/", O_RDWR | O_CREAT, 0600));
	SHOW_ID(shm_open("/a/b", O_RDWR | O_CREAT, 0600));
	SHOW_ID(shm_open(NAME, O_RDWR, 0));
	SHOW_ID(shm_open(NAME, O_RDWR | O_EXCL, 0));
	shm_modes();
	SHOW_ID(shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600));
	SHM_ACCESS(shm_open(name_of(NAME_MAX), O_RDWR | O_CREAT, 0600));
	SHM_ACCESS(shm_open(name_of(NAME_MAX), O_RDWR, 0));
	SHOW(shm_unlink(name_of(NAME_MAX)));
	SHOW(shm_unlink(name_of(NAME_MAX)));
	SHOW_ID(shm_open(name_of(NAME_MAX + 1), O_RDWR | O_CREAT, 0600));
	SHOW(shm_unlink(name_of(NAME_MAX + 1)));
	SHOW(shm_unlink("/none"));
	SHOW(shm_unlink("/a/b"));
	SHOW(shm_unlink(""));
	SHOW(without_descriptors(open_shm));
	ipc_child("stranger", STRANGER, shm_stranger);
	SHOW(shm_unlink(NAME));
}

void calls_errno_posix(void)
{
	ipc_make_memory();
	mq_open_errors();
	mq_send_errors();
	mq_receive_errors();
	mq_attr_errors();
	mq_numbers();
	SHOW(mq_close(mq));
	SHOW_ID(mq = mq_open(NAME, O_RDWR));
	notify_errors();
	ipc_child("stranger", STRANGER, mq_stranger);
	ipc_child("owner", STRANGER, mq_owner);
	SHOW(mq_unlink(NAME));
	sem_errors();
	shm_errors();
}
