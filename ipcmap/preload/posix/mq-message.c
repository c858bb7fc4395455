// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mq-message.c - mq_send(), mq_receive() and their timed forms
 */
#include "ipcmap/preload/posix/mq.h"

#include <errno.h>
#include <fcntl.h>

#include "ipcmap/futex.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/real.h"

/* Sleeps until the call can go on. 0: try again. -EAGAIN, -EINTR, -ETIMEDOUT. */
static int mq_sleep(struct section *section, struct mq_opened *opened, struct msgq_block_on *block,
		    uint64_t deadline_usec)
{
	int flags = REAL(fcntl)(opened->fd, F_GETFL), r;

	if (flags < 0 || flags & O_NONBLOCK)
		r = flags < 0 ? -EBADF : -EAGAIN;
	else
		r = sleep_on_restart(section, block->word, block->value, deadline_usec);
	msgq_unblock(&opened->q, block);
	return r;
}

/* The open queue. -EBADF if it was opened for another access. */
static int mq_get_for(mqd_t fd, int access, struct mq_opened **ret)
{
	int r = mq_get(fd, ret);

	if (r == 0 && ((*ret)->access != O_RDWR && (*ret)->access != access)) {
		mq_put(*ret);
		r = -EBADF;
	}
	return r;
}

static int mq_send_message(struct section *section, mqd_t fd, const struct msgq_message *message,
			   uint64_t deadline_usec)
{
	struct msgq_block_on block;
	struct mq_opened *opened;
	int r;

	if (message->type >= MQ_PRIO_MAX)
		return -EINVAL;
	r = mq_get_for(fd, O_WRONLY, &opened);
	if (r < 0)
		return r;
	if (message->size > opened->q.head->message_bytes)
		r = -EMSGSIZE;
	if (r == 0)
		r = memory_check_read(message->data, message->size);
	while (r == 0 && (r = msgq_send(&opened->q, message, true, (uint32_t)preload_pid(),
					&block)) == -EINPROGRESS)
		r = mq_sleep(section, opened, &block, deadline_usec);
	if (r == 0)
		mq_notify_sent(opened);
	mq_put(opened);
	return r;
}

/* until NULL: no deadline. */
static int mq_deadline(const struct timespec *until, uint64_t *ret_usec)
{
	struct timespec taken;
	int r = until ? memory_take(&taken, until, sizeof(taken)) : 0;

	*ret_usec = FUTEX_FOREVER;
	return r == 0 && until ? sleep_deadline(CLOCK_REALTIME, &taken, ret_usec) : r;
}

static int mq_send_until(mqd_t fd, const char *data, size_t size, unsigned int priority,
			 const struct timespec *until)
{
	struct msgq_message message = { .type = priority, .data = (void *)data, .size = size };
	uint64_t deadline_usec;
	struct section section;
	int r;

	section_begin(&section);
	r = mq_deadline(until, &deadline_usec);
	if (r == 0)
		r = mq_send_message(&section, fd, &message, deadline_usec);
	section_end(&section);
	return r;
}

INTERPOSE int mq_timedsend(mqd_t fd, const char *data, size_t size, unsigned int priority,
			   const struct timespec *until)
{
	return preload_result(mq_send_until(fd, data, size, priority, until));
}

INTERPOSE int mq_send(mqd_t fd, const char *data, size_t size, unsigned int priority)
{
	return preload_result(mq_send_until(fd, data, size, priority, NULL));
}

static int mq_receive_message(struct section *section, mqd_t fd, struct msgq_message *message,
			      uint64_t deadline_usec)
{
	struct msgq_block_on block;
	struct mq_opened *opened;
	int r = mq_get_for(fd, O_RDONLY, &opened);

	if (r < 0)
		return r;
	if (message->size < opened->q.head->message_bytes)
		r = -EMSGSIZE;
	while (r == 0 && (r = msgq_receive(&opened->q, message, 0, 0, (uint32_t)preload_pid(), true,
					   &block)) == -EINPROGRESS)
		r = mq_sleep(section, opened, &block, deadline_usec);
	mq_put(opened);
	return r;
}

static ssize_t mq_receive_until(mqd_t fd, char *data, size_t size, unsigned int *ret_priority,
				const struct timespec *until)
{
	struct msgq_message message = { .data = data, .size = size, .check = memory_check_write };
	uint64_t deadline_usec;
	unsigned int priority;
	struct section section;
	int r;

	section_begin(&section);
	r = mq_deadline(until, &deadline_usec);
	if (r == 0)
		r = mq_receive_message(&section, fd, &message, deadline_usec);
	priority = (unsigned int)message.type;
	/* The message is lost, as in the kernel. */
	if (r == 0 && ret_priority)
		r = memory_give(ret_priority, &priority, sizeof(priority));
	section_end(&section);
	if (r < 0)
		return preload_result(r);
	return (ssize_t)message.size;
}

INTERPOSE ssize_t mq_timedreceive(mqd_t fd, char *restrict data, size_t size,
				  unsigned int *restrict ret_priority,
				  const struct timespec *restrict until)
{
	return mq_receive_until(fd, data, size, ret_priority, until);
}

INTERPOSE ssize_t mq_receive(mqd_t fd, char *data, size_t size, unsigned int *ret_priority)
{
	return mq_receive_until(fd, data, size, ret_priority, NULL);
}
