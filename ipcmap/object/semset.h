/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * semset.h - a System V semaphore set in shared memory
 *
 * The object's file:
 *
 * 	head | waiter slots | undo slots' PIDs | redo log | semaphores | undo adjustments
 *
 * All zero bytes are a new set of semget(2), so it needs no initialisation. The number of
 * semaphores follows from the file's size. A change of more than one word is written to the log
 * first, as absolute values, and is valid when head.log_n has the number of entries. If the guard's
 * last holder died, the next one applies the log again.
 *
 * All data in the memory may be hostile: other processes may spoil the set, but they can neither
 * crash its users nor stop them permanently. A broken set gives -EIDRM.
 *
 * pid is always the caller's. Callers block all signals.
 */
#ifndef VC_IPCMAP_SEMSET_H
#define VC_IPCMAP_SEMSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sem.h>

#define SEMSET_VALUE_MAX 32767 /* SEMVMX; also the bound of SEM_UNDO adjustments */
#define SEMSET_OPS_MAX 500     /* SEMOPM: of one semop() */
#define SEMSET_NSEMS_MAX 32000 /* SEMMSL */
#define SEMSET_UNDOERS 1024    /* processes that have adjustments */
#define SEMSET_WAITERS 512     /* sleepers that GETNCNT and GETZCNT count */

struct semset_waiter {
	uint32_t pid; /* 0: free */
	uint32_t index;
	uint32_t zero; /* waits for zero, else for an increase */
	uint32_t unused;
};

struct semset_head {
	uint32_t guard;
	uint32_t removed;   /* by IPC_RMID */
	uint32_t owner_seq; /* counts IPC_SET: users check their permissions again */
	uint32_t log_n;     /* valid entries of the log */
	uint32_t log_slot;  /* the undo slot of its adjustments */
	uint32_t unused;
	int64_t otime, ctime; /* seconds since 1970; 0: never, or since its creation */
	uint64_t reserved[2];
	struct semset_waiter waiters[SEMSET_WAITERS];
	uint32_t undo_pids[SEMSET_UNDOERS]; /* 0: free */
};

struct semset_sem {
	uint64_t state;   /* value in the lower half, PID of the last operation in the upper */
	uint32_t epoch;   /* counts SETVAL, SETALL: adjustments of another epoch are void */
	uint32_t seq;     /* futex of its sleepers */
	uint32_t waiters; /* there may be sleepers */
	uint32_t unused;
};

struct semset_undo {
	int32_t adjust;
	uint32_t epoch;
};

struct semset_redo {
	uint32_t index;
	uint32_t value; /* of the semaphore, or the adjustment */
	uint32_t pid;   /* SEMSET_REDO_ADJUST: it is an adjustment */
	uint32_t epoch;
};

#define SEMSET_REDO_ADJUST UINT32_MAX

/* A set as a process has it mapped. */
struct semset {
	struct semset_head *head;
	struct semset_redo *log;
	struct semset_sem *sems;
	struct semset_undo *undo; /* [slot * nsems + index] */
	uint32_t nsems;
	bool readonly; /* only semset_get*() and semset_try_zero() may be called */
};

/* The size of a file with that number of semaphores. */
uint64_t semset_size(uint32_t nsems);

/* The number of semaphores of a file of that size; 0: no set has that size. */
uint32_t semset_nsems(uint64_t size);

/* Sets ret to the parts of a mapped file. -EINVAL: no set has that size. */
int semset_view(void *base, uint64_t size, bool readonly, struct semset *ret);

/* Why semset_try() would block. */
struct semset_block {
	uint32_t *word; /* sleep on it while it is value, then try again */
	uint32_t value;
	int slot; /* the sleeper's, or -1; semset_unblock() frees it */
};

/*
 * semop(): all operations or none. 0; -EINPROGRESS: it would block, see ret; -EAGAIN: the same with
 * IPC_NOWAIT; -ERANGE, -EFBIG, -EINVAL as semop(2); -ENOSPC: no room for another process's
 * adjustments; -EIDRM: removed or broken.
 */
int semset_try(struct semset *set, const struct sembuf *ops, size_t n, uint32_t pid,
	       struct semset_block *ret);

/* The same for operations that all wait for zero, on a read-only set. Its sleepers are not woken:
 * they must look again from time to time. */
int semset_try_zero(const struct semset *set, const struct sembuf *ops, size_t n,
		    struct semset_block *ret);
void semset_unblock(struct semset *set, struct semset_block *block);

/* semctl(): GETVAL GETPID GETNCNT GETZCNT. Returns the answer, -EINVAL or -EIDRM. */
int semset_get(struct semset *set, uint32_t index, int command);
int semset_get_all(struct semset *set, unsigned short *ret);

/* SETVAL with n = 1, SETALL with index 0 and n = nsems. 0, -ERANGE, -EINVAL, -EIDRM. */
int semset_set(struct semset *set, uint32_t index, const unsigned short *values, uint32_t n,
	       uint32_t pid);

/* Marks the set as removed and wakes all sleepers. */
void semset_remove(struct semset *set);

/* Removes a process that ends: applies its adjustments, frees its waiter slots, and completes its
 * last operation. 0; -EBUSY: the guard is taken and may_wait is false. */
int semset_leave(struct semset *set, uint32_t pid, bool may_wait);

#endif
