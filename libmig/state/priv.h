/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - the attributes of a tree while they are read, shared by the files of state/
 *
 *	state.c      the threads of the tree; the order of all steps
 *	call.c       attributes that one system call shows and another one sets
 *	sched.c      scheduling, and attributes that /proc shows
 *	maps.c       mappings
 *	policy.c     memory policies
 *	mlockall.c   locking of future mappings
 *	lock.c       POSIX locks
 *	segment.c    System V objects
 *	undo.c       semaphore operations to be undone
 *	keys.c       keyrings
 *	dispatch.c   system calls that go to the program
 *	sign.c       threads that need not be asked
 *
 * A reader looks at one thread or process and adds items: what to do in the restored tree, a system
 * call in one of its threads or a function of the mover. timers.c and waits.c are apart from this.
 */
#ifndef VC_LIBMIG_STATE_PRIV_H
#define VC_LIBMIG_STATE_PRIV_H

#include <stdint.h>

#include "libmig/criu/hold.h"
#include "libmig/state/state.h"

#define STATE_MAPS_MAX (1u << 30) /* bytes of /proc/PID/maps */
#define STATE_MAP_LINE 96
#define STATE_ARCH_GET_CPUID 0x1011
#define STATE_ARCH_SET_CPUID 0x1012

/* When an item is put back. An attribute that forbids other calls is late. */
enum state_turn {
	STATE_EARLY,
	STATE_LATE,
	STATE_TURNS,
};

struct state_keeper;

struct state_item {
	const char *what; /* "the memory policy" */
	pid_t pid, tid;
	bool must; /* it confines the job: without it the job must not run */
	enum state_turn turn;
	/* Adapts the call to the target. Returns 0 or -errno. NULL: nothing to adapt. */
	int (*adapt)(const struct state_item *item, struct inject_call *call);
	/* Puts the item back instead of the call. Returns 0 or -errno. NULL: the call is made. */
	int (*put)(const struct state_item *item, struct hold *hold);
	struct inject_call call;     /* put() may use its arguments and data */
	struct state_keeper *keeper; /* of a keyring */
	uint64_t dev, ino;           /* a lock's file */
	char map[STATE_MAP_LINE];    /* a mapping's line in maps, up to the inode; "": no mapping */
	bool unlock;                 /* the mapping is restored unlocked */
};

struct state {
	struct state_item *items;
	size_t n;
	struct state_keeper *keepers;
	bool has_segments;       /* in the job's IPC namespace */
	struct vc_err *err;      /* while it is taken */
	struct state_item spare; /* see state_add() */
	bool no_memory;          /* the spare item was used */
};

/* What the kernel's own data shows of a thread (sign.c). */
enum state_sign {
	STATE_SIGN_NONE, /* nothing */
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
	struct peek_task *seen; /* NULL: not known */
	size_t n_seen;
};

/* A mapping as one block of smaps shows it. */
struct state_map {
	char line[STATE_MAP_LINE]; /* "START-END PERMS OFFSET DEVICE INODE" */
	char perms[8];
	char name[64]; /* of anonymous memory; "": none */
	uint64_t start, end, rss_kib;
	unsigned long key;
	bool sealed, locked, locked_on_fault;
	bool memfd, may_write;
};

/* Adds an item about a thread and returns it, for the caller to fill in. It is valid until the next
 * call. Never NULL: without memory it is a spare one, and the whole take fails later. */
struct state_item *state_add(const struct state_proc *proc, const char *what, pid_t tid);
/* Writes the error "pid 12 (name): " and the sentence. Returns -EOPNOTSUPP. */
int state_refuse(const struct state_proc *proc, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Makes a call in a thread of the frozen tree. Returns 0 with its result or -errno in *ret_value
 * (-ESRCH: the thread is dead), or -errno with the error written: the call could not be made. */
int state_ask(const struct state_proc *proc, pid_t tid, struct inject_call *call, long *ret_value);

/* Learns the signs, once per process. To be called while no tree is frozen. */
void state_sign_learn(void);
/* Reads the kernel's data about the process's threads. The caller frees proc->seen. */
void state_sign_see(struct state_proc *proc);
/* Reads the value of a sign. Returns false when it is not known. */
bool state_sign_value(const struct state_proc *proc, pid_t tid, enum state_sign sign,
		      uint64_t *ret);
/* Returns false when the thread certainly does not have the attribute. */
bool state_sign_may_have(const struct state_proc *proc, pid_t tid, enum state_sign sign);
/* Returns true when the thread certainly has the attribute. */
bool state_sign_has(const struct state_proc *proc, pid_t tid, enum state_sign sign);

/* Readers. Each returns 0, or -errno with the error written. */
int state_call_read(const struct state_proc *proc);
int state_dispatch_read(const struct state_proc *proc);
int state_keys_read(const struct state_proc *proc);
int state_lock_read(const struct state_proc *proc);
int state_maps_read(const struct state_proc *proc);
int state_mlockall_read(const struct state_proc *proc);
int state_policy_read(const struct state_proc *proc);
int state_policy_read_maps(const struct state_proc *proc);
int state_sched_read(const struct state_proc *proc);
int state_sched_read_zombie(const struct state_proc *proc);
/* For one process of the tree: the objects of the IPC namespace, which all processes share. */
int state_segment_read(const struct state_proc *proc);
/* For each process: how it has segments attached. */
int state_segment_read_attached(const struct state_proc *proc);
int state_undo_read(const struct state_proc *proc);

void state_keys_free(struct state_keeper *keeper); /* NULL is accepted */

/* Parses the first line of a mapping in maps or smaps. Returns false when it is not one. */
bool state_maps_parse(const char *line, struct state_map *ret);
/* Adds an item with a call whose first arguments are the mapping's start and length. */
struct state_item *state_maps_add(const struct state_proc *proc, const char *what,
				  const struct state_map *map, long nr);
/* Drops the items about mappings that do not exist any more. */
void state_maps_check(struct state *state);

#endif
