// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-inventory.c - libmig/inventory: what is refused, the tree, its threads
 *
 * Each row makes a real victim that has one thing. What the kernel here lacks is
 * skipped, by name.
 */
#include "libmig/inventory/inventory.h"

#include <linux/ioprio.h>
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

#define MIB (1u << 20)

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
	return thread_pause(arg);
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
	{ "threads", make_threads, NULL },
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
	pid_t pid = victim_start(make_tree);
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };

	if (inventory_take(pid, &inv, &err) < 0)
		fail_msg("%s", err.text);
	/* Root, child, grandchild, zombie; threads: 4 + 1 + 1, and none of the zombie. */
	assert_int_equal(inv->n_pids, 4);
	assert_int_equal(inv->pids[0], pid);
	assert_int_equal(inv->n_tasks, 6);
	assert_false(inv->shell_job);
	inventory_free(inv);
	victim_end(pid);
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

static struct inventory *take(void (*setup)(void))
{
	pid_t pid = victim_start(setup);
	struct inventory *inv = NULL;
	struct vc_err err = { 0 };

	if (inventory_take(pid, &inv, &err) < 0)
		fail_msg("%s", err.text);
	victim_end(pid);
	return inv;
}

static void test_memory(void **state)
{
	struct inventory *inv = take(make_nothing);
	uint64_t before = inv->mem_bytes;

	inventory_free(inv);
	inv = take(make_memory);
	assert_int_equal(inv->n_pids, 3);
	/* The private part three times, as fork has it in each; the shared part once. */
	assert_in_range(inv->mem_bytes, 3 * 4 * MIB + 8 * MIB, 3 * (4 * MIB + before) + 9 * MIB);
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
		int r = inventory_take(pid, &inv, &err);

		if (r < 0)
			fail_msg("%s", err.text);
		inventory_free(inv);
		assert_return_code(inventory_tree_pids(pid, &pids, &n, &err), err.code);
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
	assert_int_equal(inventory_take(pid, &inv, &err), -ESRCH);
	assert_int_equal(err.code, ESRCH);
	assert_int_equal(inventory_take(0, &inv, &err), -ESRCH);

	/* An unreaped root has ended, too. */
	pid = victim_start(make_nothing);
	kill(pid, SIGKILL);
	assert_return_code(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), errno);
	assert_int_equal(inventory_take(pid, &inv, &err), -ESRCH);
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
	if (inventory_take(pid, &inv, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(inv->n_tasks, 1);
	assert_int_equal(inv->tasks[0].ioprio, want_ioprio);
	assert_int_equal(inv->tasks[0].timerslack_nsec, 123456);
	assert_int_equal(inv->tasks[0].coredump_filter, 0x21);
	assert_int_equal(inv->tasks[0].affinity.n, 1);

	assert_return_code(sched_setaffinity(pid, sizeof(all), &all), errno);
	assert_return_code(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, 0), errno);
	write_proc(pid, "timerslack_ns", "50000");
	write_proc(pid, "coredump_filter", "0x33");
	if (inventory_task_put_back(inv, list, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid), want_ioprio);
	read_proc(pid, "timerslack_ns", text, sizeof(text));
	assert_string_equal(text, "123456\n");
	read_proc(pid, "coredump_filter", text, sizeof(text));
	assert_string_equal(text, "00000021\n");
	assert_return_code(sched_getaffinity(pid, sizeof(got), &got), errno);
	if (inv->tasks[0].affinity.position)
		assert_memory_equal(&got, &one, sizeof(got));
	else
		assert_int_equal(CPU_COUNT(&all), 1);

	/* A smaller cpuset: what does not fit starts over at its first CPU. */
	snprintf(text, sizeof(text), "%d", (int)strtol(list, NULL, 10));
	if (inventory_task_put_back(inv, text, &err) < 0)
		fail_msg("%s", err.text);
	assert_return_code(sched_getaffinity(pid, sizeof(got), &got), errno);
	assert_int_equal(CPU_COUNT(&got), 1);
	assert_true(CPU_ISSET(strtol(list, NULL, 10), &got));

	assert_int_equal(inventory_task_put_back(inv, "3-1", &err), -EINVAL);
	victim_end(pid);
	assert_int_equal(inventory_task_put_back(inv, list, &err), -ESRCH);
	assert_non_null(strstr(err.text, "could not be restored"));
	inventory_free(inv);
}

static int setup(void **state)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int teardown(void **state)
{
	victim_end(victim_current);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_tree),
		cmocka_unit_test(test_memory),   cmocka_unit_test(test_moving_tree),
		cmocka_unit_test(test_gone),     cmocka_unit_test(test_put_back),
	};

	if (geteuid() != 0) {
		puts("skipped: looking into other processes needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
