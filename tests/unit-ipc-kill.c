// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipc-kill - clients killed at random: of a queue's messages none is lost but the one in
 * flight, none doubled, and the others go on; the same for an event's posts
 *
 * What a child has begun and what it has done stands in memory that outlives it, so that
 * after its death it is known what may be missing.
 */
#include "tests/ipc-test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"

#define KILLS 500
#define SENDERS 2
#define RECEIVERS 2
#define NUMBERS (1u << 24) /* of messages that one sender can send */
#define MAXMSG 7
#define MSGSIZE 300

struct message {
	uint32_t sender, number, size;
};

struct world {
	vcipc_mq *mq;
	vcipc_event *event;
	uint32_t begun[SENDERS], done[SENDERS]; /* numbers: being sent, and sent for sure */
	uint32_t torn;                          /* messages that were not whole */
	uint64_t posted, waited;
	uint8_t *seen[SENDERS];
};

static struct world *world;

static int send_for_ever(void *arg)
{
	uint32_t me = (uint32_t)(uintptr_t)arg;
	unsigned char buf[MSGSIZE];

	for (uint32_t n = world->begun[me] + 1; n < NUMBERS; n++) {
		struct message message = { .sender = me, .number = n };

		message.size = (uint32_t)sizeof(message) + n % (MSGSIZE - sizeof(message));
		memset(buf, (int)(n & 255), sizeof(buf));
		memcpy(buf, &message, sizeof(message));
		__atomic_store_n(&world->begun[me], n, __ATOMIC_RELEASE);
		if (vcipc_mq_send(world->mq, buf, message.size, n * 7 % 3) < 0)
			return 1;
		__atomic_store_n(&world->done[me], n, __ATOMIC_RELEASE);
	}
	return 2;
}

static void note(const unsigned char *buf, ssize_t size)
{
	struct message message;

	memcpy(&message, buf, sizeof(message));
	if (size != message.size || message.sender >= SENDERS || message.number >= NUMBERS ||
	    (size > (ssize_t)sizeof(message) && buf[size - 1] != (message.number & 255))) {
		__atomic_fetch_add(&world->torn, 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_fetch_add(&world->seen[message.sender][message.number], 1, __ATOMIC_RELAXED);
}

static int receive_for_ever(void *arg)
{
	unsigned char buf[MSGSIZE];

	for (;;) {
		ssize_t size = vcipc_mq_receive(world->mq, buf, sizeof(buf), NULL);

		if (size < 0)
			return 1;
		note(buf, size);
	}
}

static pid_t start(int i)
{
	return i < SENDERS ? ipc_test_child(send_for_ever, (void *)(uintptr_t)i)
			   : ipc_test_child(receive_for_ever, NULL);
}

/* Sent for sure and never seen; each may only have been in a receiver's hands. */
static uint32_t count_missing(uint32_t sender)
{
	uint32_t missing = 0;

	for (uint32_t n = 1; n <= world->begun[sender]; n++) {
		if (world->seen[sender][n] > 1)
			fail_msg("message %u of sender %u was received %u times", n, sender,
				 world->seen[sender][n]);
		missing += world->seen[sender][n] == 0;
	}
	return missing;
}

/* All slots are there: as many fit as the queue is made for. */
static void check_capacity(void)
{
	unsigned char buf[MSGSIZE];
	ssize_t size;

	while ((size = vcipc_mq_tryreceive(world->mq, buf, sizeof(buf), NULL)) >= 0)
		note(buf, size);
	check("empty", errno, EAGAIN);
	for (int i = 0; i < MAXMSG; i++)
		check_errno(vcipc_mq_trysend(world->mq, "x", 1, 0), 0);
	check_errno(vcipc_mq_trysend(world->mq, "x", 1, 0), EAGAIN);
	for (int i = 0; i < MAXMSG; i++)
		check("size", vcipc_mq_tryreceive(world->mq, buf, sizeof(buf), NULL), 1);
}

static void test_queue(void **state)
{
	struct vcipc_mq_attr attr = { .maxmsg = MAXMSG, .msgsize = MSGSIZE };
	uint32_t sender_kills = 0, receiver_kills = 0, missing = 0, sent = 0;
	pid_t children[SENDERS + RECEIVERS];

	world->mq = vcipc_mq_open(ipc_test_name(), VCIPC_CREATE, 0600, &attr);
	assert_non_null(world->mq);
	srand(3);
	for (int i = 0; i < SENDERS + RECEIVERS; i++)
		children[i] = start(i);
	for (int i = 0; i < KILLS; i++) {
		int k = rand() % (SENDERS + RECEIVERS);

		clock_sleep_usec((uint64_t)(rand() % 2000));
		kill(children[k], SIGKILL);
		check("killed", ipc_test_wait(children[k]), 256 + SIGKILL);
		sender_kills += k < SENDERS;
		receiver_kills += k >= SENDERS;
		children[k] = start(k);
	}
	for (int i = 0; i < SENDERS; i++) {
		uint32_t before = __atomic_load_n(&world->done[i], __ATOMIC_ACQUIRE);

		for (int k = 0; k < 30 && world->done[i] == before; k++)
			clock_sleep_usec(100000);
		check("they go on", __atomic_load_n(&world->done[i], __ATOMIC_ACQUIRE) > before, 1);
	}
	for (int i = 0; i < SENDERS + RECEIVERS; i++) {
		kill(children[i], SIGKILL);
		check("killed", ipc_test_wait(children[i]), 256 + SIGKILL);
	}
	check_capacity();
	check("torn messages", world->torn, 0);
	for (uint32_t i = 0; i < SENDERS; i++) {
		missing += count_missing(i);
		sent += world->done[i];
	}
	print_message("%u messages, %u senders and %u receivers killed, %u messages with them\n",
		      sent, sender_kills, receiver_kills, missing);
	check("no more are missing than were in flight",
	      missing <= sender_kills + receiver_kills + SENDERS + RECEIVERS, 1);
	vcipc_mq_close(world->mq);
}

static int post_for_ever(void *arg)
{
	for (;;) {
		if (vcipc_event_post(world->event) < 0)
			return 1;
		__atomic_fetch_add(&world->posted, 1, __ATOMIC_RELAXED);
		for (volatile int i = 0; i < 3000; i++)
			;
	}
}

static int wait_for_ever(void *arg)
{
	for (;;) {
		if (vcipc_event_wait(world->event) < 0)
			return 1;
		__atomic_fetch_add(&world->waited, 1, __ATOMIC_RELAXED);
	}
}

static void test_event(void **state)
{
	pid_t children[4];
	int64_t difference;

	world->event = vcipc_event_open(ipc_test_name(), VCIPC_CREATE, 0600);
	for (int i = 0; i < 4; i++)
		children[i] = ipc_test_child(i < 2 ? post_for_ever : wait_for_ever, NULL);
	for (int i = 0; i < KILLS; i++) {
		int k = rand() % 4;

		clock_sleep_usec((uint64_t)(rand() % 1000));
		kill(children[k], SIGKILL);
		check("killed", ipc_test_wait(children[k]), 256 + SIGKILL);
		children[k] = ipc_test_child(k < 2 ? post_for_ever : wait_for_ever, NULL);
	}
	for (int i = 0; i < 2; i++) {
		kill(children[i], SIGKILL);
		ipc_test_wait(children[i]);
	}
	/* Those that wait take what is left, within the time that a lost wake may cost. */
	clock_sleep_usec(1500000);
	check_errno(vcipc_event_trywait(world->event), EAGAIN);
	for (int i = 2; i < 4; i++) {
		kill(children[i], SIGKILL);
		ipc_test_wait(children[i]);
	}
	difference = (int64_t)world->posted - (int64_t)world->waited;
	print_message("%lu posts, %ld of them with the killed\n", (unsigned long)world->posted,
		      (long)difference);
	check("posts less waits, no more than were killed",
	      difference >= -(KILLS + 4) && difference <= KILLS + 4, 1);
	vcipc_event_close(world->event);
}

static int begin(void **state)
{
	world = ipc_test_shared(sizeof(*world));
	for (int i = 0; i < SENDERS; i++)
		world->seen[i] = ipc_test_shared(NUMBERS);
	return ipc_test_begin(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_event),
	};

	return cmocka_run_group_tests(tests, begin, ipc_test_end);
}
