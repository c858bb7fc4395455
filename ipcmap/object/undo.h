/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * undo.h - a daemon's cleanup of an object after the death of an opener
 *
 * A killed process can neither undo its SEM_UNDO operations, nor complete its last operation, nor
 * end its mq_notify() registration. The daemon that counts it out does this here. The memory may be
 * hostile: everything is checked and bounded, the guard is only tried, and a file that becomes
 * shorter at the same time does no harm.
 */
#ifndef VC_IPCMAP_UNDO_H
#define VC_IPCMAP_UNDO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The offset of the word that changes with the owner or mode of a System V object. */
#define UNDO_OWNER_SEQ_AT 8
/* The offset of the word that is 1 if the object was removed. */
#define UNDO_REMOVED_AT 4

/* Whether objects of that kind need undo_leave(). */
bool undo_wanted(uint32_t kind);

/* segment_forget_gone() for a segment's file. */
void undo_forget_gone(int fd, uint64_t size, bool (*is_away)(void *ctx), void *ctx);

/*
 * Cleans up after the process pid, which has died and is not being moved; 0: no process has died.
 * fd is the object's file, open for reading and writing; size is its size. unlinked: the object was
 * removed, so sleepers are woken. The caller has one thread: SIGBUS is caught during the call.
 *
 * 0: done; -EAGAIN: another process holds the guard, call again soon; -EBADMSG: the object is
 * damaged and cannot be cleaned up; -ENOMEM and other errors of mmap(2).
 */
int undo_leave(int fd, uint32_t kind, uint64_t size, pid_t pid, bool unlinked);

#endif
