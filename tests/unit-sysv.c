// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-sysv.c - semaphore sets and queues whose users are killed, or write rubbish
 */
#include <errno.h>
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipcmap/kind.h"
#include "ipcmap/object/guard.h"
#include "ipcmap/object/msgq.h"
#include "ipcmap/object/segment.h"
#include "ipcmap/object/semset.h"
#include "ipcmap/object/undo.h"

#define NSEMS 3
#define QBYTES 4096
#define KILLS 300
#define RUBBISH 300

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

/* Runs f in a child until it is killed, a moment later. The child's PID. */
static pid_t kill_in(void (*f)(void *object), void *object)
{
	pid_t pid = fork();

	if (pid == 0) {
		guard_forked();
		for (;;)
			f(object);
	}
	assert_true(pid > 0);
	usleep((useconds_t)(rand() % 700));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* Takes one of each and gives it back: at every moment their sum, with what is to be undone
 * for this process, is the same. */
static void semset_user(void *object)
{
	struct sembuf take[] = { { 0, -1, SEM_UNDO }, { 1, -1, SEM_UNDO }, { 2, 2, SEM_UNDO } };
	struct sembuf give[] = { { 0, 1, SEM_UNDO }, { 1, 1, SEM_UNDO }, { 2, -2, SEM_UNDO } };
	struct semset_block block;

	semset_try(object, take, 3, (uint32_t)getpid(), &block);
	semset_try(object, give, 3, (uint32_t)getpid(), &block);
}

static void test_semset_killed(void **state)
{
	uint64_t size = semset_size(NSEMS);
	unsigned short begin[NSEMS] = { 5, 5, 0 }, end[NSEMS];
	struct semset set;
	void *memory = shared_memory(size);

	assert_int_equal(semset_view(memory, size, false, &set), 0);
	assert_int_equal(semset_set(&set, 0, begin, NSEMS, 1), 0);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = kill_in(semset_user, &set);

		assert_int_equal(semset_leave(&set, (uint32_t)pid, false), 0);
		assert_int_equal(semset_get_all(&set, end), 0);
		assert_memory_equal(begin, end, sizeof(end));
	}
	munmap(memory, size);
}

/* Messages say how long they are and of what, in each byte. */
static void msgq_user(void *object)
{
	static unsigned char data[300];
	struct msgq_message message = { .data = data };
	struct msgq_block_on block;

	message.size = (size_t)(rand() % 200);
	message.type = 1 + rand() % 3;
	memset(data, (int)message.size, message.size);
	msgq_send(object, &message, false, (uint32_t)getpid(), &block);
	message.size = sizeof(data);
	msgq_receive(object, &message, -(1 + rand() % 3), 0, (uint32_t)getpid(), false, &block);
}

static void msgq_check(struct msgq *q)
{
	unsigned char data[300];
	struct msgq_message message = { .data = data, .size = sizeof(data) };
	uint32_t n = q->head->n;
	uint64_t bytes = 0;

	for (; n > 0; n--, message.size = sizeof(data)) {
		assert_int_equal(msgq_receive(q, &message, 0, 0, 1, false, NULL), 0);
		bytes += message.size;
		for (size_t i = 0; i < message.size; i++)
			assert_int_equal(data[i], (unsigned char)message.size);
	}
	assert_int_equal(msgq_receive(q, &message, 0, 0, 1, false, NULL), -EINPROGRESS);
	assert_int_equal(q->head->bytes, 0);
	assert_in_range(bytes, 0, QBYTES);
}

static void test_msgq_killed(void **state)
{
	uint64_t size = msgq_size_sysv(QBYTES);
	void *memory = shared_memory(size);
	struct msgq q;

	assert_int_equal(msgq_view(memory, size, &q), 0);
	assert_int_equal(msgq_set_qbytes(&q, QBYTES), 0);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = kill_in(msgq_user, &q);

		assert_int_equal(msgq_leave(&q, (uint32_t)pid, false), 0);
		if (i % 10 == 9)
			msgq_check(&q);
	}
	munmap(memory, size);
}

/* Whose holder died, in a file with room for more messages than it has memory: a daemon writes to
 * none of its blocks. The next user repairs it, and sleepers are woken for that. */
static void test_msgq_leave_is_brief(void **state)
{
	uint64_t size = UINT64_C(1) << 33;
	int fd = memfd_create("unit-sysv", MFD_CLOEXEC);
	struct msgq_head *head;
	struct stat st;

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	head = mmap(NULL, sizeof(*head), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(head != MAP_FAILED);
	*head = (struct msgq_head){ .guard = FUTEX_OWNER_DIED,
				    .fresh = INT32_MAX,
				    .readers_waiting = 1,
				    .writers_waiting = 1,
				    .notify.pid = 4242,
				    .receivers = { 4241, 4242 } };
	assert_int_equal(undo_leave(fd, IPC_KIND_POSIX_MQ, size, 4242, false), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_in_range(st.st_blocks * 512, 1, 65536);
	assert_int_equal(head->guard, FUTEX_OWNER_DIED);
	assert_int_equal(head->readers_seq, 1);
	assert_int_equal(head->writers_seq, 1);
	assert_int_equal(head->notify.pid, 0);
	assert_int_equal(head->receivers[0], 4241);
	assert_int_equal(head->receivers[1], 0);
	assert_int_equal(guard_trylock(&head->guard), -EOWNERDEAD);
	guard_unlock(&head->guard);
	assert_int_equal(guard_trylock(&head->guard), 0);
	guard_unlock(&head->guard);
	munmap(head, sizeof(*head));
	close(fd);
}

static void rubbish(void *memory, size_t size)
{
	unsigned char *bytes = memory;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(rand() % 4 ? 0 : rand());
	/* Nobody holds the guard, or it would be waited for; nor is it removed. */
	memset(memory, 0, 8);
}

/* Nothing here may crash, or go on for ever; what the calls return does not matter. */
static void test_rubbish(void **state)
{
	uint64_t set_size = semset_size(NSEMS), q_size = msgq_size_sysv(64);
	void *set_memory = shared_memory(set_size), *q_memory = shared_memory(q_size);
	struct semset set;
	struct msgq q;

	assert_int_equal(semset_view(set_memory, set_size, false, &set), 0);
	assert_int_equal(msgq_view(q_memory, q_size, &q), 0);
	for (int i = 0; i < RUBBISH; i++) {
		unsigned short values[NSEMS];
		struct msgq_notify notify;

		rubbish(set_memory, set_size);
		semset_user(&set);
		semset_get_all(&set, values);
		for (int j = 0; j < NSEMS; j++)
			assert_in_range(values[j], 0, SEMSET_VALUE_MAX);
		semset_leave(&set, (uint32_t)getpid(), false);
		*(uint32_t *)set_memory = 0x40000000; /* its holder died: repaired first */
		semset_user(&set);
		rubbish(q_memory, q_size);
		for (int j = 0; j < 20; j++)
			msgq_user(&q);
		msgq_notify_take(&q, 1, 1, &notify);
		*(uint32_t *)q_memory = 0x40000000;
		msgq_user(&q);
		msgq_leave(&q, (uint32_t)getpid(), false);
	}
	munmap(set_memory, set_size);
	munmap(q_memory, q_size);
}

/* A daemon's work on a file that is cut short while it is at it, or before. */
static void test_cut_short(void **state)
{
	uint64_t size = semset_size(NSEMS);
	int fd = memfd_create("unit-sysv", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(undo_leave(fd, IPC_KIND_SYSV_SEM, size, getpid(), false), 0);
	assert_int_equal(undo_leave(fd, IPC_KIND_SYSV_MSG, 10, getpid(), false), -EBADMSG);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(undo_leave(fd, IPC_KIND_SYSV_SEM, size, getpid(), false), -EBADMSG);
	assert_int_equal(undo_leave(fd, IPC_KIND_SYSV_SEM, 100, getpid(), true), -EBADMSG);
	assert_int_equal(undo_leave(fd, IPC_KIND_EVENT, 100, getpid(), false), 0);
	close(fd);
}

/* That this very thread has the guard already is rubbish too, and is told at once; a guard that
 * somebody else keeps is waited for, for 30 seconds, and told in the same way. */
static void test_beyond_help(void **state)
{
	uint64_t set_size = semset_size(1), q_size = msgq_size_sysv(QBYTES);
	void *set_memory = shared_memory(set_size), *q_memory = shared_memory(q_size);
	struct msgq_message message = { .type = 1 };
	struct sembuf add = { 0, 1, 0 };
	struct semset_block set_block;
	struct msgq_block_on q_block;
	struct semset set;
	struct msgq q;

	assert_int_equal(semset_view(set_memory, set_size, false, &set), 0);
	assert_int_equal(msgq_view(q_memory, q_size, &q), 0);
	*(uint32_t *)set_memory = *(uint32_t *)q_memory = (uint32_t)gettid();
	assert_int_equal(semset_try(&set, &add, 1, 1, &set_block), -EIDRM);
	assert_int_equal(msgq_send(&q, &message, false, 1, &q_block), -EIDRM);
	assert_int_equal(msgq_receive(&q, &message, 0, 0, 1, false, &q_block), -EIDRM);
	munmap(set_memory, set_size);
	munmap(q_memory, q_size);
}

/* What vcipc-preload(7) says of limits. */
static void test_limits(void **state)
{
	uint64_t set_size = semset_size(1), q_size = msgq_size_sysv(QBYTES);
	struct segment_head *head = shared_memory(SEGMENT_HEAD_BYTES);
	void *set_memory = shared_memory(set_size), *q_memory = shared_memory(q_size);
	struct sembuf add = { 0, 1, SEM_UNDO };
	struct semset_block block;
	struct semset set;
	struct msgq q;

	assert_int_equal(semset_view(set_memory, set_size, false, &set), 0);
	for (uint32_t pid = 1; pid <= SEMSET_UNDOERS; pid++)
		assert_int_equal(semset_try(&set, &add, 1, pid, &block), 0);
	assert_int_equal(semset_try(&set, &add, 1, SEMSET_UNDOERS + 1, &block), -ENOSPC);
	assert_int_equal(semset_leave(&set, 7, false), 0);
	assert_int_equal(semset_try(&set, &add, 1, SEMSET_UNDOERS + 1, &block), 0);

	assert_int_equal(msgq_view(q_memory, q_size, &q), 0);
	assert_int_equal(msgq_set_qbytes(&q, 4 * QBYTES), 0);
	assert_int_equal(msgq_set_qbytes(&q, 4 * QBYTES + 1), -EINVAL);

	/* A process that lives, for all of them: the notes of the dead would be taken. */
	for (head->n_notes = 0; head->n_notes < SEGMENT_PROCESSES; head->n_notes++)
		head->notes[head->n_notes] =
			(struct segment_note){ .pid = (uint32_t)getppid(), .attached = 1 };
	assert_int_equal(segment_note(head, getpid(), 1), -ENOSPC);
	munmap(set_memory, set_size);
	munmap(q_memory, q_size);
	munmap(head, SEGMENT_HEAD_BYTES);
}

static void test_guard(void **state)
{
	uint32_t *word = shared_memory(4096);
	pid_t pid;

	assert_int_equal(guard_lock(word), 0);
	assert_int_equal(guard_trylock(word), -EDEADLK);
	guard_unlock(word);
	assert_int_equal(*word, 0);
	pid = fork();
	if (pid == 0) {
		guard_forked();
		guard_lock(word);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(guard_lock(word), -EOWNERDEAD);
	guard_unlock(word);
	assert_int_equal(guard_trylock(word), 0);
	guard_unlock(word);
	munmap(word, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard),       cmocka_unit_test(test_semset_killed),
		cmocka_unit_test(test_msgq_killed), cmocka_unit_test(test_rubbish),
		cmocka_unit_test(test_cut_short),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_beyond_help), cmocka_unit_test(test_msgq_leave_is_brief),
	};

	srand(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
