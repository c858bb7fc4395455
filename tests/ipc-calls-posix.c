// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-calls-posix.c - POSIX message queues, named semaphores, shared memory
 */
#include "ipc-calls.h"

#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME "/vcipc-calls"
#define BYTES 100

static mqd_t mq;
static char buffer[BYTES];

static mqd_t make(const char *name, int oflag, long messages, long bytes)
{
	struct mq_attr attr = { .mq_maxmsg = messages, .mq_msgsize = bytes };

	return mq_open(name, O_CREAT | oflag, 0600, &attr);
}

static void attributes(mqd_t fd)
{
	struct mq_attr attr;

	if (SHOW(mq_getattr(fd, &attr)) == 0)
		printf("  flags %ld maxmsg %ld msgsize %ld curmsgs %ld\n", attr.mq_flags,
		       attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs);
}

static void mq_opens(void)
{
	char long_name[NAME_MAX + 10] = "/";

	memset(long_name + 1, 'n', NAME_MAX + 5);
	SHOW_ID(mq_open(NAME, O_RDWR));
	SHOW_ID(mq_open("vcipc-calls", O_RDWR | O_CREAT, 0600, NULL));
	SHOW_ID(mq_open("/", O_RDWR));
	SHOW_ID(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
	SHOW_ID(mq_open(long_name, O_RDWR));
	SHOW_ID(make(NAME, O_RDWR, 0, BYTES));
	SHOW_ID(make(NAME, O_RDWR, 3, 0));
	SHOW_ID(make(NAME, O_RDWR, -1, BYTES));
	SHOW_ID(make(NAME, O_RDWR, 70000, BYTES));
	SHOW_ID(make(NAME, O_RDWR, 3, 17 << 20));
	SHOW_ID(mq = make(NAME, O_RDWR | O_EXCL, 3, BYTES));
	SHOW_ID(make(NAME, O_RDWR | O_EXCL, 3, BYTES));
	SHOW_ID(make(NAME, O_RDWR | O_EXCL, 0, 0));
	VALUE(fcntl(mq, F_GETFD) & FD_CLOEXEC);
	attributes(mq);
	SHOW(mq_close(make(NAME, O_RDONLY, 0, 0)));
}

static int put(mqd_t fd, const char *text, unsigned int priority)
{
	return mq_send(fd, text, strlen(text), priority);
}

static long get(mqd_t fd)
{
	unsigned int priority = 99;
	ssize_t n;

	memset(buffer, 0, sizeof(buffer));
	n = mq_receive(fd, buffer, sizeof(buffer), &priority);
	if (n >= 0)
		printf("  '%s' %u\n", buffer, priority);
	return n;
}

static void mq_messages(void)
{
	mqd_t reader = mq_open(NAME, O_RDONLY), writer = mq_open(NAME, O_WRONLY | O_NONBLOCK);
	struct mq_attr nonblock = { .mq_flags = O_NONBLOCK }, bad = { .mq_flags = 1 }, old;
	char big[BYTES + 1] = { 0 };

	SHOW(put(writer, "low", 1));
	SHOW(put(writer, "high", 30000));
	SHOW(put(writer, "", 1));
	attributes(writer);
	SHOW(put(writer, "full", 1));
	SHOW(get(writer));
	SHOW(put(reader, "wrong way", 1));
	SHOW(get(reader));
	SHOW(put(mq, "middle", 2));
	SHOW(get(reader));
	SHOW(get(reader));
	SHOW(get(reader));
	SHOW(mq_setattr(reader, &bad, NULL));
	SHOW(mq_setattr(reader, &nonblock, &old));
	VALUE(old.mq_flags);
	attributes(reader);
	SHOW(get(reader));
	SHOW(mq_send(writer, big, BYTES + 1, 0));
	SHOW(mq_send(writer, big, BYTES, 32767));
	SHOW(mq_send(writer, big, BYTES, 32768));
	SHOW(mq_receive(reader, big, BYTES - 1, NULL));
	SHOW(mq_receive(reader, big, BYTES + 1, NULL));
	SHOW(mq_close(reader));
	SHOW(mq_close(reader));
	SHOW(get(reader));
	SHOW(put(-1, "", 0));
	SHOW(mq_getattr(-1, &old));
	SHOW(mq_close(writer));
}

static struct timespec in_msec(long msec)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += msec * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static void mq_times(void)
{
	struct timespec soon = in_msec(100), bad = { .tv_nsec = 1000000000 }, past = { 0 };

	SHOW(mq_timedreceive(mq, buffer, BYTES, NULL, &soon));
	SHOW(mq_timedreceive(mq, buffer, BYTES, NULL, &past));
	SHOW(mq_timedreceive(mq, buffer, BYTES, NULL, &bad));
	SHOW(mq_timedsend(mq, "a", 1, 0, &bad));
	SHOW(mq_timedsend(mq, "a", 1, 0, &past));
	SHOW(mq_timedsend(mq, "b", 1, 0, &past));
	SHOW(mq_timedsend(mq, "c", 1, 0, &past));
	SHOW(mq_timedsend(mq, "d", 1, 0, &past));
	soon = in_msec(100);
	SHOW(mq_timedsend(mq, "d", 1, 0, &soon));
	ipc_alarm(100, false);
	SHOW(mq_send(mq, "d", 1, 0));
	SHOW(get(mq));
	SHOW(get(mq));
	SHOW(get(mq));
	ipc_alarm(100, false);
	SHOW(get(mq));
	soon = in_msec(200);
	ipc_alarm(100, true);
	SHOW(mq_timedreceive(mq, buffer, BYTES, NULL, &soon));
	soon = in_msec(200);
	ipc_alarm(100, false);
	SHOW(mq_timedreceive(mq, buffer, BYTES, NULL, &soon));
	VALUE(ipc_alarms);
}

static void mq_receiver(void)
{
	SHOW(get(mq));
}

static void mq_stranger(void)
{
	SHOW_ID(mq_open(NAME, O_RDONLY));
	SHOW_ID(mq_open(NAME, O_RDWR | O_CREAT, 0600, NULL));
	SHOW(mq_unlink(NAME));
	SHOW_ID(make("/vcipc-calls-2", O_RDWR, 11, BYTES));
	SHOW_ID(make("/vcipc-calls-2", O_RDWR, 10, 8193));
	SHOW_ID(make("/vcipc-calls-2", O_RDWR, 10, 8192));
	SHOW(mq_unlink("/vcipc-calls-2"));
}

void calls_mq(void)
{
	pid_t pid;

	mq_opens();
	mq_messages();
	mq_times();
	pid = ipc_start(mq_receiver);
	ipc_settle();
	SHOW(put(mq, "to the child", 7));
	ipc_reap("receiver", pid);
	ipc_child("stranger", 65534, mq_stranger);
	SHOW(mq_unlink(NAME));
	SHOW(mq_unlink(NAME));
	SHOW_ID(mq_open(NAME, O_RDWR));
	SHOW(put(mq, "still there", 0));
	SHOW(get(mq));
	SHOW(mq_close(mq));
}

/* --- mq_notify --------------------------------------------------------------------------- */

static volatile int signals, signal_value, signal_code, thread_value;
static volatile pid_t signal_from;
static sem_t called;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	signals++;
	signal_value = info->si_value.sival_int;
	signal_code = info->si_code;
	signal_from = info->si_pid;
}

static void on_thread(union sigval value)
{
	thread_value = value.sival_int;
	sem_post(&called);
}

static volatile long thread_stack, thread_cpus, thread_detached;

static void on_attributes(union sigval value)
{
	pthread_attr_t attr;
	cpu_set_t cpus;
	size_t size;
	int n;

	(void)value;
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &size);
	pthread_attr_getdetachstate(&attr, &n);
	pthread_getaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	thread_stack = (long)size;
	thread_detached = n == PTHREAD_CREATE_DETACHED;
	thread_cpus = CPU_COUNT(&cpus);
	pthread_attr_destroy(&attr);
	sem_post(&called);
}

/* The attributes are destroyed, and their memory is used again, before they are needed. */
static int notify_attributes(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD,
				  .sigev_notify_function = on_attributes };
	pthread_attr_t attr;
	int r, cpu = sched_getcpu();
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 20);
	pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	event.sigev_notify_attributes = &attr;
	r = mq_notify(mq, &event);
	pthread_attr_destroy(&attr);
	memset(&attr, 0xff, sizeof(attr));
	return r;
}

static int notify(int how, int value)
{
	struct sigevent event = { .sigev_notify = how, .sigev_value = { .sival_int = value } };

	if (how == SIGEV_THREAD)
		event.sigev_notify_function = on_thread;
	else
		event.sigev_signo = SIGUSR1;
	return mq_notify(mq, &event);
}

static void notify_other(void)
{
	SHOW(notify(SIGEV_SIGNAL, 1));
	SHOW(mq_notify(mq, NULL));
	SHOW(put(mq, "to the parent", 1));
}

static void notify_register(void)
{
	SHOW(notify(SIGEV_NONE, 1));
}

static void signals_are(int n)
{
	for (int i = 0; i < 100 && signals < n; i++)
		usleep(10000);
	VALUE(signals);
	VALUE(signal_value);
	VALUE(signal_code == SI_MESGQ);
}

void calls_notify(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	pid_t pid;

	sem_init(&called, 0, 0);
	sigaction(SIGUSR1, &action, NULL);
	SHOW_ID(mq = make(NAME, O_RDWR, 3, BYTES));
	SHOW(notify(SIGEV_SIGNAL, 42));
	SHOW(notify(SIGEV_SIGNAL, 43));
	SHOW(put(mq, "one", 1));
	VALUE(signals);
	signals_are(1);
	VALUE(signal_from == getpid());
	/* Once only; and not while the queue is not empty. */
	SHOW(put(mq, "two", 1));
	SHOW(notify(SIGEV_SIGNAL, 44));
	SHOW(put(mq, "three", 1));
	VALUE(signals);
	SHOW(get(mq));
	SHOW(get(mq));
	SHOW(get(mq));
	ipc_child("other", 0, notify_other);
	signals_are(2);
	SHOW(get(mq));
	SHOW(notify(SIGEV_THREAD, 45));
	SHOW(put(mq, "to a thread", 1));
	SHOW(sem_wait(&called));
	VALUE(thread_value);
	SHOW(get(mq));
	SHOW(notify_attributes());
	SHOW(put(mq, "to a thread of that kind", 1));
	SHOW(sem_wait(&called));
	VALUE(thread_stack);
	VALUE(thread_cpus);
	VALUE(thread_detached);
	SHOW(get(mq));
	SHOW(notify(SIGEV_NONE, 46));
	SHOW(mq_notify(mq, NULL));
	SHOW(mq_notify(mq, NULL));
	SHOW(put(mq, "to nobody", 1));
	SHOW(get(mq));
	ipc_child("registered, then ended", 0, notify_register);
	SHOW(notify(SIGEV_SIGNAL, 47));
	/* A receiver that waits has it, and the registration stays. */
	pid = ipc_start(mq_receiver);
	ipc_settle();
	SHOW(put(mq, "to the receiver", 1));
	ipc_reap("receiver", pid);
	VALUE(signals);
	SHOW(put(mq, "to the handler", 1));
	signals_are(3);
	SHOW(notify(4711, 0));
	SHOW(mq_notify(-1, NULL));
	SHOW(mq_close(mq));
	SHOW(mq_unlink(NAME));
}

/* --- named semaphores, shared memory ------------------------------------------------------ */

static sem_t *sem;

static void sem_poster(void)
{
	SHOW(sem_post(sem));
}

static void named_sem(void)
{
	struct timespec soon, bad = { .tv_nsec = -1 };
	sem_t *again;
	int value;

	SHOW(sem_open(NAME, 0) == SEM_FAILED);
	SHOW(sem_open("/a/b", O_CREAT, 0600, 1) == SEM_FAILED);
	SHOW(sem_open("/", O_CREAT, 0600, 1) == SEM_FAILED);
	SHOW(sem_open(NAME, O_CREAT, 0600, (unsigned int)SEM_VALUE_MAX + 1) == SEM_FAILED);
	SHOW((sem = sem_open(NAME, O_CREAT | O_EXCL, 0600, 2)) == SEM_FAILED);
	SHOW(sem_open(NAME, O_CREAT | O_EXCL, 0600, 2) == SEM_FAILED);
	SHOW((again = sem_open(NAME, O_CREAT, 0600, 5)) == sem);
	SHOW(sem_getvalue(sem, &value));
	VALUE(value);
	SHOW(sem_wait(again));
	SHOW(sem_trywait(sem));
	SHOW(sem_trywait(sem));
	soon = in_msec(100);
	SHOW(sem_timedwait(sem, &soon));
	SHOW(sem_timedwait(sem, &bad));
	ipc_alarm(100, false);
	soon = in_msec(1000);
	SHOW(sem_timedwait(sem, &soon));
	ipc_child("poster", 0, sem_poster);
	SHOW(sem_timedwait(sem, &soon));
	SHOW(sem_post(sem));
	clock_gettime(CLOCK_MONOTONIC, &soon);
	SHOW(sem_clockwait(sem, CLOCK_MONOTONIC, &soon));
	SHOW(sem_clockwait(sem, CLOCK_MONOTONIC, &soon));
	SHOW(sem_close(again));
	SHOW(sem_post(sem));
	SHOW(sem_unlink(NAME));
	SHOW(sem_unlink(NAME));
	SHOW(sem_unlink("/a/b"));
	SHOW(sem_trywait(sem));
	SHOW(sem_close(sem));
}

static void named_stranger(void)
{
	SHOW(sem_open(NAME, 0) == SEM_FAILED);
	SHOW(sem_open(NAME, O_CREAT, 0600, 1) == SEM_FAILED);
	SHOW(sem_unlink(NAME));
	SHOW_ID(shm_open(NAME, O_RDONLY, 0));
	SHOW_ID(shm_open(NAME, O_RDWR | O_CREAT, 0600));
	SHOW(shm_unlink(NAME));
}

static void named_shm(void)
{
	struct stat st;
	char *memory;
	int fd, reader;

	umask(022);
	SHOW_ID(shm_open(NAME, O_RDWR, 0600));
	SHOW_ID(shm_open("/a/b", O_RDWR | O_CREAT, 0600));
	SHOW_ID(shm_open("/", O_RDWR | O_CREAT, 0600));
	SHOW_ID(fd = shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0666));
	SHOW_ID(shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0666));
	VALUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	SHOW(fstat(fd, &st));
	VALUE(st.st_size);
	VALUE(st.st_mode & 07777);
	SHOW(ftruncate(fd, 5000));
	memory = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	VALUE(memory != MAP_FAILED);
	strcpy(memory, "shared");
	SHOW_ID(reader = shm_open("vcipc-calls", O_RDONLY, 0));
	VALUE(reader > fd);
	SHOW(read(reader, buffer, 7));
	VALUE(strcmp(buffer, "shared"));
	SHOW(write(reader, "x", 1));
	SHOW(mmap(NULL, 5000, PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED);
	close(reader);
	SHOW_ID(reader = shm_open(NAME, O_RDWR | O_TRUNC, 0));
	SHOW(fstat(reader, &st));
	VALUE(st.st_size);
	SHOW(fchmod(fd, 0600));
	ipc_child("stranger", 65534, named_stranger);
	SHOW(shm_unlink(NAME));
	SHOW(shm_unlink(NAME));
	SHOW_ID(shm_open(NAME, O_RDWR, 0600));
	SHOW(ftruncate(fd, 10));
	munmap(memory, 5000);
	close(reader);
	close(fd);
}

void calls_named(void)
{
	named_sem();
	SHOW((sem = sem_open(NAME, O_CREAT, 0600, 0)) == SEM_FAILED);
	named_shm();
	SHOW(sem_unlink(NAME));
}
