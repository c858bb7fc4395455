/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peek.h - what the kernel knows of a thread and tells nobody (libmig's own)
 *
 * Two things that /proc lacks decide whether a move changes a job: until when an interrupted wait
 * was to last, and whether a thread is in a Landlock domain. A small BPF program reads them from
 * the kernel's own structures. It needs Linux 6.1, the kernel's description of its types (BTF), and
 * CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON.
 */
#ifndef VC_LIBMIG_PEEK_H
#define VC_LIBMIG_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

/* More than the security modules of any kernel keep with a thread's credentials. */
#define PEEK_LSM_WORDS 28

/* Of each thread one word: a number, a pointer, or flags. */
enum peek_word {
	PEEK_FLAGS,           /* task_struct::flags */
	PEEK_THREAD_FLAGS,    /* those of the architecture */
	PEEK_POLICY,          /* its memory policy; 0: the usual one */
	PEEK_SESSION_KEYRING, /* its number */
	PEEK_PROCESS_KEYRING, /* 0: none */
	PEEK_THREAD_KEYRING,
	PEEK_SEGMENTS,        /* those of modify_ldt(2); 0: none */
	PEEK_UNDO,            /* where its list for SEM_UNDO is; 0: none */
	PEEK_TO_COME,         /* flags of mappings to come (mlockall(2), MCL_FUTURE); 0: none */
	PEEK_SYSCALL_WORK,    /* what is done at its system calls */
	PEEK_REQUEST_KEYRING, /* where keys go that it requests; 0: the usual one */
	PEEK_N_WORDS,
};

struct peek;

/* What the kernel keeps of an interrupted system call, to go on with it later. restart is the
 * address of the kernel's function that will, and says which of the others mean anything. The ends
 * are readings of CLOCK_MONOTONIC, but of sleep_clock for a sleep. */
struct peek_task {
	pid_t tid;
	uint64_t restart;
	int sleep_clock;
	uint64_t sleep_end_nsec;
	uint64_t sleep_rest; /* the address in its memory that nanosleep(2) calls rem; 0: none */
	bool poll_ends;
	uint64_t poll_end_nsec;
	uint64_t futex_end_nsec;
	/* ITIMER_REAL of its process: when it expires, or has expired, on CLOCK_MONOTONIC. */
	bool alarm_runs;
	uint64_t alarm_end_nsec, alarm_interval_nsec;
	uint64_t mm_flags; /* of its memory; 0: it has none */
	uint32_t securebits;
	uint32_t words_known; /* bit i: words[i] could be read */
	uint64_t words[PEEK_N_WORDS];
	/* Of what the security modules keep with its credentials: as many words as were asked for.
	 */
	bool lsm_known;
	uint64_t lsm[PEEK_LSM_WORDS];
};

/*
 * Makes a reader of tasks and of the first PEEK_LSM_WORDS words of the security modules' data.
 * Takes some 10 ms, most of them for the kernel's description of its types. -EOPNOTSUPP: it cannot
 * be had here; err says what is missing.
 */
int peek_new(struct peek **ret, struct vc_err *err);
/* One that reads a single word of these. Takes a fraction of a millisecond. */
int peek_narrow(const struct peek *peek, unsigned int word, struct peek **ret, struct vc_err *err);
/* In a child before exec: the descriptor that the program will have, and a number that it must
 * know; the program takes both over. They stand for a reader of one word. */
int peek_hand_over(const struct peek *peek, uint32_t *ret_level);
int peek_take_over(int fd, uint32_t level, struct peek **ret);
void peek_free(struct peek *peek);

/* All threads of a process that the caller sees as pid. The caller frees *ret. -ESRCH: it has
 * ended.
 */
int peek_process(const struct peek *peek, pid_t pid, struct peek_task **ret, size_t *ret_n,
		 struct vc_err *err);

/* What the kernel has at an address of its own memory; the iterator is btf_task_iterator(). A
 * program is loaded for each PEEK_COPY_MAX bytes. 0 or -errno; -EFAULT: nothing is there. */
int peek_copy(uint32_t iterator, uint64_t address, void *buf, size_t size);

/* A mapping that has a policy of its own. */
struct peek_home {
	uint64_t start;
	int32_t node, unused; /* negative: none */
};

/* Those of a process; the caller frees *ret. */
int peek_homes(pid_t pid, struct peek_home **ret, size_t *ret_n, struct vc_err *err);

/* One thread. */
int peek_thread(const struct peek *peek, pid_t tid, struct peek_task *ret, struct vc_err *err);

#endif
