// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-burst.c - what becomes of the connection that is kept between requests
 *
 * Each way is one test; it prints nothing if all is as it should be. "there" is an object of
 * root's, mode 0640, of group 4242.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipcmap/door/door.h"
#include "ipcmap/kind.h"
#include "wire/wire.h"

#define NAME "there"
#define GROUP 4242
#define USER 64202
#define KEPT_LEAST 32 /* below, numbers are the program's */
#define CROWD 300
#define THREADS 4

static void is(const char *what, long got, long expected)
{
	if (got == expected)
		return;
	printf("%s: got %ld, expected %ld\n", what, got, expected);
	exit(1);
}

static int ask(void)
{
	struct door_stat stat;

	return door_stat(IPC_KIND_SHM, NAME, 0, &stat);
}

/* The descriptor of the connection that is kept, -1: there is none; and which socket it is. */
static int kept(ino_t *ret_ino)
{
	struct stat st;

	for (int fd = KEPT_LEAST; fd < 256; fd++)
		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) {
			*ret_ino = st.st_ino;
			return fd;
		}
	return -1;
}

static int lowest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void await_end(int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };

	is("end of an idle connection", poll(&end, 1, 60000), 1);
	is("POLLHUP", end.revents & POLLHUP, POLLHUP);
}

static void way_one(void)
{
	int lowest = lowest_fd(), fd;
	ino_t first = 0, again = 0, next = 0;

	is("first", ask(), 0);
	fd = kept(&first);
	is("a connection is kept", fd >= KEPT_LEAST, 1);
	is("not over an exec", fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	is("lowest descriptor", lowest_fd(), lowest);
	for (int i = 0; i < 100; i++)
		is("again", ask(), 0);
	is("the same descriptor", kept(&again), fd);
	is("the same connection", again == first, 1);
	await_end(fd);
	is("none of that name", door_unlink(IPC_KIND_SHM, "absent", 0), -ENOENT);
	is("the same descriptor for a new one", kept(&next), fd);
	is("a new connection", next != first, 1);
}

static void reap(pid_t pid)
{
	int status;

	is("waitpid", waitpid(pid, &status, 0), pid);
	is("child's status", status, 0);
}

/* told: as the interposer's handler of forks does it. */
static void fork_once(bool told)
{
	ino_t mine = 0, child = 0, after = 0;
	int fd = -1;
	pid_t pid;

	is("before the fork", ask(), 0);
	fd = kept(&mine);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (told) {
			door_conn_forked();
			is("the child has none", kept(&child), -1);
		}
		is("child's", ask(), 0);
		is("child's again", ask(), 0);
		exit(0);
	}
	reap(pid);
	is("after the fork", ask(), 0);
	is("the same descriptor", kept(&after), fd);
	is("the same connection", after == mine, 1);
}

static void way_fork(void)
{
	fork_once(true);
	fork_once(false);
}

/* The program closes what it does not know, and has another file there. */
static void way_closed(void)
{
	ino_t first = 0;
	int fd, pipes[2];
	char byte;

	is("before", ask(), 0);
	fd = kept(&first);
	close(fd);
	is("after close()", ask(), 0);
	fd = kept(&first);
	is("pipe", pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	is("dup2", dup2(pipes[1], fd), fd);
	is("after dup2()", ask(), 0);
	is("and again", ask(), 0);
	is("nothing was written to the program's file", read(pipes[0], &byte, 1), -1);
	is("which is open still", write(fd, "x", 1), 1);
	is("and is that pipe", read(pipes[0], &byte, 1), 1);
}

/* What a process could do that has given up root, and has the connection still. */
static int ask_by(struct wire *wire)
{
	Vc__IpcStat body = VC__IPC_STAT__INIT;
	Vc__Msg msg = VC__MSG__INIT;
	struct wire_msg answer;
	int r;

	body.has_kind = body.has_name = true;
	body.kind = IPC_KIND_SHM;
	body.name.data = (uint8_t *)NAME;
	body.name.len = strlen(NAME);
	msg.body_case = VC__MSG__BODY_IPC_STAT;
	msg.ipc_stat = &body;
	r = wire_send(wire, &msg, NULL, 0, NULL);
	if (r == 0)
		r = wire_recv(wire, &answer, NULL);
	if (r < 0)
		return r;
	if (answer.msg->body_case == VC__MSG__BODY_ERROR)
		r = wire_take_error(answer.msg->error, NULL);
	wire_msg_done(&answer);
	return r;
}

static int ping_by(struct wire *wire)
{
	Vc__Ping body = VC__PING__INIT;
	Vc__Msg msg = VC__MSG__INIT;
	struct wire_msg answer;
	int r;

	msg.body_case = VC__MSG__BODY_PING;
	msg.ping = &body;
	r = wire_send(wire, &msg, NULL, 0, NULL);
	if (r == 0)
		r = wire_recv(wire, &answer, NULL);
	if (r < 0)
		return r;
	if (answer.msg->body_case == VC__MSG__BODY_ERROR)
		r = wire_take_error(answer.msg->error, NULL);
	wire_msg_done(&answer);
	return r;
}

static struct wire *kept_wire(void)
{
	struct wire *wire;
	ino_t ino;

	is("a connection", wire_new(kept(&ino), &wire, NULL), 0);
	return wire;
}

static void way_rights(void)
{
	struct wire *wire;

	is("root's", ask(), 0);
	wire = kept_wire();
	is("root's by hand", ask_by(wire), 0);
	is("setgroups", setgroups(0, NULL), 0);
	is("setresgid", setresgid(USER, USER, USER), 0);
	is("another group's", ask_by(wire), -ESTALE);
	is("setresuid", setresuid(USER, USER, USER), 0);
	is("another user's", ask_by(wire), -ESTALE);
	is("another user's, of any kind", ping_by(wire), -ESTALE);
	is("by the door", ask(), -EACCES);
}

/* In a child that has a copy of the connection, and root's rights too. */
static void way_inherited(void)
{
	struct wire *wire;
	pid_t pid;

	is("the parent's", ask(), 0);
	wire = kept_wire();
	pid = fork();
	if (pid == 0) {
		is("the child's", ask_by(wire), -ESTALE);
		exit(0);
	}
	reap(pid);
	is("the parent's again", ask_by(wire), 0);
}

/* Another user, that may change its groups. */
static void become_user(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = 1 << CAP_SETGID, .permitted = 1 << CAP_SETGID }
	};
	gid_t group = GROUP;

	is("setgroups", setgroups(1, &group), 0);
	is("setresgid", setresgid(USER, USER, USER), 0);
	is("PR_SET_KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), 0);
	is("setresuid", setresuid(USER, USER, USER), 0);
	is("capset", syscall(SYS_capset, &header, data), 0);
}

static void way_groups(void)
{
	struct wire *wire;

	become_user();
	for (int i = 0; i < 3; i++)
		is("by the group", ask(), 0);
	is("setgroups", setgroups(0, NULL), 0);
	is("without the group", ask(), -EACCES);
	wire = kept_wire();
	is("without the group, by hand", ask_by(wire), -EACCES);
}

/* More processes of a user than a daemon serves connections. */
static void way_crowd(void)
{
	int ready[2], stop[2];
	char byte;

	is("setgroups", setgroups(1, &(gid_t){ GROUP }), 0);
	is("setresgid", setresgid(USER, USER, USER), 0);
	is("setresuid", setresuid(USER, USER, USER), 0);
	is("pipes", pipe(ready) + pipe(stop), 0);
	for (int i = 0; i < CROWD; i++)
		if (fork() == 0) {
			close(stop[1]);
			byte = (char)(ask() < 0);
			is("write", write(ready[1], &byte, 1), 1);
			is("read", read(stop[0], &byte, 1), 0);
			_exit(0);
		}
	for (int i = 0; i < CROWD; i++) {
		is("read", read(ready[0], &byte, 1), 1);
		is("one of many", byte, 0);
	}
	is("one more", ask(), 0);
	close(stop[1]);
	while (wait(NULL) > 0)
		;
}

/* Whatever happens to the daemon or the process meanwhile, nothing is done twice or not at all. */
static void way_pause(void)
{
	struct door_open req = { .kind = IPC_KIND_SHM,
				 .name = NAME,
				 .flags = DOOR_RDONLY | DOOR_NOCOUNT };
	struct door_object object;
	char line[16];

	setvbuf(stdout, NULL, _IONBF, 0);
	is("before", ask(), 0);
	printf("ready\n");
	while (fgets(line, sizeof(line), stdin)) {
		is("none of that name", door_unlink(IPC_KIND_SHM, "absent", 0), -ENOENT);
		is("again", ask(), 0);
		/* From now on its own partition's daemon is asked. */
		is("open", door_open(&req, &object), 0);
		close(object.fd);
		printf("well\n");
	}
}

/* --- under --ipc=map: bursts of requests, until there is a file of that name ----------------- */

static const char *stop_path;
static unsigned long rounds;

static void storm_once(const char *name, int key)
{
	struct shmid_ds ds;
	sem_t *sem;
	char *memory;
	int id;

	id = shmget(IPC_PRIVATE, 4096, 0600);
	is("shmget", id >= 0, 1);
	memory = shmat(id, NULL, 0);
	is("shmat", memory != (void *)-1, 1);
	memory[0] = 'x';
	is("IPC_STAT", shmctl(id, IPC_STAT, &ds), 0);
	is("shm_nattch", (long)ds.shm_nattch, 1);
	is("shmdt", shmdt(memory), 0);
	is("IPC_RMID", shmctl(id, IPC_RMID, NULL), 0);
	errno = 0;
	is("IPC_RMID again", shmctl(id, IPC_RMID, NULL), -1);
	is("its errno", errno, EINVAL);
	id = semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);
	is("semget", id >= 0, 1);
	is("semget again", semget(key, 1, 0), id);
	is("IPC_RMID", semctl(id, 0, IPC_RMID), 0);
	sem = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	is("sem_open", sem != SEM_FAILED, 1);
	is("sem_close", sem_close(sem), 0);
	is("sem_unlink", sem_unlink(name), 0);
	is("sem_unlink again", sem_unlink(name), -1);
}

static void *storm(void *ctx)
{
	int key = 0x56430060 + (int)(intptr_t)ctx;
	char name[32];

	snprintf(name, sizeof(name), "/storm%d", key);
	while (access(stop_path, F_OK) < 0) {
		storm_once(name, key);
		__atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void way_storm(void)
{
	pthread_t threads[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		is("pthread_create", pthread_create(&threads[i], NULL, storm, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%lu\n", rounds);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = {
		{ "one", way_one },       { "fork", way_fork },           { "closed", way_closed },
		{ "rights", way_rights }, { "inherited", way_inherited }, { "groups", way_groups },
		{ "crowd", way_crowd },   { "pause", way_pause },         { "storm", way_storm },
	};

	stop_path = argc > 2 ? argv[2] : "";
	if (argc > 1 && strcmp(argv[1], "storm") != 0)
		door_keep();
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (argc > 1 && !strcmp(argv[1], ways[i].name)) {
			ways[i].run();
			return 0;
		}
	return 2;
}
