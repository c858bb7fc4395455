// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * segment.c - System V objects: what CRIU makes otherwise than it was
 *
 * The kernel keeps a removed segment until no process has it attached. CRIU creates it as one that
 * stays. So the mover removes it again when all processes have attached it. CRIU attaches each
 * segment for writing, and does not know SHM_EXEC and SHM_LOCK. It gives a message queue the
 * default size. It creates a set of semaphores as one that was never used, and programs take this
 * as "not initialized".
 */
#include "libmig/state/priv.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"

#define SEGMENT_MAPS_MAX (1 << 26)

/* Enters the process's IPC namespace. Returns a descriptor of the mover's own one, or -errno. */
static int segment_enter(pid_t pid)
{
	_cleanup_close_ int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), theirs = -1;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)pid);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || theirs < 0 || setns(theirs, CLONE_NEWIPC) < 0)
		return -errno;
	return steal_fd(&own);
}

/* Calls f in the process's IPC namespace. Returns 0 or -errno. */
static int segment_do(const struct state_item *item, int (*f)(const struct state_item *item))
{
	_cleanup_close_ int back = segment_enter(item->pid);
	int r;

	if (back < 0)
		return back;
	r = f(item) < 0 ? -errno : 0;
	return setns(back, CLONE_NEWIPC) < 0 ? -errno : r;
}

static int segment_do_remove(const struct state_item *item)
{
	return shmctl((int)item->call.args[0], IPC_RMID, NULL);
}

static int segment_do_lock(const struct state_item *item)
{
	return shmctl((int)item->call.args[0], SHM_LOCK, NULL);
}

static int segment_do_size(const struct state_item *item)
{
	struct msqid_ds queue;

	if (msgctl((int)item->call.args[0], IPC_STAT, &queue) < 0)
		return -1;
	queue.msg_qbytes = item->call.args[1];
	return msgctl((int)item->call.args[0], IPC_SET, &queue);
}

/* Sets the time of the last operation, by an operation that changes nothing. */
static int segment_do_use(const struct state_item *item)
{
	int id = (int)item->call.args[0], value = semctl(id, 0, GETVAL);
	struct sembuf none = { .sem_op = 0, .sem_flg = IPC_NOWAIT };
	struct sembuf both[] = { { .sem_op = -1, .sem_flg = IPC_NOWAIT },
				 { .sem_op = 1, .sem_flg = IPC_NOWAIT } };

	if (value < 0)
		return -1;
	return value == 0 ? semop(id, &none, 1) : semop(id, both, 2);
}

static int segment_remove(const struct state_item *item, struct hold *hold)
{
	(void)hold;
	return segment_do(item, segment_do_remove);
}

static int segment_lock(const struct state_item *item, struct hold *hold)
{
	(void)hold;
	return segment_do(item, segment_do_lock);
}

static int segment_size(const struct state_item *item, struct hold *hold)
{
	(void)hold;
	return segment_do(item, segment_do_size);
}

static int segment_use(const struct state_item *item, struct hold *hold)
{
	(void)hold;
	return segment_do(item, segment_do_use);
}

static void segment_note(const struct state_proc *proc, const char *what,
			 int (*put)(const struct state_item *item, struct hold *hold), int id,
			 uint64_t value)
{
	struct state_item *item = state_add(proc, what, proc->pid);

	item->put = put;
	item->call.args[0] = (uint64_t)id;
	item->call.args[1] = value;
}

static void segment_read_segments(const struct state_proc *proc)
{
	struct shm_info info = { .used_ids = 0 };
	int last = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);

	proc->state->has_segments = info.used_ids > 0;
	for (int i = 0; info.used_ids > 0 && i <= last; i++) {
		struct shmid_ds segment;
		int id = shmctl(i, SHM_STAT, &segment);

		if (id >= 0 && segment.shm_perm.mode & SHM_LOCKED)
			segment_note(proc, "the lock of a segment", segment_lock, id, 0);
		if (id >= 0 && segment.shm_perm.mode & SHM_DEST)
			segment_note(proc, "a removed segment", segment_remove, id, 0);
	}
}

static void segment_read_queues(const struct state_proc *proc)
{
	struct msginfo info = { .msgpool = 0 }, limits = { .msgmnb = 0 };
	int last = msgctl(0, MSG_INFO, (struct msqid_ds *)&info);

	if (msgctl(0, IPC_INFO, (struct msqid_ds *)&limits) < 0)
		return;
	for (int i = 0; info.msgpool > 0 && i <= last; i++) {
		struct msqid_ds queue;
		int id = msgctl(i, MSG_STAT, &queue);

		if (id >= 0 && queue.msg_qbytes != (msglen_t)limits.msgmnb)
			segment_note(proc, "the size of a message queue", segment_size, id,
				     queue.msg_qbytes);
	}
}

static void segment_read_semaphores(const struct state_proc *proc)
{
	struct seminfo info = { .semusz = 0 };
	int last = semctl(0, 0, SEM_INFO, &info);

	for (int i = 0; info.semusz > 0 && i <= last; i++) {
		struct semid_ds set;
		int id = semctl(i, 0, SEM_STAT, &set);

		if (id >= 0 && set.sem_otime != 0)
			segment_note(proc, "that a set of semaphores was used", segment_use, id, 0);
	}
}

int state_segment_read(const struct state_proc *proc)
{
	_cleanup_close_ int back = segment_enter(proc->pid);

	if (back < 0)
		return 0;
	segment_read_segments(proc);
	segment_read_queues(proc);
	segment_read_semaphores(proc);
	if (setns(back, CLONE_NEWIPC) < 0)
		return err_sys(proc->state->err, errno, "leave the job's IPC namespace");
	return 0;
}

/* --- attached segments --------------------------------------------------------------------- */

/* A mapping of a segment. One attachment can be several mappings with different protection. */
struct segment_piece {
	uint64_t start, end, offset;
	int id, protection;
};

static bool piece_read(const char *line, size_t len, struct segment_piece *ret)
{
	char perms[8], text[128];
	int at = 0;

	snprintf(text, sizeof(text), "%.*s", (int)len, line);
	*ret = (struct segment_piece){ .start = 0 };
	if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %d %n", &ret->start,
		   &ret->end, perms, &ret->offset, &ret->id, &at) != 5 ||
	    strncmp(text + at, "/SYSV", 5))
		return false;
	ret->protection = (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) |
			  (perms[2] == 'x' ? PROT_EXEC : 0);
	return true;
}

static int piece_ask(const struct state_proc *proc, const struct segment_piece *piece,
		     int protection, long *ret_value)
{
	struct inject_call call = { .nr = __NR_mprotect,
				    .args = { piece->start, piece->end - piece->start,
					      (uint64_t)protection } };

	return state_ask(proc, proc->pid, &call, ret_value);
}

/* Whether the segment was attached with SHM_RDONLY: then it cannot be made writable. */
static int piece_is_read_only(const struct state_proc *proc, const struct segment_piece *piece,
			      bool *ret)
{
	long value = 0;
	int r = 0;

	*ret = false;
	if (piece->protection & PROT_WRITE)
		return 0;
	r = piece_ask(proc, piece, PROT_READ | PROT_WRITE, &value);
	*ret = value == -EACCES;
	if (r == 0 && value == 0)
		r = piece_ask(proc, piece, piece->protection, &value);
	if (r == 0 && value < 0 && !*ret)
		r = state_refuse(proc,
				 "has a System V segment whose protection cannot be restored "
				 "(%s); detach it for the move",
				 strerror((int)-value));
	return r;
}

/* A process that has changed its ids may have a segment that it cannot attach again. */
static int piece_check_right(const struct state_proc *proc, const struct segment_piece *piece)
{
	struct inject_call call = { .nr = __NR_shmat,
				    .args = { (uint64_t)piece->id, 0, SHM_RDONLY } };
	long value;
	int r = state_ask(proc, proc->pid, &call, &value);

	if (r < 0)
		return r;
	if (value < 0 && value > -4096)
		return state_refuse(proc,
				    "has a System V segment attached for reading, and may not "
				    "attach it again (%s); detach it for the move",
				    strerror((int)-value));
	call = (struct inject_call){ .nr = __NR_shmdt, .args = { (uint64_t)value } };
	return state_ask(proc, proc->pid, &call, &value);
}

static void piece_add(const struct state_proc *proc, const char *what, bool must,
		      const struct inject_call *call)
{
	struct state_item *item = state_add(proc, what, proc->pid);

	item->must = must;
	item->call = *call;
}

/* Adds the items of a piece. *read_only is about its attachment, which begins at offset 0. */
static int piece_take(const struct state_proc *proc, const struct segment_piece *piece,
		      bool *read_only)
{
	struct inject_call attach = { .nr = __NR_shmat,
				      .args = { (uint64_t)piece->id, piece->start,
						SHM_RDONLY | SHM_REMAP } };
	struct inject_call protect = { .nr = __NR_mprotect,
				       .args = { piece->start, piece->end - piece->start,
						 (uint64_t)piece->protection } };
	int r = 0;

	if (piece->offset == 0) {
		r = piece_is_read_only(proc, piece, read_only);
		if (r == 0 && *read_only)
			r = piece_check_right(proc, piece);
		if (r == 0 && *read_only)
			piece_add(proc, "a segment that may only be read", true, &attach);
	}
	if (r == 0 &&
	    ((*read_only && piece->protection != PROT_READ) || (piece->protection & PROT_EXEC)))
		piece_add(proc, "the protection of a segment", false, &protect);
	return r;
}

int state_segment_read_attached(const struct state_proc *proc)
{
	_cleanup_free_ char *text = NULL;
	bool read_only = false;
	int r = 0;

	if (!proc->state->has_segments)
		return 0;
	if (proc_read_all(proc->pid, "maps", SEGMENT_MAPS_MAX, &text) < 0)
		return 0;
	for (const char *line = text, *end; r == 0 && *line; line = end + (*end != '\0')) {
		struct segment_piece piece;

		end = strchrnul(line, '\n');
		if (memmem(line, (size_t)(end - line), "/SYSV", 5) &&
		    piece_read(line, (size_t)(end - line), &piece))
			r = piece_take(proc, &piece, &read_only);
	}
	return r;
}
