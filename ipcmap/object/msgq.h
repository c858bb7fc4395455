/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * msgq.h - a queue of messages in shared memory, as System V and POSIX have them
 *
 * The file of the object: a head, then blocks of 64 bytes. A message is one block and as many
 * more as its bytes need; messages are a list through their first blocks. All zero bytes are
 * an empty queue of System V's. Indices in the memory are one higher than the block's, so
 * that 0 means none.
 *
 * Crash safety: a message counts from the store that links it, and is gone with the one that
 * unlinks it, after its bytes were copied out. All else (counts, the tail, the free
 * list) can be worked out from the list, and is, when the guard's last holder died or when
 * something does not add up. Hostile bytes: every index is checked, every walk is bounded.
 *
 * Calls are made with all signals blocked. Their buffers must be valid.
 */
#ifndef VC_IPCMAP_MSGQ_H
#define VC_IPCMAP_MSGQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MSGQ_RECEIVERS 64 /* sleepers that keep a notification from being sent */
#define MSGQ_QBYTES_NONE UINT32_MAX
#define MSGQ_FIRST_BYTES 40
#define MSGQ_MORE_BYTES 60

enum msgq_fired {
	MSGQ_STANDS = 0,
	MSGQ_FIRED = 1, /* a message came; the process is still to be told */
	MSGQ_MUTE = 2,  /* it stands, and ends with a message of which nobody is to be told */
};

/* mq_notify()'s registration. How the process is told stays in its own memory: nobody signals
 * anybody because shared bytes say so. */
struct msgq_notify {
	uint32_t pid;    /* 0: nobody */
	uint32_t word;   /* futex of the process' helper; changes with the rest */
	uint32_t fired;  /* enum msgq_fired */
	uint32_t cookie; /* of this registration; no other has had it for long */
	uint32_t sender_pid, sender_uid;
};

struct msgq_head {
	uint32_t guard;
	uint32_t removed;   /* by IPC_RMID */
	uint32_t owner_seq; /* counts IPC_SET */
	uint32_t ready;     /* POSIX: 1, max_messages and message_bytes are set */
	uint32_t readers_seq, readers_waiting; /* futex of who waits for a message; some may */
	uint32_t writers_seq, writers_waiting; /* the same for room */
	uint32_t first, last, free;
	uint32_t fresh;  /* blocks from here on were never used */
	uint32_t n;      /* messages */
	uint32_t qbytes; /* System V's msg_qbytes; 0: not set yet, the file's room;
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
		uint32_t more; /* of this message, or of the free list; where all forms have it */
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

/* A queue as this process has it mapped. */
struct msgq {
	struct msgq_head *head;
	struct msgq_block *blocks;
	uint32_t n_blocks;
	uint32_t qbytes_max; /* System V: what the file has room for */
};

/* Bytes of a System V queue's file whose msg_qbytes shall be that much, and can be raised to
 * four times as much. */
uint64_t msgq_size_sysv(uint32_t qbytes);

/* Of a POSIX queue's. */
uint64_t msgq_size_posix(uint32_t max_messages, uint32_t message_bytes);

/* The parts of the size bytes at base. -EINVAL: no queue has that size. */
int msgq_view(void *base, uint64_t size, struct msgq *ret);

/* The sum of sizes that a System V queue takes now. */
uint32_t msgq_qbytes(const struct msgq *q);

/* The same, of a file of that size whose head says qbytes. */
uint32_t msgq_qbytes_of(uint32_t qbytes, uint64_t size);

/* Where a call had to stop: sleep on word while it is value, then try again. */
struct msgq_block_on {
	uint32_t *word;
	uint32_t value;
	int slot; /* msgq_unblock() gives it back */
};

struct msgq_message {
	int64_t type; /* POSIX: the priority */
	void *data;
	size_t size;
	/* Receiving: whether size bytes of data can be written, 0 or -EFAULT; NULL: they can. */
	int (*check)(void *data, size_t size);
};

/*
 * Appends a message; POSIX: before those of lower priority. 0; -EINPROGRESS: no room, see
 * ret; -EIDRM: removed, or broken.
 */
int msgq_send(struct msgq *q, const struct msgq_message *message, bool posix, uint32_t pid,
	      struct msgq_block_on *ret);

/*
 * Takes the message that msgrcv(2)'s type and flags ask for; type 0 is the first one. Its size
 * bytes are the room there is; what it became, and its type, are put into message. 0; -EINPROGRESS:
 * there is none, see ret (may be NULL); -E2BIG: it is larger and flags has no
 * MSG_NOERROR; -ENOMSG: none, with MSG_COPY; -EFAULT: it is lost, as in the kernel; -EIDRM.
 */
int msgq_receive(struct msgq *q, struct msgq_message *message, int64_t type, int flags,
		 uint32_t pid, bool posix, struct msgq_block_on *ret);

void msgq_unblock(struct msgq *q, struct msgq_block_on *block);

struct msgq_watch {
	bool readable, writable; /* there are messages, there is room */
	uint32_t seqs[2];        /* readers_seq and writers_seq until the next change */
};

/* POSIX: calls f while nobody can change the queue, and has the next change wake. 0 or -EIDRM. */
int msgq_watch(struct msgq *q, void (*f)(void *arg, const struct msgq_watch *watch), void *arg);

/* Marks the queue as removed and wakes all. */
void msgq_remove(struct msgq *q);

/* Sets msg_qbytes, and wakes senders. -EINVAL: more than the file has room for. */
int msgq_set_qbytes(struct msgq *q, uint64_t qbytes);

/* mq_notify(): registers the process; mute: with SIGEV_NONE. ret_cookie is of this registration,
 * and what notify.word is then. -EBUSY: another is registered. */
int msgq_notify_begin(struct msgq *q, uint32_t pid, bool mute, uint32_t *ret_cookie);

/* The process' registration ends. 0; -ENOENT: it has none. */
int msgq_notify_end(struct msgq *q, uint32_t pid);

/*
 * What has become of a registration. 0: a message came, and it has ended with this call, which
 * is to tell the process; who sent the message is in ret. -EAGAIN: it stands; sleep on
 * notify.word while that is ret->word. -ENOENT: it has ended.
 */
int msgq_notify_take(struct msgq *q, uint32_t pid, uint32_t cookie, struct msgq_notify *ret);

/* Ends what a process that has died had here: its registration, its places among the sleepers.
 * What it left half done is repaired by the next user, as that takes a time that only the queue's
 * users limit; those that sleep are woken for it. 0; -EBUSY: the guard is taken and may_wait is
 * false. */
int msgq_leave(struct msgq *q, uint32_t pid, bool may_wait);

#endif
