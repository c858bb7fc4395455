// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc.c - the cost of communication between two partitions: libvcipc and the kernel's means
 *
 * Two processes are pinned to the first and the last CPU, which belong to one partition each. Round
 * trips: one posts, the other waits and posts back. Messages: one sends without a pause, the other
 * receives. Each round measures each way, in random order, with a peer that is forked for it.
 *
 * The raw futex is the floor of everything that sleeps: two words and two system calls. Only
 * libvcipc polls before it sleeps.
 */
#include "bench/ipc.h"

#include <errno.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/columns.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "ipcmap/vcipc.h"

#define IPC_ROUNDS 30
#define IPC_QUICK_ROUNDS 8
#define IPC_WARMUP 1
#define IPC_TRIPS 1000     /* round trips a round */
#define IPC_BATCHES 100    /* of messages a round */
#define IPC_BATCH 200      /* messages */
#define IPC_MQUEUE_LONG 10 /* messages that a queue of the kernel's may have by default */
#define IPC_QUEUE_LONG 64

/* Shared by both processes; [0] is the way there, [1] the way back. */
static struct {
	uint32_t *words; /* raw futex */
	int fds[2][2];   /* eventfd, pipe, socket: [direction][0 to read, 1 to write] */
	mqd_t mqueues[2];
	vcipc_event *events[2];
	vcipc_mq *queue;
	size_t bytes; /* of a message */
} ipc = { .fds = { { -1, -1 }, { -1, -1 } } };

static void ipc_must(bool well, const char *what)
{
	if (!well)
		fatal("%s: %s", what, strerror(errno));
}

static void ipc_pin(bool last)
{
	cpu_set_t set;
	int cpu = last ? (int)sysconf(_SC_NPROCESSORS_ONLN) - 1 : 0;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ipc_must(sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
}

/* --- the ways: what is sent and received, and in which direction ------------------------------ */

static int ipc_open_words(void)
{
	ipc.words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return ipc.words == MAP_FAILED ? -errno : 0;
}

static void ipc_close_words(void)
{
	munmap(ipc.words, 4096);
}

static uint32_t *ipc_word(int direction)
{
	return ipc.words + (size_t)direction * 64;
}

static void ipc_put_word(int direction)
{
	__atomic_store_n(ipc_word(direction), 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, ipc_word(direction), FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void ipc_get_word(int direction)
{
	while (!__atomic_exchange_n(ipc_word(direction), 0, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, ipc_word(direction), FUTEX_WAIT, 0, NULL, NULL, 0);
}

static int ipc_open_eventfds(void)
{
	for (int i = 0; i < 2; i++) {
		ipc.fds[i][0] = eventfd(0, EFD_CLOEXEC);
		ipc.fds[i][1] = dup(ipc.fds[i][0]);
	}
	return ipc.fds[1][1] < 0 ? -errno : 0;
}

static int ipc_open_pipes(void)
{
	return pipe(ipc.fds[0]) < 0 || pipe(ipc.fds[1]) < 0 ? -errno : 0;
}

static int ipc_open_sockets(void)
{
	for (int i = 0; i < 2; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ipc.fds[i]) < 0)
			return -errno;
	return 0;
}

static void ipc_close_fds(void)
{
	for (int i = 0; i < 4; i++) {
		close(ipc.fds[i / 2][i % 2]);
		ipc.fds[i / 2][i % 2] = -1;
	}
}

static void ipc_put_fd(int direction)
{
	static const uint64_t one = 1;

	ipc_must(write(ipc.fds[direction][1], &one, sizeof(one)) == sizeof(one), "write");
}

static void ipc_get_fd(int direction)
{
	uint64_t got;

	ipc_must(read(ipc.fds[direction][0], &got, sizeof(got)) == sizeof(got), "read");
}

static int ipc_open_mqueues(void)
{
	struct mq_attr attr = { .mq_maxmsg = IPC_MQUEUE_LONG, .mq_msgsize = (long)ipc.bytes };
	char name[64];

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "/vcbench-%d-%d", (int)getpid(), i);
		ipc.mqueues[i] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
		if (ipc.mqueues[i] == (mqd_t)-1)
			return -errno;
		mq_unlink(name);
	}
	return 0;
}

static void ipc_close_mqueues(void)
{
	mq_close(ipc.mqueues[0]);
	mq_close(ipc.mqueues[1]);
}

static char ipc_message[65536];

static void ipc_put_mqueue(int direction)
{
	ipc_must(mq_send(ipc.mqueues[direction], ipc_message, ipc.bytes, 0) == 0, "mq_send");
}

static void ipc_get_mqueue(int direction)
{
	ipc_must(mq_receive(ipc.mqueues[direction], ipc_message, sizeof(ipc_message), NULL) >= 0,
		 "mq_receive");
}

static void ipc_put_packet(int direction)
{
	ipc_must(send(ipc.fds[direction][1], ipc_message, ipc.bytes, 0) > 0, "send");
}

static void ipc_get_packet(int direction)
{
	ipc_must(recv(ipc.fds[direction][0], ipc_message, sizeof(ipc_message), 0) > 0, "recv");
}

static int ipc_open_events(void)
{
	ipc.events[0] = vcipc_event_open("vcbench there", VCIPC_CREATE, 0600);
	ipc.events[1] = vcipc_event_open("vcbench back", VCIPC_CREATE, 0600);
	return ipc.events[0] && ipc.events[1] ? 0 : -errno;
}

static void ipc_close_events(void)
{
	vcipc_event_close(ipc.events[0]);
	vcipc_event_close(ipc.events[1]);
}

static void ipc_put_event(int direction)
{
	ipc_must(vcipc_event_post(ipc.events[direction]) == 0, "vcipc_event_post");
}

static void ipc_get_event(int direction)
{
	ipc_must(vcipc_event_wait(ipc.events[direction]) == 0, "vcipc_event_wait");
}

static int ipc_open_queue(void)
{
	struct vcipc_mq_attr attr = { .maxmsg = IPC_QUEUE_LONG, .msgsize = (uint32_t)ipc.bytes };

	ipc.queue = vcipc_mq_open("vcbench queue", VCIPC_CREATE, 0600, &attr);
	return ipc.queue ? 0 : -errno;
}

static void ipc_close_queue(void)
{
	vcipc_mq_close(ipc.queue);
}

static void ipc_put_queue(int direction)
{
	ipc_must(vcipc_mq_send(ipc.queue, ipc_message, ipc.bytes, 0) == 0, "vcipc_mq_send");
}

static void ipc_get_queue(int direction)
{
	ipc_must(vcipc_mq_receive(ipc.queue, ipc_message, sizeof(ipc_message), NULL) >= 0,
		 "vcipc_mq_receive");
}

/* --- rounds ---------------------------------------------------------------------------------- */

static void ipc_answer(const struct ipc_way *way)
{
	for (int i = 0; i < IPC_TRIPS; i++) {
		way->get(0);
		way->put(1);
	}
}

static void ipc_receive(const struct ipc_way *way)
{
	for (int i = 0; i < IPC_BATCHES * IPC_BATCH; i++)
		way->get(0);
}

static pid_t ipc_fork(const struct ipc_way *way, void (*run)(const struct ipc_way *way))
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent) {
			ipc_pin(true);
			run(way);
		}
		_exit(0);
	}
	ipc_must(pid > 0, "fork");
	return pid;
}

static void ipc_join(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void ipc_measure_trips(struct ipc_way *way, bool counts)
{
	pid_t peer = ipc_fork(way, ipc_answer);

	for (int i = 0; i < IPC_TRIPS; i++) {
		uint64_t begun = ipc_nsec();

		way->put(0);
		way->get(1);
		/* The first trips wait until the peer runs. */
		if (counts && i >= IPC_TRIPS / 10)
			samples_add(&way->cost, (double)(ipc_nsec() - begun) / 1e3);
	}
	ipc_join(peer);
}

static void ipc_measure_messages(struct ipc_way *way, bool counts)
{
	pid_t peer = ipc_fork(way, ipc_receive);

	for (int i = 0; i < IPC_BATCHES; i++) {
		uint64_t begun = ipc_nsec();

		for (int k = 0; k < IPC_BATCH; k++)
			way->put(0);
		if (counts && i >= IPC_BATCHES / 10)
			samples_add(&way->cost, (double)(ipc_nsec() - begun) / IPC_BATCH);
	}
	ipc_join(peer);
}

void ipc_rounds(struct bench *bench, const char *what, struct ipc_way *ways, size_t n,
		void (*measure)(struct ipc_way *way, bool counts))
{
	size_t rounds =
		bench->rounds ? bench->rounds : (bench->quick ? IPC_QUICK_ROUNDS : IPC_ROUNDS);
	size_t order[16];

	for (size_t round = 0; round < rounds + IPC_WARMUP && !bench_stop; round++) {
		bench_shuffle(order, n);
		bench_progress("ipc: %s: round %zu of %zu", what, round, rounds + IPC_WARMUP);
		for (size_t i = 0; i < n && !bench_stop; i++) {
			struct ipc_way *way = &ways[order[i]];
			int r = way->reason[0] ? 0 : way->open ? way->open() : 0;

			if (r < 0)
				snprintf(way->reason, sizeof(way->reason), "%s", strerror(-r));
			if (way->reason[0])
				continue;
			measure(way, round >= IPC_WARMUP);
			if (way->close)
				way->close();
		}
	}
	bench_progress("%s", "");
}

void ipc_report(struct bench *bench, const char *key, const char *title, const char *unit,
		struct ipc_way *ways, size_t n)
{
	struct columns *table = columns_new("WAY|>N|>MEDIAN|>P99|>MIN|>RATIO");
	json_t *list = json_array();
	double first = samples_quantile(&ways[0].cost, 0.5);

	printf("\n%s, %s:\n", title, unit);
	for (size_t i = 0; i < n; i++) {
		struct samples *cost = &ways[i].cost;
		json_t *object = samples_json(cost);

		json_object_set_new(object, "way", json_string(ways[i].name));
		json_object_set_new(object, "unit", json_string(unit));
		if (cost->n > 0)
			json_object_set_new(object, "p99", json_real(samples_quantile(cost, 0.99)));
		if (ways[i].reason[0])
			json_object_set_new(object, "unavailable", json_string(ways[i].reason));
		json_array_append_new(list, object);
		if (cost->n == 0)
			continue;
		columns_add(table, "%s", ways[i].name);
		columns_add(table, "%zu", cost->n);
		columns_add(table, "%.4g", samples_quantile(cost, 0.5));
		columns_add(table, "%.4g", samples_quantile(cost, 0.99));
		columns_add(table, "%.4g", samples_quantile(cost, 0));
		columns_add(table, "%.2f", samples_quantile(cost, 0.5) / first);
	}
	columns_print(table, stdout);
	columns_free(table);
	for (size_t i = 0; i < n; i++) {
		if (ways[i].reason[0])
			printf("%s: not available here: %s\n", ways[i].name, ways[i].reason);
		samples_done(&ways[i].cost);
	}
	json_object_set_new(bench->ipc, key, list);
}

#define WAY(its_name, how_opened, how_closed, how_put, how_got)                                    \
	{                                                                                          \
		.name = (its_name), .open = (how_opened), .close = (how_closed), .put = (how_put), \
		.get = (how_got)                                                                   \
	}

static void ipc_bench_trips(struct bench *bench)
{
	struct ipc_way ways[] = {
		WAY("vcipc event", ipc_open_events, ipc_close_events, ipc_put_event, ipc_get_event),
		WAY("futex", ipc_open_words, ipc_close_words, ipc_put_word, ipc_get_word),
		WAY("eventfd", ipc_open_eventfds, ipc_close_fds, ipc_put_fd, ipc_get_fd),
		WAY("pipe", ipc_open_pipes, ipc_close_fds, ipc_put_fd, ipc_get_fd),
		WAY("Unix socket", ipc_open_sockets, ipc_close_fds, ipc_put_fd, ipc_get_fd),
		WAY("POSIX mqueue", ipc_open_mqueues, ipc_close_mqueues, ipc_put_mqueue,
		    ipc_get_mqueue),
	};

	ipc.bytes = sizeof(uint64_t);
	ipc_rounds(bench, "round trips", ways, ARRAY_SIZE(ways), ipc_measure_trips);
	ipc_report(bench, "round_trip", "Round trip between two partitions", "microseconds", ways,
		   ARRAY_SIZE(ways));
}

static void ipc_bench_messages(struct bench *bench, size_t bytes)
{
	struct ipc_way ways[] = {
		WAY("vcipc mq", ipc_open_queue, ipc_close_queue, ipc_put_queue, ipc_get_queue),
		WAY("POSIX mqueue", ipc_open_mqueues, ipc_close_mqueues, ipc_put_mqueue,
		    ipc_get_mqueue),
		WAY("Unix socket", ipc_open_sockets, ipc_close_fds, ipc_put_packet, ipc_get_packet),
	};
	char title[64], key[32];

	ipc.bytes = bytes;
	snprintf(title, sizeof(title), "Messages of %zu bytes between two partitions", bytes);
	snprintf(key, sizeof(key), "message_%zu", bytes);
	ipc_rounds(bench, "messages", ways, ARRAY_SIZE(ways), ipc_measure_messages);
	ipc_report(bench, key, title, "nanoseconds each", ways, ARRAY_SIZE(ways));
}

int bench_ipc(struct bench *bench, struct vc_err *err)
{
	cpu_set_t before;
	int r = 0;

	sched_getaffinity(0, sizeof(before), &before);
	bench->ipc = json_object();
	json_object_set_new(bench->report, "ipc", bench->ipc);
	ipc_pin(false);
	ipc_bench_trips(bench);
	ipc_bench_messages(bench, 64);
	ipc_bench_messages(bench, 4096);
	ipc_bench_semaphore(bench);
	sched_setaffinity(0, sizeof(before), &before);
	if (!bench_stop)
		r = ipc_bench_calls(bench, err);
	if (r == 0 && !bench_stop) {
		ipc_pin(false);
		r = ipc_bench_open(bench, err);
		sched_setaffinity(0, sizeof(before), &before);
	}
	return r;
}
