// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * undo.c - a daemon's cleanup of an object after the death of an opener
 */
#include "ipcmap/object/undo.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ipcmap/kind.h"
#include "ipcmap/object/msgq.h"
#include "ipcmap/object/segment.h"
#include "ipcmap/object/semset.h"

_Static_assert(offsetof(struct semset_head, owner_seq) == UNDO_OWNER_SEQ_AT &&
		       offsetof(struct msgq_head, owner_seq) == UNDO_OWNER_SEQ_AT &&
		       offsetof(struct segment_head, owner_seq) == UNDO_OWNER_SEQ_AT,
	       "all heads begin alike");
_Static_assert(offsetof(struct semset_head, removed) == UNDO_REMOVED_AT &&
		       offsetof(struct msgq_head, removed) == UNDO_REMOVED_AT &&
		       offsetof(struct segment_head, removed) == UNDO_REMOVED_AT,
	       "all heads begin alike");

/* Continues here if the file has become shorter. */
static sigjmp_buf undo_trap;

static void undo_on_sigbus(int signal)
{
	(void)signal;
	siglongjmp(undo_trap, 1);
}

bool undo_wanted(uint32_t kind)
{
	return kind == IPC_KIND_SYSV_SEM || kind == IPC_KIND_SYSV_MSG ||
	       kind == IPC_KIND_SYSV_SHM || kind == IPC_KIND_POSIX_MQ;
}

static int undo_semset(void *base, uint64_t size, pid_t pid, bool unlinked)
{
	struct semset set;

	if (semset_view(base, size, false, &set) < 0)
		return -EBADMSG;
	if (unlinked && !set.head->removed)
		semset_remove(&set);
	return pid ? semset_leave(&set, (uint32_t)pid, false) : 0;
}

static int undo_msgq(void *base, uint64_t size, uint32_t kind, pid_t pid, bool unlinked)
{
	struct msgq q;

	if (msgq_view(base, size, &q) < 0)
		return -EBADMSG;
	/* A POSIX queue without a name is still usable. */
	if (unlinked && kind == IPC_KIND_SYSV_MSG && !q.head->removed)
		msgq_remove(&q);
	return pid ? msgq_leave(&q, (uint32_t)pid, false) : 0;
}

#define UNDO_FORGET (-1) /* in place of a PID */
static bool (*undo_is_away)(void *ctx);
static void *undo_away_ctx;

static int undo_segment(struct segment_head *head, pid_t pid, bool unlinked)
{
	if (unlinked)
		__atomic_store_n(&head->removed, 1, __ATOMIC_RELEASE);
	if (pid == UNDO_FORGET)
		segment_forget_gone(head, undo_is_away, undo_away_ctx);
	return pid > 0 ? segment_leave(head, pid, false) : 0;
}

static int undo_mapped(void *base, uint32_t kind, uint64_t size, pid_t pid, bool unlinked)
{
	switch (kind) {
	case IPC_KIND_SYSV_SEM:
		return undo_semset(base, size, pid, unlinked);
	case IPC_KIND_SYSV_MSG:
	case IPC_KIND_POSIX_MQ:
		return undo_msgq(base, size, kind, pid, unlinked);
	case IPC_KIND_SYSV_SHM:
		return undo_segment(base, pid, unlinked);
	default:
		return 0;
	}
}

int undo_leave(int fd, uint32_t kind, uint64_t size, pid_t pid, bool unlinked)
{
	struct sigaction trap = { .sa_handler = undo_on_sigbus }, old;
	size_t length = kind == IPC_KIND_SYSV_SHM ? SEGMENT_HEAD_BYTES : (size_t)size;
	struct stat file;
	void *base;
	int r;

	if (!undo_wanted(kind))
		return 0;
	if (fstat(fd, &file) < 0 || (uint64_t)file.st_size != size || size < length)
		return -EBADMSG;
	base = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	sigaction(SIGBUS, &trap, &old);
	if (sigsetjmp(undo_trap, 1) == 0)
		r = undo_mapped(base, kind, size, pid, unlinked);
	else
		r = -EBADMSG;
	sigaction(SIGBUS, &old, NULL);
	munmap(base, length);
	return r == -EBUSY ? -EAGAIN : r;
}

void undo_forget_gone(int fd, uint64_t size, bool (*is_away)(void *ctx), void *ctx)
{
	undo_is_away = is_away;
	undo_away_ctx = ctx;
	undo_leave(fd, IPC_KIND_SYSV_SHM, size, UNDO_FORGET, false);
}
