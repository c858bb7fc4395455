// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-inventory.c - libmig/inventory against real victims
 *
 * Each victim is a forked session leader that sets up one thing and then waits.
 * It says that it is ready by closing a pipe, so that it holds nothing that it
 * did not ask for. What the kernel here lacks is skipped, by name.
 */
#include "libmig/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/perf_event.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/file.h"

#define KEPT 100         /* a victim keeps descriptors from here on as they were */
#define READY (KEPT - 1) /* closed by all of a victim's processes: it is ready */
#define MIB (1u << 20)

/* What a test shares with its victim. */
static char scratch[] = "/tmp/unit-inventory-XXXXXX";
static int kept_a = KEPT, kept_b = KEPT + 1;
static pid_t current; /* the victim that lives; 0: none */

/* For victims: what is not to be had here is no failure of ours. */
#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(77);                                                                 \
	} while (0)

static void victim_wait(void)
{
	close(READY);
	for (;;)
		pause();
}

static void victim_close_all(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < KEPT; fd++)
		if (fd != READY && fd != null)
			close(fd);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	close_range(KEPT + 2, ~0u, 0);
}

/* The pid of a ready victim; 0: it cannot be had here. */
static pid_t victim_start(void (*setup)(void))
{
	int ready[2], status;
	char byte;
	pid_t pid;

	assert_return_code(pipe(ready), errno);
	pid = fork();
	assert_return_code(pid, errno);
	if (pid == 0) {
		dup2(ready[1], READY);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		victim_close_all();
		setup();
		victim_wait();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	current = pid;
	if (waitpid(pid, &status, WNOHANG) == 0)
		return pid;
	current = 0;
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -status, 77);
	return 0;
}

static void victim_end(pid_t pid)
{
	current = 0;
	if (pid <= 0)
		return;
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	/* Its orphans come to us, as we are their subreaper. */
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void make_nothing(void)
{
}

static void make_io_uring(void)
{
	char params[120] = { 0 };

	NEED(syscall(SYS_io_uring_setup, 4, params) >= 0);
}

static void make_io_uring_mapping(void)
{
	char params[120] = { 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 4, params);

	NEED(fd >= 0 && mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	close(fd);
}

static void make_userfaultfd(void)
{
	NEED(syscall(SYS_userfaultfd, O_CLOEXEC) >= 0);
}

static void make_perf_event(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_TASK_CLOCK };

	NEED(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) >= 0);
}

static void make_fanotify(void)
{
	NEED(fanotify_init(0, O_RDONLY) >= 0);
}

static void make_mqueue(void)
{
	NEED(syscall(SYS_mq_open, "unit-inventory", O_RDWR | O_CREAT, 0600, NULL) >= 0);
	syscall(SYS_mq_unlink, "unit-inventory");
}

static void make_vsock(void)
{
	NEED(socket(AF_VSOCK, SOCK_STREAM, 0) >= 0);
}

static void make_pidfd_outside(void)
{
	NEED(syscall(SYS_pidfd_open, getppid(), 0) >= 0);
}

static void make_pidfd_inside(void)
{
	NEED(syscall(SYS_pidfd_open, getpid(), 0) >= 0);
}

static void make_secret(void)
{
	NEED(syscall(SYS_memfd_secret, 0) >= 0);
}

static void make_secret_mapping(void)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);

	NEED(fd >= 0 && ftruncate(fd, 4096) == 0 &&
	     mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	close(fd);
}

static void make_device(void)
{
	NEED(open("/dev/fuse", O_RDWR) >= 0);
}

static void make_block_device(void)
{
	NEED(open("/dev/loop0", O_RDONLY) >= 0);
}

static void make_packet_pipe(void)
{
	int fds[2];

	NEED(pipe2(fds, O_DIRECT) == 0);
}

static void make_mount_namespace(void)
{
	NEED(unshare(CLONE_NEWNS) == 0);
}

static void make_network_namespace(void)
{
	NEED(unshare(CLONE_NEWNET) == 0);
}

static void make_pid_namespace(void)
{
	NEED(unshare(CLONE_NEWPID) == 0);
}

static void make_job_namespaces(void)
{
	NEED(unshare(CLONE_NEWIPC | CLONE_NEWUTS) == 0);
}

static void make_child_uts(void)
{
	int done[2];
	char byte;

	NEED(pipe(done) == 0);
	if (fork() == 0) {
		close(done[0]);
		NEED(unshare(CLONE_NEWUTS) == 0);
		close(done[1]);
		victim_wait();
	}
	close(done[1]);
	NEED(read(done[0], &byte, 1) == 0);
	close(done[0]);
}

static void make_traced_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(READY);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
	}
	NEED(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
}

static void *thread_pause(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void make_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		NEED(pthread_create(&thread, NULL, thread_pause, NULL) == 0);
}

static void make_dead_leader(void)
{
	make_threads();
	close(READY);
	syscall(SYS_exit, 0);
}

static void make_pending_tcp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	NEED(bind(server, (struct sockaddr *)&at, len) == 0 && listen(server, 4) == 0 &&
	     getsockname(server, (struct sockaddr *)&at, &len) == 0 &&
	     connect(client, (struct sockaddr *)&at, len) == 0);
}

static void make_tcp(void)
{
	make_pending_tcp();
	NEED(accept(0 + 3, NULL, NULL) >= 0);
}

static void make_namespace_fd(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	NEED(fd >= 0 && unshare(CLONE_NEWUTS) == 0 && open("/proc/self/ns/uts", O_RDONLY) >= 0);
}

static void make_sysv_of_system(void)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);
	void *at = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	NEED(at != (void *)-1);
}

static void make_harmless(void)
{
	int fds[2];

	NEED(pipe(fds) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 &&
	     socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0 && eventfd(0, 0) >= 0 &&
	     open("/dev/zero", O_RDWR) >= 0 && open("/dev/urandom", O_RDONLY) >= 0 &&
	     open("/", O_RDONLY | O_DIRECTORY) >= 0 && socket(AF_NETLINK, SOCK_RAW, 0) >= 0 &&
	     socket(AF_INET, SOCK_DGRAM, 0) >= 0 && memfd_create("own", 0) >= 0);
}

/* NULL: such a victim can be carried; else words of the refusal. */
static const struct {
	const char *name;
	void (*setup)(void);
	const char *refused;
} verdicts[] = {
	{ "nothing", make_nothing, NULL },
	{ "harmless descriptors", make_harmless, NULL },
	{ "threads", make_threads, NULL },
	{ "the job's own IPC and UTS", make_job_namespaces, NULL },
	{ "pidfd inside", make_pidfd_inside, NULL },
	{ "io_uring", make_io_uring, "an io_uring instance" },
	{ "io_uring mapping", make_io_uring_mapping, "anon_inode:[io_uring]" },
	{ "userfaultfd", make_userfaultfd, "a userfaultfd" },
	{ "perf_event", make_perf_event, "a performance counter" },
	{ "fanotify", make_fanotify, "a fanotify group" },
	{ "mqueue", make_mqueue, "message queue /unit-inventory" },
	{ "vsock", make_vsock, "a socket of vsock" },
	{ "pidfd outside", make_pidfd_outside, "outside the job" },
	{ "memfd_secret", make_secret, "is secret memory" },
	{ "memfd_secret mapping", make_secret_mapping, "secret memory mapped" },
	{ "device", make_device, "the device /dev/fuse" },
	{ "block device", make_block_device, "the block device /dev/loop0" },
	{ "packet pipe", make_packet_pipe, "packet mode" },
	{ "mount namespace", make_mount_namespace, "a mount namespace" },
	{ "network namespace", make_network_namespace, "a network namespace" },
	{ "pid namespace", make_pid_namespace, "a pid (for its children) namespace" },
	{ "a child's UTS namespace", make_child_uts, "a UTS namespace other than the job's" },
	{ "foreign namespace descriptor", make_namespace_fd, "is uts:[" },
	{ "traced child", make_traced_child, "is being traced by pid" },
	{ "dead leader", make_dead_leader, "main thread has ended" },
	{ "pending TCP", make_pending_tcp, "1 connections wait" },
	{ "the system's SysV memory", make_sysv_of_system, "SysV shared memory" },
};

static void test_verdicts(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		pid_t pid = victim_start(verdicts[i].setup);
		struct inventory *inv = NULL;
		struct vc_err err = { 0 };
		char head[32];
		int r;

		if (pid == 0) {
			print_message("  not to be had here: %s\n", verdicts[i].name);
			continue;
		}
		r = inventory_take(pid, NULL, 0, &inv, &err);
		if (!verdicts[i].refused) {
			if (r < 0 || inv->n_externals > 0)
				fail_msg("%s: %d %s, %zu externals", verdicts[i].name, r, err.text,
					 inv ? inv->n_externals : 0);
			assert_int_equal(inv->pids[0], pid);
			inventory_free(inv);
		} else {
			snprintf(head, sizeof(head), "pid ");
			if (r != -EOPNOTSUPP || err.code != EOPNOTSUPP ||
			    !strstr(err.text, verdicts[i].refused) ||
			    strncmp(err.text, head, strlen(head)) || !strstr(err.text, "; "))
				fail_msg("%s: %d, \"%s\" for \"pid N (…): … %s …; remedy\"",
					 verdicts[i].name, r, err.text, verdicts[i].refused);
		}
		victim_end(pid);
	}
}

/* Takes the inventory of a victim that can be carried, and ends the victim. */
static struct inventory *take(void (*setup)(void), const int *given, size_t n_given)
{
	struct inventory_given list[4];
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };
	pid_t pid;
	int r;

	for (size_t i = 0; i < n_given; i++) {
		struct stat st;

		assert_return_code(fstat(given[i], &st), errno);
		list[i] = (struct inventory_given){ .dev = st.st_dev, .ino = st.st_ino };
	}
	pid = victim_start(setup);
	assert_int_not_equal(pid, 0);
	r = inventory_take(pid, list, n_given, &inv, &err);
	victim_end(pid);
	if (r < 0)
		fail_msg("%s", err.text);
	return inv;
}

static const struct inventory_external *find_external(const struct inventory *inv, const char *key)
{
	for (size_t i = 0; i < inv->n_externals; i++)
		if (!strcmp(inv->externals[i].restore_key, key))
			return &inv->externals[i];
	fail_msg("no external %s among %zu, the first is %s", key, inv->n_externals,
		 inv->n_externals ? inv->externals[0].restore_key : "none");
	return NULL;
}

/* Makes a pair of descriptors that the victim keeps one or both of. */
static void keep(int a, int b)
{
	assert_int_equal(dup3(a, kept_a, O_CLOEXEC), kept_a);
	if (b >= 0)
		assert_int_equal(dup3(b, kept_b, O_CLOEXEC), kept_b);
	else
		close(kept_b);
}

static void forget(void)
{
	close(kept_a);
	close(kept_b);
}

static void check_key(int fd, const char *prefix, char *key, size_t size)
{
	struct stat st;

	assert_return_code(fstat(fd, &st), errno);
	snprintf(key, size, "%s[%lu]", prefix, (unsigned long)st.st_ino);
}

static void test_pipes(void **state)
{
	struct inventory *inv;
	char key[48], byte = 0;
	int fds[2];

	assert_return_code(pipe2(fds, O_CLOEXEC), errno);
	check_key(fds[0], "pipe:", key, sizeof(key));

	keep(fds[1], -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	assert_null(inv->externals[0].dump_key);
	assert_int_equal(write(find_external(inv, key)->fd, "x", 1), 1);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(fcntl(inv->externals[0].fd, F_GETFD), FD_CLOEXEC);
	inventory_free(inv);

	/* With both ends in the tree it is the job's own, unless it was given. */
	keep(fds[0], fds[1]);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	inv = take(make_nothing, fds, 1);
	assert_int_equal(inv->n_externals, 1);
	find_external(inv, key);
	inventory_free(inv);
	forget();
	close(fds[0]);
	close(fds[1]);
}

static void test_sockets(void **state)
{
	struct inventory *inv;
	char key[48], dump[48];
	int fds[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), errno);
	check_key(fds[1], "socket:", key, sizeof(key));
	check_key(fds[1], "unix", dump, sizeof(dump));

	keep(fds[1], -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	assert_string_equal(find_external(inv, key)->dump_key, dump);
	inventory_free(inv);

	/* Given, and its peer inside too: both must be inherited. */
	keep(fds[0], fds[1]);
	inv = take(make_nothing, fds, 0);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	inv = take(make_nothing, &fds[1], 1);
	assert_int_equal(inv->n_externals, 2);
	find_external(inv, key);
	inventory_free(inv);
	forget();
	close(fds[0]);
	close(fds[1]);
}

/* An abstract name of this test's own, or a path in the scratch directory. */
static socklen_t name_socket(struct sockaddr_un *at, bool abstract)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (abstract)
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   (size_t)snprintf(at->sun_path + 1, 100, "%s", scratch));
	snprintf(at->sun_path, sizeof(at->sun_path), "%s/socket", scratch);
	return sizeof(*at);
}

static void take_refused(const int *given, size_t n_given, const char *words)
{
	struct inventory_given list[1];
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };
	struct stat st;
	pid_t pid;
	int r;

	if (n_given) {
		assert_return_code(fstat(*given, &st), errno);
		list[0] = (struct inventory_given){ .dev = st.st_dev, .ino = st.st_ino };
	}
	pid = victim_start(make_nothing);
	r = inventory_take(pid, list, n_given, &inv, &err);
	victim_end(pid);
	if (r != -EOPNOTSUPP || !strstr(err.text, words))
		fail_msg("%d \"%s\" for \"… %s …\"", r, err.text, words);
}

static void test_connections(void **state)
{
	for (int abstract = 0; abstract < 2; abstract++) {
		struct sockaddr_un at;
		socklen_t len = name_socket(&at, abstract);
		int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct inventory *inv;
		char key[48];
		int accepted;

		assert_return_code(bind(server, (struct sockaddr *)&at, len), errno);
		assert_return_code(listen(server, 4), errno);
		assert_return_code(connect(client, (struct sockaddr *)&at, len), errno);

		keep(client, -1);
		take_refused(NULL, 0, "has not accepted it yet");
		keep(server, -1);
		take_refused(NULL, 0, "1 connections wait to be accepted");

		/* Accepted, the client's end can be inherited. */
		accepted = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		keep(client, -1);
		inv = take(make_nothing, NULL, 0);
		check_key(client, "socket:", key, sizeof(key));
		find_external(inv, key);
		inventory_free(inv);

		/* The server's end as well, unless that would cost the server its path. */
		keep(accepted, -1);
		if (!abstract) {
			take_refused(NULL, 0, "socket file a move would remove");
		} else {
			inv = take(make_nothing, NULL, 0);
			check_key(accepted, "socket:", key, sizeof(key));
			find_external(inv, key);
			inventory_free(inv);
		}

		/* A server that moves with its connection keeps its path by itself. */
		keep(accepted, server);
		inv = take(make_nothing, NULL, 0);
		assert_int_equal(inv->n_externals, 1);
		inventory_free(inv);
		forget();
		close(accepted);
		close(client);
		close(server);
		unlink(at.sun_path);
	}
}

static void test_datagrams(void **state)
{
	struct sockaddr_un at;
	socklen_t len = name_socket(&at, true);
	int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct inventory *inv;
	int pair[2];

	assert_return_code(bind(server, (struct sockaddr *)&at, len), errno);
	assert_return_code(connect(client, (struct sockaddr *)&at, len), errno);
	keep(client, -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	assert_true(inv->ext_unix_sk);
	inventory_free(inv);

	assert_return_code(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), errno);
	keep(pair[0], -1);
	take_refused(NULL, 0, "is a datagram socket");
	forget();
	close(pair[0]);
	close(pair[1]);
	close(server);
	close(client);
}

static void test_network(void **state)
{
	struct inventory *inv = take(make_tcp, NULL, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(inv->tcp_established);
	inventory_free(inv);
	keep(fd, -1);
	inv = take(make_nothing, NULL, 0);
	assert_false(inv->tcp_established);
	inventory_free(inv);
	take_refused(&fd, 1, "shared with the outside");
	forget();
	close(fd);
}

static void test_terminals(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	struct inventory *inv;
	struct stat st;
	char key[64];

	assert_return_code(master, errno);
	assert_return_code(grantpt(master), errno);
	assert_return_code(unlockpt(master), errno);
	slave = open(ptsname(master), O_RDONLY | O_NOCTTY | O_CLOEXEC);
	assert_return_code(slave, errno);
	assert_return_code(fstat(slave, &st), errno);
	snprintf(key, sizeof(key), "tty[%lx:%lx]", (unsigned long)st.st_rdev,
		 (unsigned long)st.st_dev);

	keep(slave, -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	assert_string_equal(find_external(inv, key)->dump_key, key);
	/* One for all descriptors of the terminal, so it can do both. */
	assert_int_equal(fcntl(inv->externals[0].fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_false(inv->shell_job);
	inventory_free(inv);

	keep(slave, master);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	forget();
	close(slave);
	close(master);
}

static int open_scratch(int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/file", scratch);
	fd = open(path, flags | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	return fd;
}

static void test_files(void **state)
{
	int fd = open_scratch(O_RDWR), again, append;
	struct inventory *inv;
	char key[64], path[64];

	snprintf(path, sizeof(path), "%s/file", scratch);
	snprintf(key, sizeof(key), "%s", path + 1);
	keep(fd, -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 0);
	assert_int_equal(inv->ghost_bytes, 0);
	assert_false(inv->file_locks);
	inventory_free(inv);

	/* Given: the same open description, so one offset. */
	inv = take(make_nothing, &fd, 1);
	assert_int_equal(inv->n_externals, 1);
	assert_int_equal(lseek(find_external(inv, key)->fd, 17, SEEK_SET), 17);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 17);
	inventory_free(inv);

	again = open_scratch(O_RDONLY);
	keep(fd, again);
	take_refused(&fd, 1, "opened a second time");
	append = open_scratch(O_WRONLY | O_APPEND);
	keep(append, again);
	inv = take(make_nothing, &append, 1);
	assert_int_equal(inv->n_externals, 0);
	inventory_free(inv);
	close(again);
	close(append);

	keep(fd, -1);
	assert_return_code(flock(fd, LOCK_EX), errno);
	assert_return_code(ftruncate(fd, 12345), errno);
	unlink(path);
	inv = take(make_nothing, &fd, 1);
	assert_true(inv->file_locks);
	assert_int_equal(inv->ghost_bytes, 12345);
	assert_false(inv->link_remap);
	find_external(inv, key);
	inventory_free(inv);
	forget();
	close(fd);
}

static void test_other_link(void **state)
{
	char path[64], other[64];
	int fd = open_scratch(O_RDWR);
	struct inventory *inv;

	snprintf(path, sizeof(path), "%s/file", scratch);
	snprintf(other, sizeof(other), "%s/other", scratch);
	assert_return_code(link(path, other), errno);
	unlink(path);
	keep(fd, -1);
	inv = take(make_nothing, NULL, 0);
	assert_true(inv->link_remap);
	assert_int_equal(inv->ghost_bytes, 0);
	inventory_free(inv);
	unlink(other);
	forget();
	close(fd);
}

static void test_fifo(void **state)
{
	char path[64], byte = 0;
	struct inventory *inv;
	int fd, reader;

	snprintf(path, sizeof(path), "%s/fifo", scratch);
	assert_return_code(mkfifo(path, 0600), errno);
	fd = open(path, O_RDWR | O_CLOEXEC);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	keep(reader, -1);
	inv = take(make_nothing, NULL, 0);
	assert_int_equal(inv->n_externals, 1);
	assert_int_equal(write(fd, "y", 1), 1);
	assert_int_equal(read(find_external(inv, path + 1)->fd, &byte, 1), 1);
	assert_int_equal(byte, 'y');
	inventory_free(inv);
	forget();
	close(fd);
	close(reader);
	unlink(path);
}

static void make_memory(void)
{
	char *private =
		mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared =
		mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(private, 1, 4 * MIB);
	memset(shared, 1, 8 * MIB);
	/* Shared memory counts once, however many share it. */
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			victim_wait();
}

static void test_memory(void **state)
{
	struct inventory *inv = take(make_nothing, NULL, 0);
	uint64_t before = inv->mem_bytes;
	int memfd = memfd_create("shared", MFD_CLOEXEC);

	inventory_free(inv);
	inv = take(make_memory, NULL, 0);
	assert_int_equal(inv->n_pids, 3);
	/* The private part three times, as fork has it in each; the shared part once. */
	assert_in_range(inv->mem_bytes, 3 * 4 * MIB + 8 * MIB, 3 * (4 * MIB + before) + 9 * MIB);
	inventory_free(inv);

	keep(memfd, -1);
	take_refused(NULL, 0, "shares a memfd with pid");
	forget();
	close(memfd);
}

static void make_tree(void)
{
	pid_t zombie;
	siginfo_t info;

	make_threads();
	if (fork() == 0) {
		if (fork() == 0)
			victim_wait();
		victim_wait();
	}
	zombie = fork();
	if (zombie == 0)
		_exit(0);
	NEED(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT) == 0);
}

static void test_tree(void **state)
{
	struct inventory *inv = take(make_tree, NULL, 0);

	/* Root, child, grandchild, zombie; threads: 4 + 1 + 1, and none of the zombie. */
	assert_int_equal(inv->n_pids, 4);
	assert_int_equal(inv->n_tasks, 6);
	inventory_free(inv);
}

static void make_fork_bomb(void)
{
	close(READY);
	for (;;)
		if (fork() == 0) {
			clock_sleep_usec(300);
			_exit(0);
		} else {
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		}
}

static void test_moving_tree(void **state)
{
	pid_t pid = victim_start(make_fork_bomb), *pids = NULL;
	uint64_t since = clock_mono_usec();
	size_t n = 0;

	for (int i = 0; i < 20; i++) {
		struct inventory *inv = NULL;
		struct vc_err err = { 0 };
		int r = inventory_take(pid, NULL, 0, &inv, &err);

		if (r < 0)
			fail_msg("%s", err.text);
		inventory_free(inv);
		assert_return_code(inventory_pids(pid, &pids, &n, &err), err.code);
		assert_int_equal(pids[0], pid);
		free(pids);
	}
	assert_in_range(clock_mono_usec() - since, 0, 10 * 1000 * 1000);
	victim_end(pid);
}

static void test_gone(void **state)
{
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };
	pid_t pid = victim_start(make_nothing);

	victim_end(pid);
	assert_int_equal(inventory_take(pid, NULL, 0, &inv, &err), -ESRCH);
	assert_int_equal(err.code, ESRCH);
	assert_int_equal(inventory_take(0, NULL, 0, &inv, &err), -ESRCH);

	/* An unreaped root has ended, too. */
	pid = victim_start(make_nothing);
	kill(pid, SIGKILL);
	assert_return_code(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), errno);
	assert_int_equal(inventory_take(pid, NULL, 0, &inv, &err), -ESRCH);
	victim_end(pid);
}

static void write_proc(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	len = read(fd, text, size - 1);
	text[len > 0 ? len : 0] = '\0';
	close(fd);
}

static void test_put_back(void **state)
{
	pid_t pid = victim_start(make_nothing);
	const int want_ioprio = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6);
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };
	char text[64], list[64] = "";
	cpu_set_t all, one, got;
	int last = -1;

	assert_return_code(sched_getaffinity(pid, sizeof(all), &all), errno);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		last = cpu;
		if (strlen(list) < 50)
			snprintf(list + strlen(list), 12, "%s%d", *list ? "," : "", cpu);
	}
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	assert_return_code(sched_setaffinity(pid, sizeof(one), &one), errno);
	assert_return_code(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, want_ioprio), errno);
	write_proc(pid, "timerslack_ns", "123456");
	write_proc(pid, "coredump_filter", "0x21");
	if (inventory_take(pid, NULL, 0, &inv, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(inv->n_tasks, 1);
	assert_int_equal(inv->tasks[0].ioprio, want_ioprio);
	assert_int_equal(inv->tasks[0].timerslack_nsec, 123456);
	assert_int_equal(inv->tasks[0].coredump_filter, 0x21);
	assert_int_equal(inv->tasks[0].n_cpus_allowed, 1);

	assert_return_code(sched_setaffinity(pid, sizeof(all), &all), errno);
	assert_return_code(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, 0), errno);
	write_proc(pid, "timerslack_ns", "50000");
	write_proc(pid, "coredump_filter", "0x33");
	if (inventory_put_back(inv, list, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid), want_ioprio);
	read_proc(pid, "timerslack_ns", text, sizeof(text));
	assert_string_equal(text, "123456\n");
	read_proc(pid, "coredump_filter", text, sizeof(text));
	assert_string_equal(text, "00000021\n");
	assert_return_code(sched_getaffinity(pid, sizeof(got), &got), errno);
	if (inv->tasks[0].cpu_index)
		assert_memory_equal(&got, &one, sizeof(got));
	else
		assert_int_equal(CPU_COUNT(&all), 1);

	/* A smaller cpuset: what does not fit starts over at its first CPU. */
	snprintf(text, sizeof(text), "%d", (int)strtol(list, NULL, 10));
	if (inventory_put_back(inv, text, &err) < 0)
		fail_msg("%s", err.text);
	assert_return_code(sched_getaffinity(pid, sizeof(got), &got), errno);
	assert_int_equal(CPU_COUNT(&got), 1);
	assert_true(CPU_ISSET(strtol(list, NULL, 10), &got));

	assert_int_equal(inventory_put_back(inv, "3-1", &err), -EINVAL);
	victim_end(pid);
	assert_int_equal(inventory_put_back(inv, list, &err), -ESRCH);
	assert_non_null(strstr(err.text, "is lost"));
	inventory_free(inv);
}

static int setup(void **state)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return mkdtemp(scratch) ? 0 : -1;
}

static int teardown(void **state)
{
	victim_end(current);
	return file_remove_tree(AT_FDCWD, scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),    cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_sockets),     cmocka_unit_test(test_connections),
		cmocka_unit_test(test_datagrams),   cmocka_unit_test(test_network),
		cmocka_unit_test(test_terminals),   cmocka_unit_test(test_files),
		cmocka_unit_test(test_other_link),  cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_memory),      cmocka_unit_test(test_tree),
		cmocka_unit_test(test_moving_tree), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_put_back),
	};

	if (geteuid() != 0) {
		puts("skipped: looking into other processes needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
