// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * undo.c - repairs the memory of objects that an opener used when it died
 *
 * Only for objects of the interposer; those of libvcipc repair themselves. See
 * ipcmap/object/undo.h.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemon/ipc/ipc.h"
#include "ipcmap/kind.h"
#include "ipcmap/object/undo.h"

#define UNDO_STEP_USEC 3000 /* of work, with the table locked */
#define UNDO_PAUSES 4       /* times as long, after it */

/* Returns false if another process works in it, or looks whether it is held. */
static bool undo_object(struct ipc *ipc, uint64_t id, pid_t pid)
{
	struct table_object object;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (entry_get(ipc->table, id, &object) < 0 || !object.made || !undo_wanted(object.kind))
		return true;
	r = ipc_file_open(ipc, id, O_RDWR, &fd, &st);
	if (r < 0)
		return r != -EAGAIN;
	r = undo_leave(fd, object.kind, (uint64_t)st.st_size, pid, object.unlinked);
	/* Users can write anything into any number of objects. */
	if (r < 0 && r != -EAGAIN)
		log_debug("undo what pid %d left in IPC object %" PRIu64 ": %s", (int)pid, id,
			  strerror(-r));
	return r != -EAGAIN;
}

bool ipc_undo_pauses(struct ipc *ipc, const struct table_opener *who)
{
	bool pauses = clock_mono_usec() < ipc->undo[who->uid % IPC_PACES].pause_usec;

	ipc->undo_more |= pauses;
	return pauses;
}

/* A step ends when its time is used up. One object can take longer. */
static void undo_note_cost(struct ipc_pace *pace, uint64_t begun_usec)
{
	uint64_t now = clock_mono_usec();

	pace->used_usec += now - begun_usec;
	if (pace->used_usec < UNDO_STEP_USEC)
		return;
	pace->pause_usec = now + UNDO_PAUSES * pace->used_usec;
	pace->used_usec = 0;
}

/* Counts the process out of each repaired object at once, so the next step begins with the others.
 */
bool ipc_undo(struct ipc *ipc, const struct table_opener *who, bool late)
{
	uint64_t cursor = 0, id;
	bool done = true;
	uint32_t count;

	while (opener_next_object(ipc->table, who->pid, &cursor, &id, &count) == 0) {
		uint64_t begun = clock_mono_usec();

		if (ipc_undo_pauses(ipc, who))
			return false;
		if (undo_object(ipc, id, who->pid) || late) {
			opener_leave(ipc->table, id, who->pid);
			ipc_sweep(ipc, id);
		} else {
			done = false;
		}
		undo_note_cost(&ipc->undo[who->uid % IPC_PACES], begun);
	}
	return done;
}

void ipc_owner_changed(struct ipc *ipc, uint64_t id)
{
	_cleanup_close_ int fd = -1;
	struct table_object object;
	struct stat st;
	uint32_t seq;

	if (entry_get(ipc->table, id, &object) < 0 || !ipc_kind_is_sysv(object.kind) ||
	    ipc_file_open(ipc, id, O_RDWR, &fd, &st) < 0)
		return;
	/* The lock of the table is held, so no other daemon counts. */
	if (pread(fd, &seq, sizeof(seq), UNDO_OWNER_SEQ_AT) != sizeof(seq) ||
	    (uint64_t)st.st_size < UNDO_OWNER_SEQ_AT + sizeof(seq))
		return;
	seq++;
	if (pwrite(fd, &seq, sizeof(seq), UNDO_OWNER_SEQ_AT) != sizeof(seq))
		log_warn("note the new owner in IPC object %" PRIu64 ": %m", id);
}

static bool undo_any_is_away(void *ctx)
{
	return ipc_any_is_away(ctx);
}

void ipc_forget_gone(struct ipc *ipc, uint64_t id)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (ipc_file_open(ipc, id, O_RDWR, &fd, &st) == 0)
		undo_forget_gone(fd, (uint64_t)st.st_size, undo_any_is_away, ipc);
}

/* Only a counted process can sleep in an object, and none sleeps in a segment. So mostly there is
 * nothing to wake, and one word is written without a mapping. */
void ipc_undo_unlinked(struct ipc *ipc, uint64_t id)
{
	static const uint32_t removed = 1;
	_cleanup_close_ int fd = -1;
	struct table_object object;
	struct stat st;

	if (entry_get(ipc->table, id, &object) < 0 || !ipc_kind_is_sysv(object.kind))
		return;
	if (object.kind != IPC_KIND_SYSV_SHM && object.n_open > 0) {
		undo_object(ipc, id, 0);
		return;
	}
	if (ipc_file_open(ipc, id, O_WRONLY, &fd, &st) < 0 ||
	    (uint64_t)st.st_size < UNDO_REMOVED_AT + sizeof(removed))
		return;
	if (pwrite(fd, &removed, sizeof(removed), UNDO_REMOVED_AT) != sizeof(removed))
		log_debug("note the removal in IPC object %" PRIu64 ": %m", id);
}
