// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-undo.c - what an opener has left behind in its objects' memory, put in order
 *
 * The interposer's objects only; libvcipc's put themselves in order. See ipcmap/undo.h.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/ipc.h"
#include "ipcmap/kind.h"
#include "ipcmap/undo.h"

/* False: somebody else is at work in it, or looks whether it is held. */
static bool undo_object(struct ipc *ipc, uint64_t id, pid_t pid)
{
	struct table_object object;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (table_get(ipc->table, id, &object) < 0 || !object.made || !undo_wanted(object.kind))
		return true;
	r = ipc_file_open(ipc, id, O_RDWR, &fd, &st);
	if (r < 0)
		return r != -EAGAIN;
	r = undo_leave(fd, object.kind, (uint64_t)st.st_size, pid, object.unlinked);
	if (r < 0 && r != -EAGAIN)
		log_warn("undo what pid %d left in IPC object %" PRIu64 ": %s", (int)pid, id,
			 strerror(-r));
	return r != -EAGAIN;
}

bool ipc_undo(struct ipc *ipc, pid_t pid)
{
	uint64_t cursor = 0, id;
	bool done = true;
	uint32_t count;

	while (table_next_opened(ipc->table, pid, &cursor, &id, &count) == 0)
		done = undo_object(ipc, id, pid) && done;
	return done;
}

void ipc_owner_changed(struct ipc *ipc, uint64_t id)
{
	_cleanup_close_ int fd = -1;
	struct table_object object;
	struct stat st;
	uint32_t seq;

	if (table_get(ipc->table, id, &object) < 0 || !ipc_kind_is_sysv(object.kind) ||
	    ipc_file_open(ipc, id, O_RDWR, &fd, &st) < 0)
		return;
	/* The lock of the table is held, so nobody else counts. */
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

void ipc_undo_unlinked(struct ipc *ipc, uint64_t id)
{
	undo_object(ipc, id, 0);
}
