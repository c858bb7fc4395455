// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipc-rubbish - somebody who shares an object writes anything to it: no call crashes,
 * and those with a deadline end by it
 *
 * Once the bytes are rubbish, any answer will do that the manual names.
 */
#include "tests/ipc-test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/handle.h"

#define ROUNDS 400
#define CALLS 12

static uint64_t random64(void)
{
	return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
}

/* Numbers that look like counters and indices do more harm than random ones. */
static uint32_t random_word(void)
{
	switch (rand() % 4) {
	case 0:
		return (uint32_t)(rand() % 16);
	case 1:
		return UINT32_MAX - (uint32_t)(rand() % 3);
	case 2:
		return 1u << rand() % 32;
	default:
		return (uint32_t)random64();
	}
}

/* Words of the pages' ends and of the arrays behind, where something stands. */
static off_t random_place(off_t size)
{
	off_t page = (off_t)handle_page_size(), at;

	switch (rand() % 3) {
	case 0:
		at = (1 + rand() % 2) * page - 4 * (1 + rand() % 16);
		break;
	case 1:
		at = 4 * (rand() % 24);
		break;
	default:
		at = 2 * page + 4 * (rand() % 400);
	}
	return at + 4 <= size ? at : at % (size - 4);
}

static void write_rubbish(int fd, int words)
{
	struct stat st;

	fstat(fd, &st);
	for (int i = 0; i < words; i++) {
		uint32_t word = random_word();

		check("written", pwrite(fd, &word, 4, random_place(st.st_size)), 4);
	}
}

static const struct timespec *soon(struct timespec *deadline)
{
	return vcipc_deadline(deadline, 200);
}

static bool is_named(int e, const int *named)
{
	while (*named && *named != e)
		named++;
	return *named == e;
}

static void check_answer(const char *what, long r)
{
	static const int named[] = { EUCLEAN, EAGAIN,   ETIMEDOUT,  EOVERFLOW,       EBUSY,
				     EDEADLK, EPERM,    EOWNERDEAD, ENOTRECOVERABLE, ENOENT,
				     EINVAL,  EMSGSIZE, 0 };

	if (r < 0 && !is_named(errno, named))
		fail_msg("%s: %s", what, strerror(errno));
}

static void use_queue(vcipc_mq *mq)
{
	struct timespec deadline;
	struct vcipc_mq_attr attr;
	char msg[64] = "";

	switch (rand() % 4) {
	case 0:
		check_answer("send",
			     vcipc_mq_timedsend(mq, msg, (size_t)(rand() % 64),
						(unsigned int)(rand() % 5), soon(&deadline)));
		break;
	case 1:
		check_answer("receive", vcipc_mq_timedreceive(mq, msg, 64, NULL, soon(&deadline)));
		break;
	case 2:
		check_answer("getattr", vcipc_mq_getattr(mq, &attr));
		break;
	default:
		check_answer("send", vcipc_mq_timedsend(mq, msg, 64, 1, soon(&deadline)));
	}
}

static void test_queue(void **state)
{
	struct vcipc_mq_attr attr = { .maxmsg = 9, .msgsize = 64 };
	uint64_t begun = clock_mono_usec();

	for (int round = 0; round < ROUNDS; round++) {
		char name[64];
		vcipc_mq *mq;
		int fd;

		srand((unsigned int)round);
		strcpy(name, ipc_test_name());
		mq = vcipc_mq_open(name, VCIPC_CREATE, 0600, &attr);
		assert_non_null(mq);
		fd = ipc_test_file(VCIPC_MQ, name);
		for (int i = 0; i < 10; i++)
			use_queue(mq);
		for (int i = 0; i < CALLS; i++) {
			write_rubbish(fd, 1 + rand() % 3);
			for (int k = 0; k < 4; k++)
				use_queue(mq);
		}
		close(fd);
		vcipc_mq_close(mq);
		vcipc_unlink(VCIPC_MQ, name);
	}
	print_message("%.1f s\n", (double)(clock_mono_usec() - begun) / 1e6);
}

struct scribbler {
	int fd;
	bool stop;
};

static void *scribble(void *arg)
{
	struct scribbler *scribbler = arg;

	while (!__atomic_load_n(&scribbler->stop, __ATOMIC_ACQUIRE))
		write_rubbish(scribbler->fd, 20);
	return NULL;
}

/* Between a check and a use as well. */
static void test_queue_while_in_use(void **state)
{
	struct vcipc_mq_attr attr = { .maxmsg = 9, .msgsize = 64 };

	for (int round = 0; round < 20; round++) {
		char name[64];
		struct scribbler scribbler = { .fd = -1 };
		pthread_t thread;
		vcipc_mq *mq;

		strcpy(name, ipc_test_name());
		mq = vcipc_mq_open(name, VCIPC_CREATE, 0600, &attr);
		scribbler.fd = ipc_test_file(VCIPC_MQ, name);
		pthread_create(&thread, NULL, scribble, &scribbler);
		for (int i = 0; i < 200; i++)
			use_queue(mq);
		__atomic_store_n(&scribbler.stop, true, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
		close(scribbler.fd);
		vcipc_mq_close(mq);
	}
}

/* Whatever is found under a name: an object, or EUCLEAN, or ENOENT. */
static void test_opening(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		size_t page = handle_page_size();
		char name[64];
		vcipc_mq *mq;
		int fd;

		srand((unsigned int)round);
		strcpy(name, ipc_test_name());
		fd = ipc_test_file(VCIPC_MQ, name);
		check("size", ftruncate(fd, (off_t)((size_t)(rand() % 4) * page + 8)), 0);
		write_rubbish(fd, 1 + rand() % 30);
		if (round % 2) {
			struct layout_head head = { .magic = LAYOUT_MAGIC,
						    .version = LAYOUT_VERSION,
						    .kind = VCIPC_MQ,
						    .init = LAYOUT_READY };

			check("head", pwrite(fd, &head, sizeof(head), 0), sizeof(head));
		} else {
			uint32_t init = random_word() | 1;

			check("init", pwrite(fd, &init, 4, 8), 4);
		}
		mq = vcipc_mq_open(name, 0, 0, NULL);
		if (mq)
			vcipc_mq_close(mq);
		else
			check("errno", errno, EUCLEAN);
		close(fd);
	}
}

static void test_counts_and_mutexes(void **state)
{
	struct timespec deadline;

	for (int round = 0; round < ROUNDS; round++) {
		char name[3][64];
		vcipc_event *event;
		vcipc_mutex *mutex;
		vcipc_sem *sem;
		int fds[3];

		srand((unsigned int)round);
		for (int i = 0; i < 3; i++)
			strcpy(name[i], ipc_test_name());
		event = vcipc_event_open(name[0], VCIPC_CREATE, 0600);
		sem = vcipc_sem_open(name[1], VCIPC_CREATE, 0600, 1);
		mutex = vcipc_mutex_open(name[2], VCIPC_CREATE, 0600);
		for (int i = 0; i < 3; i++)
			fds[i] = ipc_test_file((uint32_t)i + 1, name[i]);
		for (int call = 0; call < CALLS; call++) {
			write_rubbish(fds[rand() % 3], 4);
			check_answer("wait", vcipc_event_timedwait(event, soon(&deadline)));
			check_answer("post", vcipc_event_post(event));
			check_answer("broadcast", vcipc_event_broadcast(event));
			check_answer("wait", vcipc_sem_timedwait(sem, soon(&deadline)));
			check_answer("post", vcipc_sem_post(sem));
			check_answer("lock", vcipc_mutex_timedlock(mutex, soon(&deadline)));
			check_answer("unlock", vcipc_mutex_unlock(mutex));
		}
		vcipc_event_close(event);
		vcipc_sem_close(sem);
		vcipc_mutex_close(mutex);
		for (int i = 0; i < 3; i++)
			close(fds[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_queue_while_in_use),
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_counts_and_mutexes),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, ipc_test_begin, ipc_test_end);
}
