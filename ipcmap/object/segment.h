/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * segment.h - what a System V shared memory segment's file has in front of the memory
 *
 * The head takes SEGMENT_HEAD_BYTES, a multiple of every page size; behind it are the bytes
 * that shmat(2) maps, to the last one of the file. All zero bytes are a segment that nobody has
 * attached yet.
 *
 * Who has it attached is noted by PID. How often, and whether still, the kernel says: a
 * process' mappings end with exec and exit as they do with shmdt(2). Only where its maps may not
 * be read is the note's own number taken.
 */
#ifndef VC_IPCMAP_SEGMENT_H
#define VC_IPCMAP_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;

#define SEGMENT_HEAD_BYTES 65536
#define SEGMENT_PROCESSES 8000 /* that can have it attached at a time */

struct segment_note {
	uint32_t pid; /* 0: free */
	uint32_t attached;
};

struct segment_head {
	uint32_t guard;
	uint32_t removed;            /* by IPC_RMID; goes with the last who has it attached */
	uint32_t owner_seq;          /* changes with each IPC_SET */
	uint32_t locked;             /* by SHM_LOCK */
	uint32_t creator, last;      /* PIDs of shmget(), and of the last shmat() or shmdt() */
	int64_t atime, dtime, ctime; /* seconds since 1970, 0: never, and when it was made */
	uint32_t n_notes;            /* notes from here on were never used */
	uint32_t unused;
	struct segment_note notes[SEGMENT_PROCESSES];
};

/* Adds n, which may be negative, to the process' attachments. 0; -ENOSPC: too many processes;
 * -EIDRM: the head is broken. Called with all signals blocked. */
int segment_note(struct segment_head *head, pid_t pid, int n);

/* The same, but to the number and not by it: what a forked child begins with. */
int segment_note_fork(struct segment_head *head, pid_t pid, uint32_t n);

/* How many attachments there are now of the file that fd is; and how many are noted of processes
 * that there are not, which have died or are being moved. */
unsigned long segment_attached(const struct segment_head *head, int fd, unsigned long *ret_absent);

/* The same of a file; of the process self it is known that it has it attached here times; -1: it is
 * not. */
unsigned long segment_attached_but(const struct segment_head *head, const struct stat *file,
				   pid_t self, long here, unsigned long *ret_absent);

/* Forgets processes that there are not. is_away: whether some process is being moved; NULL: none
 * ever is. */
void segment_forget_gone(struct segment_head *head, bool (*is_away)(void *ctx), void *ctx);

/* A process has died. 0; -EBUSY: the guard is taken, and may_wait is false. */
int segment_leave(struct segment_head *head, pid_t pid, bool may_wait);

#endif
