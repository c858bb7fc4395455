// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-inventory-refuse.c - libmig/inventory: what is refused, and what is not
 *
 * Each row makes a real process that has one thing. A row that this kernel lacks is skipped, by
 * name.
 */
#include "libmig/inventory/inventory.h"

#include <linux/perf_event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "tests/victim.h"

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
	NEED(open("/dev/cpu_dma_latency", O_RDONLY) >= 0);
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
	NEED(unshare(CLONE_NEWIPC | CLONE_NEWUTS) == 0 && open("/proc/self/ns/ipc", O_RDONLY) >= 0);
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

/* Ready only when the leader is dead, so it is another thread that says so. */
static void *thread_watch_leader(void *arg)
{
	char text[256];

	for (;;) {
		int fd = open("/proc/self/stat", O_RDONLY);
		ssize_t len = read(fd, text, sizeof(text) - 1);

		close(fd);
		text[len > 0 ? len : 0] = '\0';
		if (strstr(text, ") Z "))
			break;
		clock_sleep_usec(1000);
	}
	close(READY);
	return victim_pause(arg);
}

static void make_dead_leader(void)
{
	pthread_t thread;

	NEED(pthread_create(&thread, NULL, thread_watch_leader, NULL) == 0);
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

static void make_namespace_fd(void)
{
	NEED(open("/proc/self/ns/uts", O_RDONLY) >= 0 && unshare(CLONE_NEWUTS) == 0);
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
	     socket(AF_INET, SOCK_DGRAM, 0) >= 0 && memfd_create("own", 0) >= 0 &&
	     open("/proc/self/ns/net", O_RDONLY) >= 0);
}

/* A file whose path is longer than what readlink(2) tells. All of it is removed again. */
static int open_deep(void)
{
	enum { DEPTH = 20 };
	char top[] = "/tmp/vcrun-test.XXXXXX", name[251];
	int dirs[DEPTH + 1], fd;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	NEED(mkdtemp(top) && (dirs[0] = open(top, O_PATH | O_DIRECTORY)) >= 0);
	for (int i = 0; i < DEPTH; i++)
		NEED(mkdirat(dirs[i], name, 0700) == 0 &&
		     (dirs[i + 1] = openat(dirs[i], name, O_PATH | O_DIRECTORY)) >= 0);
	NEED((fd = openat(dirs[DEPTH], "file", O_RDWR | O_CREAT, 0600)) >= 0);
	unlinkat(dirs[DEPTH], "file", 0);
	for (int i = DEPTH; i > 0; i--) {
		close(dirs[i]);
		unlinkat(dirs[i - 1], name, AT_REMOVEDIR);
	}
	close(dirs[0]);
	rmdir(top);
	return fd;
}

static void make_deep(void)
{
	open_deep();
}

static void make_deep_mapping(void)
{
	int fd = open_deep();

	NEED(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	close(fd);
}

/* NULL: such a victim can be carried; else words of the refusal. */
static const struct {
	const char *name;
	void (*setup)(void);
	const char *refused;
} verdicts[] = {
	{ "nothing", make_nothing, NULL },
	{ "harmless descriptors", make_harmless, NULL },
	{ "threads", victim_add_threads, NULL },
	{ "the job's own IPC and UTS", make_job_namespaces, NULL },
	{ "pidfd inside", make_pidfd_inside, NULL },
	{ "io_uring", make_io_uring, "an io_uring instance" },
	{ "io_uring mapping", make_io_uring_mapping, "anon_inode:[io_uring]" },
	{ "userfaultfd", make_userfaultfd, "a userfaultfd" },
	{ "perf_event", make_perf_event, "a performance counter" },
	{ "fanotify", make_fanotify, NULL },
	{ "mqueue", make_mqueue, NULL },
	{ "vsock", make_vsock, NULL },
	{ "pidfd outside", make_pidfd_outside, "outside the job" },
	{ "memfd_secret", make_secret, "is secret memory" },
	{ "memfd_secret mapping", make_secret_mapping, "secret memory mapped" },
	{ "device", make_device, "a device (/dev/cpu_dma_latency)" },
	{ "block device", make_block_device, "a block device (/dev/loop0)" },
	{ "packet pipe", make_packet_pipe, NULL },
	{ "mount namespace", make_mount_namespace, "a mount namespace" },
	{ "network namespace", make_network_namespace, "a network namespace" },
	{ "pid namespace", make_pid_namespace, "a pid namespace" },
	{ "a child's UTS namespace", make_child_uts, "a UTS namespace other than the job's" },
	{ "foreign namespace descriptor", make_namespace_fd, "is uts:[" },
	{ "traced child", make_traced_child, "is traced by pid" },
	{ "dead leader", make_dead_leader, "main thread has ended" },
	{ "pending TCP", make_pending_tcp, NULL },
	{ "deep path", make_deep, "has more than 4095 bytes" },
	{ "deep path mapped", make_deep_mapping, "has more than 4000 bytes" },
	{ "the system's SysV memory", make_sysv_of_system, "System V segment" },
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
		r = inventory_take(pid, &inv, &err);
		if (!verdicts[i].refused) {
			if (r < 0)
				fail_msg("%s: %d %s", verdicts[i].name, r, err.text);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
	};

	if (geteuid() != 0) {
		puts("skipped: looking into other processes needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, victim_group_setup, victim_group_teardown);
}
