/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hold-wire.h - what is said between the mover and the module in criu
 *
 * One message a packet (SOCK_SEQPACKET), both of one build: structures as they are.
 *
 *	module                       mover
 *	                             ADOPT, if it is wanted, before criu has its request
 *	HELLO    criu has loaded me; error: it cannot ADOPT; value: whether
 *	         leaders can get their terminals
 *	                             KEEP, with objects and dead processes, until one that has
 *	                             none: these are sent behind the request of a restore
 *	FROZEN   all is stopped, nothing was done to it yet
 *	THAWING  the dump is over, or was given up; the tree still stands
 *	READY    all is restored
 *	         after each of the last three:   requests, each with its answer
 *	                                         RELEASE, without an answer
 */
#ifndef VC_LIBMIG_HOLD_WIRE_H
#define VC_LIBMIG_HOLD_WIRE_H

#include <linux/filter.h>
#include <stdint.h>

#include "libmig/criu/hold.h"
#include "libmig/keep/keep.h"
#include "libmig/module/inject.h"

/* The module's end of the socket in criu. */
#define HOLD_FD 98
/* A network namespace for the sockets of a restore (module/net.h). */
#define HOLD_NET_FD 97
#define HOLD_ENV "VCRUN_HOLD" /* set: that descriptor is there */

enum hold_op {
	HOLD_HELLO = 1,
	HOLD_ADOPT,
	HOLD_FROZEN,
	HOLD_THAWING,
	HOLD_READY,
	HOLD_CALL,
	HOLD_BREAK_OFF, /* a call that is interrupted at once */
	HOLD_GET_WAITS,
	HOLD_SET_REGS,
	HOLD_GET_FILTER,
	HOLD_GET_DISPATCH,
	HOLD_SET_DISPATCH,
	HOLD_STOP, /* value of the answer: the signal; 0: none */
	HOLD_RELEASE,
	HOLD_KEEP,
};

#define HOLD_KEEP_MAX 128
#define HOLD_ENDED_MAX 16

struct hold_keep {
	uint32_t op, n, n_ended;
	int32_t pid;                               /* the mover */
	struct keep_ended ended[HOLD_ENDED_MAX];   /* dead processes */
	struct keep_object objects[HOLD_KEEP_MAX]; /* descriptors as the mover numbers them */
};

/* The next threads of a process that were interrupted in a system call, in any order. */
#define HOLD_WAITS 4

struct hold_waits {
	uint32_t skip; /* of the request: as many were told of before */
	uint32_t n;
	struct hold_wait waits[HOLD_WAITS];
};

/* A piece of a seccomp filter: the index-th, 0 being the oldest, from an instruction on. */
#define HOLD_FILTER_PIECE 64
struct hold_filter {
	uint32_t index, from;
	struct sock_filter code[HOLD_FILTER_PIECE];
};

struct hold_message {
	uint32_t op;
	int32_t pid, tid;
	int32_t error; /* of an answer: 0 or -errno */
	int64_t value; /* of a call; of a filter: its length in instructions */
	union {
		struct inject_call call;
		struct inject_regs regs;
		struct hold_waits waits;
		struct hold_filter filter;
		struct inject_dispatch dispatch;
	};
};

#endif
