// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * receiver.c - receives a sender's numbers, each once and in order, and says so
 *
 * The other half of the example. Exit status: 0 all were as they should be.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <vcipc.h>

/* Numbers lost, doubled or out of order, until the sender's end. */
static uint64_t receive_all(vcipc_mq *numbers, uint64_t *ret_received)
{
	uint64_t number, expected = 1, wrong = 0;

	for (;;) {
		if (vcipc_mq_receive(numbers, &number, sizeof(number), NULL) < 0)
			err(1, "receive");
		if (number == 0)
			break;
		if (number != expected)
			wrong++;
		expected = number + 1;
		++*ret_received;
	}
	return wrong;
}

int main(void)
{
	const struct vcipc_mq_attr attr = { .maxmsg = 16, .msgsize = sizeof(uint64_t) };
	vcipc_mq *numbers = vcipc_mq_open("example numbers", VCIPC_CREATE, 0600, &attr);
	vcipc_event *done = vcipc_event_open("example done", VCIPC_CREATE, 0600);
	uint64_t received = 0, wrong;

	if (!numbers || !done)
		err(1, "open");
	wrong = receive_all(numbers, &received);
	if (vcipc_event_post(done) < 0)
		err(1, "post");
	printf("receiver: %llu numbers received, %llu of them lost, doubled or out of order\n",
	       (unsigned long long)received, (unsigned long long)wrong);
	if (vcipc_mq_close(numbers) < 0 || vcipc_event_close(done) < 0)
		err(1, "close");
	return wrong > 0;
}
