/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * segment.h - the head of a System V shared memory segment's file
 *
 * The head has SEGMENT_HEAD_BYTES, a multiple of every page size. Behind it is the memory that
 * shmat(2) maps, up to the end of the file. All zero bytes are a segment that no process has
 * attached.
 *
 * Notes name the processes that have it attached. The kernel tells how often, and whether they
 * still have it, because mappings also end with exec and exit. The number in a note is used only if
 * a process's maps may not be read.
 */
#ifndef VC_IPCMAP_SEGMENT_H
#define VC_IPCMAP_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;

#define SEGMENT_HEAD_BYTES 65536
#define SEGMENT_PROCESSES 8000 /* processes that have it attached */

struct segment_note {
	uint32_t pid; /* 0: free */
	uint32_t attached;
};

struct segment_head {
	uint32_t guard;
	uint32_t removed;            /* by IPC_RMID; it is deleted with its last attachment */
	uint32_t owner_seq;          /* changes with each IPC_SET */
	uint32_t locked;             /* by SHM_LOCK */
	uint32_t creator, last;      /* PIDs of shmget(), and of the last shmat() or shmdt() */
	int64_t atime, dtime, ctime; /* seconds since 1970; 0: never, or since its creation */
	uint32_t n_notes;            /* notes from this one on were never used */
	uint32_t unused;
	struct segment_note notes[SEGMENT_PROCESSES];
};

/* Adds n, which may be negative, to the process's attachments. 0; -ENOSPC: too many processes;
 * -EIDRM: the head is broken. Callers block all signals. */
int segment_note(struct segment_head *head, pid_t pid, int n);

/* Sets the number of attachments of a forked child. */
int segment_note_fork(struct segment_head *head, pid_t pid, uint32_t n);

/* The present number of attachments of the file fd. *ret_absent: those of processes that do not
 * exist, because they have died or are being moved. */
unsigned long segment_attached(const struct segment_head *head, int fd, unsigned long *ret_absent);

/* The same for a file. here: the known number of attachments of the process self, or -1. */
unsigned long segment_attached_but(const struct segment_head *head, const struct stat *file,
				   pid_t self, long here, unsigned long *ret_absent);

/* Removes the notes of processes that do not exist. is_away: whether any process is being moved;
 * NULL: none is. */
void segment_forget_gone(struct segment_head *head, bool (*is_away)(void *ctx), void *ctx);

/* Removes a dead process. 0; -EBUSY: the guard is taken and may_wait is false. */
int segment_leave(struct segment_head *head, pid_t pid, bool may_wait);

#endif
