/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peek.h - data of a thread that the kernel does not show (libmig's own)
 *
 * A move needs data that /proc lacks, above all the end of an interrupted wait and the Landlock
 * domain. A small BPF program reads it from the kernel's own structures. It needs Linux 6.1, the
 * kernel's description of its types (BTF), and CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON.
 */
#ifndef VC_LIBMIG_PEEK_H
#define VC_LIBMIG_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "common/err.h"

/* Words of the security modules' data that are searched; no kernel has more. */
#define PEEK_LSM_WORDS 28

/* Words of a thread: a number, a pointer, or flags. */
enum peek_word {
	PEEK_FLAGS,           /* task_struct::flags */
	PEEK_THREAD_FLAGS,    /* those of the architecture */
	PEEK_POLICY,          /* its memory policy; 0: the default */
	PEEK_SESSION_KEYRING, /* the keyring's number */
	PEEK_PROCESS_KEYRING, /* 0: none */
	PEEK_THREAD_KEYRING,
	PEEK_SEGMENTS,        /* those of modify_ldt(2); 0: none */
	PEEK_UNDO,            /* address of its list for SEM_UNDO; 0: none */
	PEEK_TO_COME,         /* flags of future mappings (mlockall(2), MCL_FUTURE); 0: none */
	PEEK_SYSCALL_WORK,    /* flags about its system calls */
	PEEK_REQUEST_KEYRING, /* the keyring for requested keys; 0: the default */
	PEEK_N_WORDS,
};

struct peek;

/* restart is the address of the kernel's function that continues an interrupted system call; it
 * decides which of the fields about sleep, poll and futex are valid. Their ends are times of
 * CLOCK_MONOTONIC, or of sleep_clock. */
struct peek_task {
	pid_t tid;
	uint64_t restart;
	int sleep_clock;
	uint64_t sleep_end_nsec;
	uint64_t sleep_rest; /* argument rem of nanosleep(2); 0: none */
	bool poll_ends;
	uint64_t poll_end_nsec;
	uint64_t futex_end_nsec;
	/* ITIMER_REAL of its process, on CLOCK_MONOTONIC; it may have expired. */
	bool alarm_runs;
	uint64_t alarm_end_nsec, alarm_interval_nsec;
	uint64_t mm_flags; /* 0: it has no memory */
	uint32_t securebits;
	uint32_t words_known; /* bit i: words[i] could be read */
	uint64_t words[PEEK_N_WORDS];
	/* Data of the security modules: as many words as the reader reads. */
	bool lsm_known;
	uint64_t lsm[PEEK_LSM_WORDS];
};

/*
 * Makes a reader of tasks with the first PEEK_LSM_WORDS words of the security modules' data. Takes
 * about 10 ms, most of it for the kernel's description of its types. Free *ret with peek_free().
 * Returns 0, or -errno with err; -EOPNOTSUPP: this kernel does not permit it.
 */
int peek_new(struct peek **ret, struct vc_err *err);
/* Makes a reader of one of these words. Takes a fraction of a millisecond. */
int peek_narrow(const struct peek *peek, unsigned int word, struct peek **ret, struct vc_err *err);
void peek_free(struct peek *peek); /* NULL is accepted */
DEFINE_CLEANUP(struct peek *, peek_freep, peek_free);

/* Hands a reader of one word over to a program, in a child before exec. Returns the descriptor,
 * which stays open, and a number. The program calls peek_take_over() with both. */
int peek_hand_over(const struct peek *peek, uint32_t *ret_level);
int peek_take_over(int fd, uint32_t level, struct peek **ret);

/* Reads all threads of a process that the caller sees as pid. The caller frees *ret. Returns 0, or
 * -errno with err; -ESRCH: it has ended. */
int peek_process(const struct peek *peek, pid_t pid, struct peek_task **ret, size_t *ret_n,
		 struct vc_err *err);
/* Reads one thread. */
int peek_thread(const struct peek *peek, pid_t tid, struct peek_task *ret, struct vc_err *err);

/* Reads memory of the kernel at an address. iterator: btf_task_iterator(). Loads a program for each
 * 448 bytes. Returns 0 or -errno; -EFAULT: the address is not valid. */
int peek_copy(uint32_t iterator, uint64_t address, void *buf, size_t size);

/* A mapping, and the home node of its memory policy. */
struct peek_home {
	uint64_t start;
	int32_t node, unused; /* negative: none */
};

/* Reads those of a process. The caller frees *ret. Returns 0, or -errno with err. */
int peek_homes(pid_t pid, struct peek_home **ret, size_t *ret_n, struct vc_err *err);

#endif
