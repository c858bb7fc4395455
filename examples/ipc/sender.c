// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sender.c - sends numbers to a receiver in whichever partition, and waits for its word
 *
 * Half of an example of vcipc(3); see the README beside it. Usage: sender [N]
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <vcipc.h>

#define PAUSE_NSEC 1000000 /* between two numbers */
#define PATIENCE_USEC 60000000

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000;
	const struct vcipc_mq_attr attr = { .maxmsg = 16, .msgsize = sizeof(uint64_t) };
	vcipc_mq *numbers = vcipc_mq_open("example numbers", VCIPC_CREATE, 0600, &attr);
	vcipc_event *done = vcipc_event_open("example done", VCIPC_CREATE, 0600);
	struct timespec deadline;
	const uint64_t end = 0;

	if (!numbers || !done)
		err(1, "open");
	for (uint64_t i = 1; i <= n; i++) {
		if (vcipc_mq_send(numbers, &i, sizeof(i), 0) < 0)
			err(1, "send");
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NSEC }, NULL);
	}
	if (vcipc_mq_send(numbers, &end, sizeof(end), 0) < 0)
		err(1, "send");
	if (vcipc_event_timedwait(done, vcipc_deadline(&deadline, PATIENCE_USEC)) < 0)
		err(1, "the receiver's answer");
	printf("sender: %llu numbers sent, and the receiver has them\n", (unsigned long long)n);
	if (vcipc_mq_close(numbers) < 0 || vcipc_event_close(done) < 0)
		err(1, "close");
	return 0;
}
