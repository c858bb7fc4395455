// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipc-mq - message queues: the order against a model, blocking, threads, the descriptor
 */
#include "tests/ipc-test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"

#define THREADS 3
#define EACH 20000

static vcipc_mq *new_mq(uint32_t maxmsg, uint32_t msgsize)
{
	struct vcipc_mq_attr attr = { .maxmsg = maxmsg, .msgsize = msgsize };
	vcipc_mq *mq = vcipc_mq_open(ipc_test_name(), VCIPC_CREATE, 0600, &attr);

	assert_non_null(mq);
	return mq;
}

static void check_attr(vcipc_mq *mq, uint32_t maxmsg, uint32_t msgsize, uint32_t curmsgs)
{
	struct vcipc_mq_attr attr = { 0 };

	check_errno(vcipc_mq_getattr(mq, &attr), 0);
	check("maxmsg", attr.maxmsg, maxmsg);
	check("msgsize", attr.msgsize, msgsize);
	check("curmsgs", attr.curmsgs, curmsgs);
}

static void test_alone(void **state)
{
	vcipc_mq *mq = new_mq(3, 10);
	struct timespec deadline;
	unsigned int prio = 99;
	char buf[10];

	check_attr(mq, 3, 10, 0);
	check_errno(vcipc_mq_tryreceive(mq, buf, 10, NULL), EAGAIN);
	check_errno(vcipc_mq_receive(mq, buf, 9, NULL), EMSGSIZE);
	check_errno(vcipc_mq_send(mq, "12345678901", 11, 0), EMSGSIZE);
	check_errno(vcipc_mq_send(mq, "", 0, VCIPC_PRIO_MAX + 1), EINVAL);
	check_errno(vcipc_mq_timedreceive(mq, buf, 10, NULL, vcipc_deadline(&deadline, 1000)),
		    ETIMEDOUT);
	check_errno(vcipc_mq_send(mq, "low", 3, 0), 0);
	check_errno(vcipc_mq_send(mq, "", 0, VCIPC_PRIO_MAX), 0);
	check_errno(vcipc_mq_timedsend(mq, "1234567890", 10, 0, NULL), 0);
	check_attr(mq, 3, 10, 3);
	check_errno(vcipc_mq_trysend(mq, "x", 1, 0), EAGAIN);
	check_errno(vcipc_mq_timedsend(mq, "x", 1, 0, vcipc_deadline(&deadline, 1000)), ETIMEDOUT);
	deadline.tv_nsec = -1;
	check_errno(vcipc_mq_timedsend(mq, "x", 1, 0, &deadline), EINVAL);
	check("size", vcipc_mq_receive(mq, buf, 10, &prio), 0);
	check("prio", prio, VCIPC_PRIO_MAX);
	check("size", vcipc_mq_timedreceive(mq, buf, 10, &prio, &deadline), 3);
	check("prio", prio, 0);
	assert_memory_equal(buf, "low", 3);
	check("size", vcipc_mq_tryreceive(mq, buf, 10, NULL), 10);
	assert_memory_equal(buf, "1234567890", 10);
	check_errno(vcipc_mq_timedreceive(mq, buf, 10, NULL, &deadline), EINVAL);
	check_attr(mq, 3, 10, 0);
	check_errno(vcipc_mq_close(mq), 0);
}

/* --- the order, against a list that is searched ---------------------------------------------- */

struct model {
	struct {
		unsigned int prio, number, size;
	} at[64];
	unsigned int n, sent;
};

static unsigned int model_first(const struct model *model)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < model->n; i++)
		if (model->at[i].prio > model->at[best].prio)
			best = i;
	return best;
}

static void model_send(struct model *model, vcipc_mq *mq, unsigned int prio, unsigned int size)
{
	unsigned char msg[100];

	memset(msg, (int)(model->sent & 255), sizeof(msg));
	memcpy(msg, &model->sent, sizeof(model->sent));
	check_errno(vcipc_mq_trysend(mq, msg, size, prio), 0);
	model->at[model->n].prio = prio;
	model->at[model->n].number = model->sent++;
	model->at[model->n++].size = size;
}

static void model_receive(struct model *model, vcipc_mq *mq)
{
	unsigned int first = model_first(model), number, prio = 1 << 20;
	unsigned char msg[100] = { 0 };
	ssize_t size = vcipc_mq_tryreceive(mq, msg, sizeof(msg), &prio);

	memcpy(&number, msg, sizeof(number));
	check("size", size, model->at[first].size);
	check("number", number, model->at[first].number);
	check("prio", prio, model->at[first].prio);
	for (ssize_t i = sizeof(number); i < size; i++)
		check("byte", msg[i], number & 255);
	memmove(&model->at[first], &model->at[first + 1],
		(--model->n - first) * sizeof(model->at[0]));
}

/* Any mix of sends and receives, of few priorities and many, in queues of any length. */
static void test_order(void **state)
{
	srand(7);
	for (unsigned int run = 0; run < 300; run++) {
		unsigned int maxmsg = 1 + (unsigned int)rand() % 40, prios = 1u << (run % 16);
		struct model model = { .n = 0 };
		vcipc_mq *mq = new_mq(maxmsg, 100);

		for (int step = 0; step < 1000; step++) {
			int bias = step / 100 % 2 ? 60 : 40;

			if (rand() % 100 < bias && model.n < maxmsg)
				model_send(&model, mq, (unsigned int)rand() % prios,
					   4 + (unsigned int)rand() % 97);
			else if (model.n > 0)
				model_receive(&model, mq);
			check_attr(mq, maxmsg, 100, model.n);
		}
		while (model.n > 0)
			model_receive(&model, mq);
		vcipc_mq_close(mq);
	}
}

/* --- blocking -------------------------------------------------------------------------------- */

static int receive_in_child(void *arg)
{
	unsigned char msg[8];

	return vcipc_mq_receive(arg, msg, sizeof(msg), NULL) == 1 ? msg[0] : 255;
}

static int send_in_child(void *arg)
{
	return vcipc_mq_send(arg, "s", 1, 0) < 0 ? errno : 0;
}

static void test_blocking(void **state)
{
	vcipc_mq *mq = new_mq(1, 8);
	pid_t a = ipc_test_child(receive_in_child, mq), b = ipc_test_child(receive_in_child, mq);
	uint64_t begun;
	char msg[8];

	check("a sleeps", ipc_test_sleeps(a), 1);
	check("b sleeps", ipc_test_sleeps(b), 1);
	begun = clock_mono_usec();
	vcipc_mq_send(mq, "\x07", 1, 0);
	vcipc_mq_send(mq, "\x07", 1, 0);
	check("a", ipc_test_wait(a), 7);
	check("b", ipc_test_wait(b), 7);
	check("not by the next look", clock_mono_usec() - begun < 900000, 1);
	vcipc_mq_send(mq, "x", 1, 0);
	a = ipc_test_child(send_in_child, mq);
	b = ipc_test_child(send_in_child, mq);
	check("a sleeps", ipc_test_sleeps(a), 1);
	check("b sleeps", ipc_test_sleeps(b), 1);
	begun = clock_mono_usec();
	for (int i = 0; i < 3; i++)
		check("received", vcipc_mq_receive(mq, msg, 8, NULL), 1);
	check("a", ipc_test_wait(a), 0);
	check("b", ipc_test_wait(b), 0);
	check("not by the next look", clock_mono_usec() - begun < 900000, 1);
	check_errno(vcipc_mq_tryreceive(mq, msg, 8, NULL), EAGAIN);
	vcipc_mq_close(mq);
}

struct traffic {
	vcipc_mq *mq;
	uint32_t id;
	uint32_t *seen; /* [THREADS][EACH] */
	uint32_t received;
	uint32_t last[THREADS];
	bool disorder;
};

static void *send_many(void *arg)
{
	struct traffic *traffic = arg;

	for (uint32_t i = 0; i < EACH; i++) {
		uint32_t msg[2] = { traffic->id, i };

		vcipc_mq_send(traffic->mq, msg, sizeof(msg), traffic->id);
	}
	return NULL;
}

static void *receive_many(void *arg)
{
	struct traffic *traffic = arg;

	for (;;) {
		uint32_t msg[2];

		if (vcipc_mq_receive(traffic->mq, msg, sizeof(msg), NULL) == 0)
			return NULL;
		/* One sender's messages are of one priority, and this is one receiver. */
		traffic->disorder = traffic->disorder || msg[1] + 1 <= traffic->last[msg[0]];
		traffic->last[msg[0]] = msg[1] + 1;
		__atomic_fetch_add(&traffic->seen[msg[0] * EACH + msg[1]], 1, __ATOMIC_RELAXED);
		traffic->received++;
	}
}

static void test_threads(void **state)
{
	uint32_t *seen = calloc(THREADS * EACH, sizeof(*seen)), received = 0;
	struct traffic senders[THREADS], receivers[THREADS];
	pthread_t threads[2 * THREADS];
	vcipc_mq *mq = new_mq(10, 8);

	for (uint32_t i = 0; i < THREADS; i++) {
		senders[i] = (struct traffic){ .mq = mq, .id = i };
		receivers[i] = (struct traffic){ .mq = mq, .seen = seen };
		pthread_create(&threads[i], NULL, send_many, &senders[i]);
		pthread_create(&threads[THREADS + i], NULL, receive_many, &receivers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		vcipc_mq_send(mq, "", 0, 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[THREADS + i], NULL);
		received += receivers[i].received;
		check("out of order", receivers[i].disorder, 0);
	}
	check("received", received, THREADS * EACH);
	for (int i = 0; i < THREADS * EACH; i++)
		check("so often", seen[i], 1);
	free(seen);
	vcipc_mq_close(mq);
}

/* --- the descriptor -------------------------------------------------------------------------- */

static int is_readable(int fd, int msec)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, msec);
}

static void test_descriptor(void **state)
{
	vcipc_mq *mq = new_mq(100, 8);
	int fd = vcipc_mq_fd(mq);
	char msg[8];

	check("fd", fd >= 0, 1);
	check("the same", vcipc_mq_fd(mq), fd);
	check("readable", is_readable(fd, 20), 0);
	for (int i = 0; i < 200; i++) {
		int n = 0;

		vcipc_mq_send(mq, "m", 1, 0);
		if (i % 2)
			vcipc_mq_send(mq, "m", 1, 0);
		check("readable", is_readable(fd, 5000), 1);
		while (vcipc_mq_tryreceive(mq, msg, 8, NULL) == 1)
			n++;
		check("messages", n, 1 + i % 2);
		check("readable", is_readable(fd, 0), 0);
	}
	check_errno(vcipc_mq_close(mq), 0);
	check("closed", fcntl(fd, F_GETFD), -1);
}

/* Somebody polls, somebody else receives: the poller's thread takes no wake for itself. */
static void test_descriptor_beside_receiver(void **state)
{
	vcipc_mq *mq = new_mq(10, 8);
	int fd = vcipc_mq_fd(mq);

	for (int i = 0; i < 50; i++) {
		pid_t child = ipc_test_child(receive_in_child, mq);
		uint64_t begun;

		ipc_test_sleeps(child);
		begun = clock_mono_usec();
		vcipc_mq_send(mq, "\x07", 1, 0);
		check("child", ipc_test_wait(child), 7);
		check("at once", clock_mono_usec() - begun < 900000, 1);
	}
	check("fd", is_readable(fd, 0) >= 0, 1);
	vcipc_mq_close(mq);
}

static int poll_in_child(void *arg)
{
	int fd = vcipc_mq_fd(arg), n = 0;
	char msg[8];

	if (fd < 0)
		return 255;
	while (n < 10) {
		if (is_readable(fd, 5000) != 1)
			return 254;
		while (vcipc_mq_tryreceive(arg, msg, sizeof(msg), NULL) == 1)
			n++;
	}
	vcipc_mq_close(arg);
	return n;
}

static void test_descriptor_after_fork(void **state)
{
	vcipc_mq *mq = new_mq(10, 8);
	int fd = vcipc_mq_fd(mq);
	pid_t child;

#ifdef __SANITIZE_THREAD__
	skip(); /* it cannot follow a thread that is made after a fork */
#endif
	check("readable", is_readable(fd, 0), 0);
	child = ipc_test_child(poll_in_child, mq);
	for (int i = 0; i < 10; i++) {
		vcipc_mq_send(mq, "m", 1, 0);
		clock_sleep_usec(1000);
	}
	check("child", ipc_test_wait(child), 10);
	vcipc_mq_close(mq);
}

static int fd_fails_with(vcipc_mq *mq, __rlimit_resource_t resource)
{
	struct rlimit before, none;
	int fd;

	getrlimit(resource, &before);
	none = (struct rlimit){ .rlim_max = before.rlim_max };
	setrlimit(resource, &none);
	fd = vcipc_mq_fd(mq);
	setrlimit(resource, &before);
	return fd < 0 ? errno : 0;
}

/* Root may have as many threads as it likes. */
static int fd_without_room(void *arg)
{
	if (fd_fails_with(arg, RLIMIT_NOFILE) != EMFILE)
		return 1;
	if (geteuid() == 0 && setuid(65534) < 0)
		return 2;
	if (fd_fails_with(arg, RLIMIT_NPROC) != EAGAIN)
		return 3;
	return vcipc_mq_fd(arg) < 0 ? 4 : 0;
}

static void test_fd_without_room(void **state)
{
	vcipc_mq *mq = new_mq(1, 1);

	check("child", ipc_test_wait(ipc_test_child(fd_without_room, mq)), 0);
	vcipc_mq_close(mq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_blocking),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_descriptor_beside_receiver),
		cmocka_unit_test(test_descriptor_after_fork),
		cmocka_unit_test(test_fd_without_room),
	};

	return cmocka_run_group_tests(tests, ipc_test_begin, ipc_test_end);
}
