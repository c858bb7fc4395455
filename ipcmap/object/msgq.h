/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * msgq.h - a message queue of System V or POSIX in shared memory
 *
 * The object's file: a head, then blocks of 64 bytes. A message has one block, and more if its data
 * need them. The first blocks of the messages form a list. All zero bytes are an empty queue of
 * System V. Indices in the memory are one higher than the block's number, so that 0 means none.
 *
 * Crash safety: the store that links a message adds it, and the store that unlinks it removes it,
 * after its data were copied. Everything else (counts, tail, free list) follows from the list and
 * is computed again if the guard's last holder died or if the state is inconsistent. Hostile data:
 * every index is checked, and every walk is bounded.
 *
 * Callers block all signals. Their buffers must be valid.
 */
#ifndef VC_IPCMAP_MSGQ_H
#define VC_IPCMAP_MSGQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MSGQ_RECEIVERS 64 /* sleeping receivers: they suppress a notification */
#define MSGQ_QBYTES_NONE UINT32_MAX
#define MSGQ_FIRST_BYTES 40
#define MSGQ_MORE_BYTES 60

enum msgq_fired {
	MSGQ_STANDS = 0,
	MSGQ_FIRED = 1, /* a message came; the process is not notified yet */
	MSGQ_MUTE = 2,  /* registered; a message ends it without a notification */
};

/* The registration of mq_notify(). The kind of notification is in the process's own memory, so that
 * shared data cannot cause a signal. */
struct msgq_notify {
	uint32_t pid;    /* 0: none */
	uint32_t word;   /* futex of the process's helper thread; changes with the registration */
	uint32_t fired;  /* enum msgq_fired */
	uint32_t cookie; /* identifies this registration */
	uint32_t sender_pid, sender_uid;
};

struct msgq_head {
	uint32_t guard;
	uint32_t removed;   /* by IPC_RMID */
	uint32_t owner_seq; /* counts IPC_SET */
	uint32_t ready;     /* POSIX: 1, max_messages and message_bytes are set */
	uint32_t readers_seq, readers_waiting; /* futex of receivers; some may sleep */
	uint32_t writers_seq, writers_waiting; /* the same of senders */
	uint32_t first, last, free;
	uint32_t fresh;  /* blocks from this one on were never used */
	uint32_t n;      /* messages */
	uint32_t qbytes; /* System V's msg_qbytes; 0: not set, the room of the file;
			  * MSGQ_QBYTES_NONE: 0 */
	uint64_t bytes;  /* of all messages */
	uint32_t last_sender, last_receiver;  /* PIDs */
	int64_t stime, rtime, ctime;          /* seconds since 1970, 0: never */
	uint32_t max_messages, message_bytes; /* POSIX */
	struct msgq_notify notify;
	uint32_t receivers[MSGQ_RECEIVERS]; /* PIDs; 0: free */
};

struct msgq_block {
	union {
		uint32_t more; /* the next block of the message or of the free list */
		struct {
			uint32_t more;
			uint32_t next; /* message */
			int64_t type;  /* POSIX: the priority */
			uint32_t size;
			uint32_t unused;
			unsigned char data[MSGQ_FIRST_BYTES];
		} first;
		struct {
			uint32_t more;
			unsigned char data[MSGQ_MORE_BYTES];
		} rest;
	};
};

/* A queue as a process has it mapped. */
struct msgq {
	struct msgq_head *head;
	struct msgq_block *blocks;
	uint32_t n_blocks;
	uint32_t qbytes_max; /* System V: the room of the file */
};

/* The size of the file of a System V queue. msg_qbytes can be raised to four times qbytes. */
uint64_t msgq_size_sysv(uint32_t qbytes);

/* The size of the file of a POSIX queue. */
uint64_t msgq_size_posix(uint32_t max_messages, uint32_t message_bytes);

/* Sets ret to the parts of a mapped file. -EINVAL: no queue has that size. */
int msgq_view(void *base, uint64_t size, struct msgq *ret);

/* Returns the present msg_qbytes of a System V queue, from a file of that size whose head has
 * qbytes. */
uint32_t msgq_qbytes_of(uint32_t qbytes, uint64_t size);

/* Why a call would block: the caller sleeps on word while it is value, and tries again. */
struct msgq_block_on {
	uint32_t *word;
	uint32_t value;
	int slot; /* msgq_unblock() frees it */
};

struct msgq_message {
	int64_t type; /* POSIX: the priority */
	void *data;
	size_t size;
	/* Receiving: checks that data is writable, 0 or -EFAULT; NULL: it is. */
	int (*check)(void *data, size_t size);
};

/* Adds a message; POSIX: before those of lower priority. 0; -EINPROGRESS: no room, see ret; -EIDRM:
 * removed or broken. */
int msgq_send(struct msgq *q, const struct msgq_message *message, bool posix, uint32_t pid,
	      struct msgq_block_on *ret);

/*
 * Takes the message that type and flags of msgrcv(2) select; type 0: the first one. message->size
 * is the room; it becomes the message's size. 0; -EINPROGRESS: there is none, see ret (may be
 * NULL); -E2BIG: the message is larger and flags lacks MSG_NOERROR; -ENOMSG: none, with MSG_COPY;
 * -EFAULT: the message is lost, as in the kernel; -EIDRM.
 */
int msgq_receive(struct msgq *q, struct msgq_message *message, int64_t type, int flags,
		 uint32_t pid, bool posix, struct msgq_block_on *ret);

void msgq_unblock(struct msgq *q, struct msgq_block_on *block);

struct msgq_watch {
	bool readable, writable; /* there are messages, there is room */
	uint32_t seqs[2];        /* readers_seq and writers_seq, which the next change increases */
};

/* POSIX: calls f under the guard, and makes the next change wake. 0 or -EIDRM. */
int msgq_watch(struct msgq *q, void (*f)(void *arg, const struct msgq_watch *watch), void *arg);

/* Marks the queue as removed and wakes all sleepers. */
void msgq_remove(struct msgq *q);

/* Sets msg_qbytes and wakes senders. -EINVAL: it exceeds the room of the file. */
int msgq_set_qbytes(struct msgq *q, uint64_t qbytes);

/* mq_notify(): registers the process; mute: with SIGEV_NONE. *ret_cookie identifies the
 * registration and is the value of notify.word. -EBUSY: another process is registered. */
int msgq_notify_begin(struct msgq *q, uint32_t pid, bool mute, uint32_t *ret_cookie);

/* Ends the process's registration. 0; -ENOENT: it has none. */
int msgq_notify_end(struct msgq *q, uint32_t pid);

/*
 * Looks at a registration. 0: a message came; the registration has ended, ret names the sender, and
 * the caller notifies the process. -EAGAIN: no message came; sleep on notify.word while it is
 * ret->word. -ENOENT: the registration has ended.
 */
int msgq_notify_take(struct msgq *q, uint32_t pid, uint32_t cookie, struct msgq_notify *ret);

/* Removes a dead process: its registration and its places among the sleepers. The next user repairs
 * an operation that it did not complete, because only the queue's users limit the time of a repair;
 * sleepers are woken for that. 0; -EBUSY: the guard is taken and may_wait is false. */
int msgq_leave(struct msgq *q, uint32_t pid, bool may_wait);

#endif
