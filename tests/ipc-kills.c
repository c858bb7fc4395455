// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-kills.c - the parts of tests/ipc-kills.sh: clients that are killed, who kills daemons
 *
 *	ipc-kills clients KILLS SEED     some processes that do random calls of libvcipc on objects
 *	                                 with the same names; KILLS times one of them is killed
 *	                                 with SIGKILL, and another takes its place
 *	ipc-kills daemons SEED DIR...    kills the daemons of these partitions, given by their
 *	                                 directories, and runs "vcctl up"; until SIGTERM
 *	ipc-kills unlink                 removes all names
 *
 * A call may fail, since others take things away, and daemons are not there. It may not fail for
 * another reason than these, and a message may not come torn.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipcmap/vcipc.h"

#define CLIENTS 4
#define HANDLES 8
#define NAMES 12
#define MESSAGE 200
#define WAIT_USEC 300
#define CLIENT_LIFE_USEC 8000 /* mean time between two kills is half of it */
#define DAEMON_LIFE_USEC 60000

static unsigned int seed;
static volatile uint64_t *calls; /* of all clients of this process */
static volatile sig_atomic_t ended;

static unsigned int pick(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

/* --- a client -------------------------------------------------------------------------------- */

static struct handle {
	enum vcipc_kind kind; /* 0: none */
	void *object;
} handles[HANDLES];

/* What others and the deaths of daemons explain. */
static void check(const char *call, long r)
{
	static const int expected[] = { ENOENT,    EEXIST,    EPROTOTYPE, ENOTCONN,       EAGAIN,
					ETIMEDOUT, EOVERFLOW, EOWNERDEAD, ENOTRECOVERABLE };

	__atomic_fetch_add(calls, 1, __ATOMIC_RELAXED);
	if (r >= 0)
		return;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (errno == expected[i])
			return;
	err(1, "%s", call);
}

static const struct timespec *soon(void)
{
	static struct timespec deadline;

	return vcipc_deadline(&deadline, pick(WAIT_USEC));
}

static const char *a_name(void)
{
	static char name[16];

	snprintf(name, sizeof(name), "kills-%u", pick(NAMES));
	return name;
}

static void *open_kind(enum vcipc_kind kind, int flags)
{
	const struct vcipc_mq_attr attr = { .maxmsg = 4, .msgsize = MESSAGE };

	switch (kind) {
	case VCIPC_EVENT:
		return vcipc_event_open(a_name(), flags, 0600);
	case VCIPC_SEM:
		return vcipc_sem_open(a_name(), flags, 0600, pick(3));
	case VCIPC_MUTEX:
		return vcipc_mutex_open(a_name(), flags, 0600);
	case VCIPC_MQ:
		return vcipc_mq_open(a_name(), flags, 0600, &attr);
	case VCIPC_SHM:
		return vcipc_shm_open(a_name(), flags, 0600, 1 + pick(20000));
	}
	return NULL;
}

static void do_open(struct handle *handle)
{
	static const int flags[] = { 0, VCIPC_CREATE, VCIPC_CREATE, VCIPC_CREATE | VCIPC_EXCL,
				     VCIPC_CREATE | VCIPC_PERSISTENT };

	handle->kind = (enum vcipc_kind)(VCIPC_EVENT + pick(5));
	handle->object = open_kind(handle->kind, flags[pick(5)]);
	check("open", handle->object ? 0 : -1);
	if (!handle->object)
		handle->kind = 0;
}

static void do_close(struct handle *handle)
{
	switch (handle->kind) {
	case VCIPC_EVENT:
		check("close", vcipc_event_close(handle->object));
		break;
	case VCIPC_SEM:
		check("close", vcipc_sem_close(handle->object));
		break;
	case VCIPC_MUTEX:
		check("close", vcipc_mutex_close(handle->object));
		break;
	case VCIPC_MQ:
		check("close", vcipc_mq_close(handle->object));
		break;
	case VCIPC_SHM:
		check("close", vcipc_shm_close(handle->object));
		break;
	}
	handle->kind = 0;
}

static void do_unlink(void)
{
	check("unlink", vcipc_unlink((enum vcipc_kind)(VCIPC_EVENT + pick(5)), a_name()));
}

static void use_mutex(vcipc_mutex *mutex)
{
	int r = vcipc_mutex_timedlock(mutex, soon());

	check("lock", r);
	if (r < 0 && errno == EOWNERDEAD && pick(8))
		r = vcipc_mutex_consistent(mutex);
	else if (r < 0 && errno != EOWNERDEAD)
		return;
	check("unlock", vcipc_mutex_unlock(mutex));
}

/* Whoever writes a message fills it with one byte; nobody may see half of it. */
static void use_mq(vcipc_mq *mq)
{
	char message[MESSAGE];
	ssize_t size;

	memset(message, (int)pick(256), sizeof(message));
	if (pick(2)) {
		check("send", vcipc_mq_timedsend(mq, message, 1 + pick(MESSAGE), pick(5), soon()));
		return;
	}
	size = vcipc_mq_timedreceive(mq, message, sizeof(message), NULL, soon());
	check("receive", size);
	for (ssize_t i = 1; i < size; i++)
		if (message[i] != message[0])
			errx(1, "a torn message of %zd bytes", size);
}

static void use_shm(vcipc_shm *shm)
{
	void *memory;
	size_t size;
	int r;

	check("resize", vcipc_shm_resize(shm, 4096 + pick(20000)));
	r = vcipc_shm_map(shm, &memory, &size);
	check("map", r);
	if (r == 0)
		check("unmap", vcipc_shm_unmap(memory, size));
}

static void use(const struct handle *handle)
{
	switch (handle->kind) {
	case VCIPC_EVENT:
		if (pick(3))
			check("post", vcipc_event_post(handle->object));
		else if (pick(2))
			check("broadcast", vcipc_event_broadcast(handle->object));
		else
			check("wait", vcipc_event_timedwait(handle->object, soon()));
		break;
	case VCIPC_SEM:
		if (pick(2))
			check("post", vcipc_sem_post(handle->object));
		else
			check("wait", vcipc_sem_timedwait(handle->object, soon()));
		break;
	case VCIPC_MUTEX:
		use_mutex(handle->object);
		break;
	case VCIPC_MQ:
		use_mq(handle->object);
		break;
	case VCIPC_SHM:
		use_shm(handle->object);
		break;
	}
}

/* A child has what its parent has open, and ends without a word, or is left behind. */
static void do_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		for (int i = 0; i < 3; i++)
			use(&handles[pick(HANDLES)]);
		_exit(0);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static _Noreturn void client(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct handle *handle = &handles[pick(HANDLES)];
		unsigned int what = pick(100);

		if (what < 2)
			do_fork();
		else if (what < 12)
			do_unlink();
		else if (handle->kind == 0)
			do_open(handle);
		else if (what < 60)
			do_close(handle);
		else
			use(handle);
	}
}

/* --- clients, and their end ------------------------------------------------------------------- */

static pid_t start_client(void)
{
	pid_t pid;

	seed += 7919;
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		client();
	return pid;
}

static void kill_client(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "wait for a client");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		errx(1, "a client ended by itself: status %x", status);
}

static void clients(unsigned int kills)
{
	pid_t pids[CLIENTS];

	calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (calls == MAP_FAILED)
		err(1, "memory");
	puts("begun");
	fflush(stdout);
	for (int i = 0; i < CLIENTS; i++)
		pids[i] = start_client();
	for (unsigned int i = 0; i < kills; i++) {
		pid_t *pid = &pids[pick(CLIENTS)];

		usleep((useconds_t)pick(CLIENT_LIFE_USEC));
		kill_client(*pid);
		*pid = start_client();
	}
	for (int i = 0; i < CLIENTS; i++)
		kill_client(pids[i]);
	printf("%u clients killed, %llu calls\n", kills + CLIENTS, (unsigned long long)*calls);
}

/* --- daemons ---------------------------------------------------------------------------------- */

static void on_end(int sig)
{
	ended = 1;
}

/* Who has the lock of that directory's daemon; 0: nobody. */
static pid_t daemon_pid(const char *dir)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/vcd.lock", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0)
		err(1, "%s", path);
	close(fd);
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

static void bring_up(void)
{
	int status = system("vcctl up >/dev/null");

	if (status != 0)
		errx(1, "vcctl up: status %x", status);
}

static void daemons(char **dirs, unsigned int n)
{
	const struct sigaction action = { .sa_handler = on_end };
	unsigned int kills = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGTERM, &action, NULL);
	while (!ended) {
		unsigned int all = pick(6) == 0 ? n : 1, first = pick(n);

		usleep((useconds_t)pick(DAEMON_LIFE_USEC));
		for (unsigned int i = 0; i < all; i++) {
			pid_t pid = daemon_pid(dirs[(first + i) % n]);

			kills += pid > 0 && kill(pid, SIGKILL) == 0;
		}
		bring_up();
	}
	printf("%u daemons killed\n", kills);
}

static void unlink_all(void)
{
	char name[16];

	for (unsigned int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "kills-%u", i);
		for (int kind = VCIPC_EVENT; kind <= VCIPC_SHM; kind++)
			if (vcipc_unlink((enum vcipc_kind)kind, name) < 0 && errno != ENOENT &&
			    errno != EPROTOTYPE)
				err(1, "unlink %s", name);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "clients")) {
		seed = (unsigned int)strtoul(argv[3], NULL, 10);
		clients((unsigned int)strtoul(argv[2], NULL, 10));
	} else if (argc >= 4 && !strcmp(argv[1], "daemons")) {
		seed = (unsigned int)strtoul(argv[2], NULL, 10);
		daemons(argv + 3, (unsigned int)argc - 3);
	} else if (argc == 2 && !strcmp(argv[1], "unlink")) {
		unlink_all();
	} else {
		errx(2, "usage: ipc-kills clients KILLS SEED | daemons SEED DIR... | unlink");
	}
	return 0;
}
