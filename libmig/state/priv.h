/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - what the state-*.c files share
 *
 *	state.c         the threads of the tree; the order of things
 *	call.c          what is asked for, and put back, by one system call
 *	keys.c          keyrings
 *	maps.c          mappings
 *	memory.c        memory policies, and memory to come
 *	lock.c          POSIX locks
 *	segment.c System V objects
 *	sign.c          threads that need not be asked
 *	dispatch.c        system calls that go to the program
 *	undo.c          semaphore operations to be undone
 *	sched.c         scheduling, and what else is set from outside
 *
 * A reader looks at one thread or process and adds what is to be done in the restored tree:
 * a call in one of its threads, or a function of the mover's.
 */
#ifndef VC_LIBMIG_STATE_PRIV_H
#define VC_LIBMIG_STATE_PRIV_H

#include <sched.h>
#include <stdint.h>

#include "libmig/criu/hold.h"
#include "libmig/state/state.h"

#define STATE_NODES_MAX 1024 /* the kernel's largest MAX_NUMNODES */
#define STATE_MAP_LINE 96
#define STATE_ARCH_GET_CPUID 0x1011
#define STATE_ARCH_SET_CPUID 0x1012

struct state_nodes {
	uint64_t bits[STATE_NODES_MAX / 64];
};

/* In the data of a call: the mode, then the nodes. */
struct state_policy {
	int32_t mode, unused;
	struct state_nodes nodes;
};

/* When it is put back: what forbids something later comes last. */
enum state_turn {
	STATE_EARLY,
	STATE_LATE,
	STATE_TURNS,
};

struct state_keeper;

struct state_item {
	const char *what; /* "the memory policy" */
	pid_t pid, tid;
	bool must;
	enum state_turn turn;
	/* Makes the call fit the place where the tree is now; NULL: it is right as it is. */
	int (*adapt)(const struct state_item *item, struct inject_call *call);
	/* In place of a call. 0 or -errno. NULL: the call is made. */
	int (*put)(const struct state_item *item, struct hold *hold);
	struct inject_call call;     /* its data is put's, where there is no call */
	struct state_keeper *keeper; /* of a keyring */
	uint64_t dev, ino;           /* a lock's file */
	char map[STATE_MAP_LINE];    /* of a mapping: its line in maps, up to the inode; "": none */
	bool unlock;                 /* the mapping is to be restored without being locked */
};

struct state {
	struct state_item *items;
	size_t n;
	struct state_keeper *keepers;
	bool segments;      /* there are some in its IPC namespace */
	struct vc_err *err; /* while it is taken */
};

/* What the kernel's own data shows of a thread. */
enum state_sign {
	STATE_SIGN_NONE, /* it does not */
	STATE_SIGN_MCE,
	STATE_SIGN_TSC,
	STATE_SIGN_CPUID,
	STATE_SIGN_DISPATCH,
	STATE_SIGN_REQUEST_KEYRING,
	STATE_SIGN_POLICY,
	STATE_SIGN_SESSION_KEYRING,
	STATE_SIGN_PROCESS_KEYRING,
	STATE_SIGN_THREAD_KEYRING,
	STATE_SIGN_SEGMENTS,
	STATE_SIGN_TO_COME,
	STATE_SIGN_UNDO,
	STATE_SIGN_FLUSHER,
	STATE_SIGN_PORTS,
	STATE_SIGN_MDWE,
	STATE_SIGNS,
};

struct peek_task;

/* A process while it is read. */
struct state_proc {
	struct state *state;
	struct hold *hold;
	pid_t pid;
	pid_t *tids;
	size_t n_tids;
	struct peek_task *seen; /* NULL: nothing can be seen */
	size_t n_seen;
};

/* The new item, to be filled in; NULL: no memory, and err is set. */
struct state_item *state_add(struct state *state, const char *what, pid_t pid, pid_t tid);
/* "pid 12 (name): " and the sentence; -EOPNOTSUPP. */
int state_refuse(const struct state_proc *proc, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A call in a thread of the frozen tree. *ret_value: its result or -errno; -ESRCH: the thread
 * is dead. Negative, with err: it could not be made. */
int state_ask(const struct state_proc *proc, pid_t tid, struct inject_call *call, long *ret_value);

/* Once, while no tree stands still. */
void state_sign_learn(void);
/* What can be seen of the process's threads; the caller frees proc->seen. */
void state_sign_see(struct state_proc *proc);
/* The value behind the sign; false: it cannot be seen. */
bool state_sign_value(const struct state_proc *proc, pid_t tid, enum state_sign sign,
		      uint64_t *ret);
/* False: the thread need not be asked. */
bool state_sign_may_have(const struct state_proc *proc, pid_t tid, enum state_sign sign);
/* True: the sign is known and seen. */
bool state_sign_has(const struct state_proc *proc, pid_t tid, enum state_sign sign);

/* Each returns 0, or -errno with the error written. */
int state_call_read(const struct state_proc *proc);
/* Of any process of the tree, which has one IPC namespace. */
int state_segment_read(const struct state_proc *proc);
/* The others' turn: how each has segments attached. */
int state_segment_read_attached(const struct state_proc *proc);
int state_memory_read(const struct state_proc *proc);
int state_sched_read(const struct state_proc *proc);
int state_sched_read_zombie(const struct state_proc *proc);
int state_lock_read(const struct state_proc *proc);
int state_maps_read(const struct state_proc *proc);
int state_keys_read(const struct state_proc *proc);
int state_undo_read(const struct state_proc *proc);
int state_dispatch_read(const struct state_proc *proc);
void state_keys_free(struct state_keeper *keeper);
/* Drops what is about mappings that are not there any more. */
void state_maps_check(struct state *state);

/* "0-1,3" and whatever follows. */
void state_memory_parse_nodes(const char *text, struct state_nodes *ret);
/* The nodes that a process may use. 0 or -errno. */
int state_memory_read_nodes(pid_t pid, struct state_nodes *ret);
/* Makes it the data of the item's call, whose nodes will be the target's. Whether it has any. */
int state_memory_adapt(const struct state_item *item, struct inject_call *call);
bool state_memory_fill(struct state_policy policy, const struct state_nodes *allowed,
		       struct state_item *item);

#endif
