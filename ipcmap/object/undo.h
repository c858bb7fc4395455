/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * undo.h - what a daemon does to an object's memory when one of its openers has died
 *
 * A process that is killed can no more undo its SEM_UNDO operations, nor finish what it was in the
 * middle of, nor end its mq_notify(). The daemon that counts it out does this here. What it
 * finds in the memory is hostile: everything is checked and bounded, the lock is only tried, and
 * a file that is cut short under the daemon's hands is survived.
 */
#ifndef VC_IPCMAP_UNDO_H
#define VC_IPCMAP_UNDO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where in the file of a System V object the word is that changes with its owner or mode. */
#define UNDO_OWNER_SEQ_AT 8
/* And the word that is 1 as soon as the object is removed. */
#define UNDO_REMOVED_AT 4

/* Whether objects of that kind want undo_leave() to be called. */
bool undo_wanted(uint32_t kind);

/* Of a segment's file: segment_forget_gone(). */
void undo_forget_gone(int fd, uint64_t size, bool (*is_away)(void *ctx), void *ctx);

/*
 * The process pid is dead, and not in the middle of a move; 0: nobody has died. fd is the object's
 * file, open for reading and writing, size its bytes; unlinked: the object has been removed, so
 * sleepers are told. Single-threaded callers only: SIGBUS is caught meanwhile.
 *
 * 0: done, or nothing to do. -EAGAIN: somebody is at work in the object; call again soon.
 * -EBADMSG: it is damaged; nothing more can be done. -ENOMEM and other errors of mmap(2).
 */
int undo_leave(int fd, uint32_t kind, uint64_t size, pid_t pid, bool unlinked);

#endif
