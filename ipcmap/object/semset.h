/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * semset.h - a System V semaphore set in shared memory
 *
 * The file of the object, front to back:
 *
 *	head | waiter slots | undo slots' PIDs | redo log | semaphores | undo adjustments
 *
 * All zero bytes are a set as semget(2) makes it, so nobody has to initialise it; the number
 * of semaphores follows from the file's size. A change of more than one word is written to the log
 * first, as absolute values, and counts from the moment when head.log_n says how many: whoever
 * finds the guard's last holder dead does what the log says once more.
 *
 * Everything in that memory is hostile: others who may write it can spoil the set, yet
 * neither crash nor stop for good who uses it. A set found broken is -EIDRM.
 *
 * pid is the caller's, everywhere. Calls are made with all signals blocked.
 */
#ifndef VC_IPCMAP_SEMSET_H
#define VC_IPCMAP_SEMSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/sem.h>

#define SEMSET_VALUE_MAX 32767 /* SEMVMX; adjustments for SEM_UNDO have the same bound */
#define SEMSET_OPS_MAX 500     /* SEMOPM: of one semop() */
#define SEMSET_NSEMS_MAX 32000 /* SEMMSL */
#define SEMSET_UNDOERS 1024    /* processes that can have adjustments at a time */
#define SEMSET_WAITERS 512     /* sleepers that GETNCNT and GETZCNT know of */

struct semset_waiter {
	uint32_t pid; /* 0: free */
	uint32_t index;
	uint32_t zero; /* waits for zero, else for an increase */
	uint32_t unused;
};

struct semset_head {
	uint32_t guard;
	uint32_t removed;   /* by IPC_RMID */
	uint32_t owner_seq; /* counts IPC_SET: who has the set open looks again what it may */
	uint32_t log_n;     /* entries of the log that are to be carried out */
	uint32_t log_slot;  /* whose adjustments these are about */
	uint32_t unused;
	int64_t otime, ctime; /* seconds since 1970, 0: never, and when it was made */
	uint64_t reserved[2];
	struct semset_waiter waiters[SEMSET_WAITERS];
	uint32_t undo_pids[SEMSET_UNDOERS]; /* 0: free */
};

struct semset_sem {
	uint64_t state;   /* value in the lower half, PID of the last operation in the upper */
	uint32_t epoch;   /* counts SETVAL, SETALL: adjustments of another epoch are void */
	uint32_t seq;     /* futex of its sleepers */
	uint32_t waiters; /* there may be some */
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

/* A set as this process has it mapped. */
struct semset {
	struct semset_head *head;
	struct semset_redo *log;
	struct semset_sem *sems;
	struct semset_undo *undo; /* [slot * nsems + index] */
	uint32_t nsems;
	bool readonly; /* mapped so: only semset_get*() and semset_try_zero() may be called */
};

/* Bytes of a file for so many semaphores. */
uint64_t semset_size(uint32_t nsems);

/* How many a file of that size has; 0: it is none of a set's. */
uint32_t semset_nsems(uint64_t size);

/* The parts of the size bytes at base. -EINVAL: no set has that size. */
int semset_view(void *base, uint64_t size, bool readonly, struct semset *ret);

/* Where semset_try() had to stop. */
struct semset_block {
	uint32_t *word; /* sleep on it while it is value, then try again */
	uint32_t value;
	int slot; /* of the sleeper, -1: all were taken; semset_unblock() gives it back */
};

/*
 * semop(): all operations or none. 0; -EINPROGRESS: would block, see ret; -EAGAIN: would, with
 * IPC_NOWAIT; -ERANGE, -EFBIG, -EINVAL as semop(2); -ENOSPC: no room for one more
 * process' adjustments; -EIDRM: removed, or broken.
 */
int semset_try(struct semset *set, const struct sembuf *ops, size_t n, uint32_t pid,
	       struct semset_block *ret);

/* The same of operations that all wait for zero, on a set that may only be read. Nobody wakes who
 * sleeps then: look again now and then. */
int semset_try_zero(const struct semset *set, const struct sembuf *ops, size_t n,
		    struct semset_block *ret);
void semset_unblock(struct semset *set, struct semset_block *block);

/* semctl(): GETVAL GETPID GETNCNT GETZCNT. The answer, or -EINVAL, -EIDRM. */
int semset_get(struct semset *set, uint32_t index, int command);
int semset_get_all(struct semset *set, unsigned short *ret);

/* SETVAL with n = 1, SETALL with index 0 and n = nsems. 0, -ERANGE, -EINVAL, -EIDRM. */
int semset_set(struct semset *set, uint32_t index, const unsigned short *values, uint32_t n,
	       uint32_t pid);

/* Marks the set as removed and wakes all who sleep on it. */
void semset_remove(struct semset *set);

/* Carries out the adjustments of a process that ends, and forgets that it ever waited; also
 * repairs what it left half done. 0; -EBUSY: somebody has the guard and may_wait is false. */
int semset_leave(struct semset *set, uint32_t pid, bool may_wait);

#endif
