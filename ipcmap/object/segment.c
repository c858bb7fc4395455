// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * segment.c - counts the attachments of a shared memory segment
 */
#include "ipcmap/object/segment.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "ipcmap/maps.h"
#include "ipcmap/object/guard.h"

_Static_assert(sizeof(struct segment_head) <= SEGMENT_HEAD_BYTES, "the head fits");

/* Notes need no repair: single stores change them. */
static int segment_enter(struct segment_head *head)
{
	int r = guard_lock(&head->guard);

	return r == 0 || r == -EOWNERDEAD ? 0 : -EIDRM;
}

static uint32_t segment_n_notes(const struct segment_head *head)
{
	uint32_t n = __atomic_load_n(&head->n_notes, __ATOMIC_ACQUIRE);

	return n < SEGMENT_PROCESSES ? n : SEGMENT_PROCESSES;
}

static bool segment_is_gone(uint32_t pid)
{
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

/* The process's note; make: a new one if it has none, or that of a dead process if all are used. */
static struct segment_note *segment_find(struct segment_head *head, uint32_t pid, bool make)
{
	struct segment_note *vacant = NULL;
	uint32_t n = segment_n_notes(head);

	for (uint32_t i = 0; i < n; i++) {
		if (head->notes[i].pid == pid)
			return &head->notes[i];
		if (!head->notes[i].pid && !vacant)
			vacant = &head->notes[i];
	}
	if (!make)
		return NULL;
	if (!vacant && n < SEGMENT_PROCESSES) {
		vacant = &head->notes[n];
		__atomic_store_n(&head->n_notes, n + 1, __ATOMIC_RELEASE);
	}
	for (uint32_t i = 0; i < n && !vacant; i++)
		if (segment_is_gone(head->notes[i].pid))
			vacant = &head->notes[i];
	if (!vacant)
		return NULL;
	vacant->attached = 0;
	vacant->pid = pid;
	return vacant;
}

int segment_note(struct segment_head *head, pid_t pid, int n)
{
	struct segment_note *note;
	int r = segment_enter(head);

	if (r < 0)
		return r;
	note = segment_find(head, (uint32_t)pid, n > 0);
	if (note) {
		note->attached += (uint32_t)n;
		if (note->attached == 0)
			note->pid = 0;
	}
	guard_unlock(&head->guard);
	return note || n <= 0 ? 0 : -ENOSPC;
}

int segment_note_fork(struct segment_head *head, pid_t pid, uint32_t n)
{
	struct segment_note *note;
	int r = segment_enter(head);

	if (r < 0)
		return r;
	note = segment_find(head, (uint32_t)pid, true);
	if (note)
		note->attached = n;
	guard_unlock(&head->guard);
	return note ? 0 : -ENOSPC;
}

/* The number of the process's mappings of the file; -1: no permission. A mapping that was split
 * counts as often as in the kernel. */
static long segment_count_maps(uint32_t pid, const struct stat *file)
{
	struct mapping mapping = { 0 };
	struct maps maps;
	long n = 0;
	int r = maps_open((pid_t)pid, &maps);

	if (r < 0)
		return r == -ENOENT || r == -ESRCH ? 0 : -1;
	while ((r = maps_next(&maps, mapping.end, &mapping)) == 0)
		n += mapping.offset >= SEGMENT_HEAD_BYTES && mapping.ino == file->st_ino &&
		     mapping.dev == file->st_dev;
	maps_close(&maps);
	return r == -ENOENT ? n : r == -ESRCH ? 0 : -1;
}

unsigned long segment_attached_but(const struct segment_head *head, const struct stat *file,
				   pid_t self, long here, unsigned long *ret_absent)
{
	uint32_t n_notes = segment_n_notes(head);
	unsigned long sum = 0;

	*ret_absent = 0;
	for (uint32_t i = 0; i < n_notes; i++) {
		struct segment_note note = head->notes[i];
		long n;

		if (!note.pid)
			continue;
		if (here >= 0 && note.pid == (uint32_t)self) {
			sum += (unsigned long)here;
			continue;
		}
		if (segment_is_gone(note.pid)) {
			*ret_absent += note.attached;
			continue;
		}
		n = segment_count_maps(note.pid, file);
		sum += n < 0 ? note.attached : (unsigned long)n;
	}
	return sum;
}

unsigned long segment_attached(const struct segment_head *head, int fd, unsigned long *ret_absent)
{
	struct stat file;

	*ret_absent = 0;
	return fstat(fd, &file) < 0 ? 0 : segment_attached_but(head, &file, 0, -1, ret_absent);
}

void segment_forget_gone(struct segment_head *head, bool (*is_away)(void *ctx), void *ctx)
{
	uint32_t n_notes = segment_n_notes(head);
	int r = guard_trylock(&head->guard);

	if (r < 0 && r != -EOWNERDEAD)
		return;
	for (uint32_t i = 0; i < n_notes; i++) {
		uint32_t pid = head->notes[i].pid;

		/* A move may have ended between the two looks. */
		if (pid && segment_is_gone(pid) && !(is_away && is_away(ctx)) &&
		    segment_is_gone(pid))
			head->notes[i].pid = 0;
	}
	guard_unlock(&head->guard);
}

int segment_leave(struct segment_head *head, pid_t pid, bool may_wait)
{
	int r = may_wait ? guard_lock(&head->guard) : guard_trylock(&head->guard);
	struct segment_note *note;

	if (r < 0 && r != -EOWNERDEAD)
		return r == -EBUSY ? r : 0;
	note = segment_find(head, (uint32_t)pid, false);
	if (note)
		note->pid = 0;
	guard_unlock(&head->guard);
	return 0;
}
