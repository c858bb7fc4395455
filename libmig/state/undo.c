// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * undo.c - semaphore operations that the kernel undoes when a process ends (SEM_UNDO)
 *
 * No call shows them, so they are read from the kernel's list. It has an entry for each set of
 * semaphores, with a number for each semaphore: what the kernel adds to it at the end. criu creates
 * the sets with the values that they had in the frozen tree. Two operations in one semop(2) create
 * the number and leave the value unchanged: one adds, and the other one subtracts the same.
 *
 * The mover itself asks how many semaphores a set has. If the job could forge this size, the mover
 * would read other data of the kernel.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/kernel/btf.h"
#include "libmig/kernel/peek.h"
#include "libmig/state/priv.h"

#define UNDO_SETS_MAX 256
#define UNDO_SEMAPHORES_MAX 4096 /* of one set, because the tree is frozen */

/* Where the kernel keeps the list, and the thread that has it. */
struct undo {
	uint32_t iterator;
	uint32_t users, list, next, semid, numbers; /* offsets */
	const struct state_proc *proc;
	pid_t tid;
	bool ours; /* the sets are in the mover's IPC namespace */
};

static int undo_refuse(const struct undo *undo, const char *why)
{
	return state_refuse(undo->proc,
			    "has semaphore operations that the kernel undoes at its end "
			    "(SEM_UNDO), and %s; undo them before the move",
			    why);
}

static int undo_find_places(struct undo *undo)
{
	_cleanup_(btf_freep) struct btf *btf = NULL;
	int r = btf_open(&btf, undo->proc->state->err);

	if (r < 0)
		return r;
	undo->iterator = btf_task_iterator(btf);
	r = btf_find_place(btf, "sem_undo_list", "refcnt", &undo->users);
	if (r == 0)
		r = btf_find_place(btf, "sem_undo_list", "list_proc", &undo->list);
	if (r == 0)
		r = btf_find_place(btf, "sem_undo", "list_proc", &undo->next);
	if (r == 0)
		r = btf_find_place(btf, "sem_undo", "semid", &undo->semid);
	if (r == 0)
		r = btf_find_place(btf, "sem_undo", "semadj", &undo->numbers);
	return r;
}

/* Returns the number of semaphores of a set in the process's IPC namespace; 0: the set is gone;
 * -errno. */
static long undo_count(struct undo *undo, int semid)
{
	_cleanup_close_ int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), theirs = -1;
	struct stat st_own, st_theirs;
	struct semid_ds set;
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)undo->proc->pid);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || theirs < 0 || fstat(own, &st_own) < 0 || fstat(theirs, &st_theirs) < 0)
		return -errno;
	undo->ours = st_own.st_ino == st_theirs.st_ino;
	if (setns(theirs, CLONE_NEWIPC) < 0)
		return -errno;
	r = semctl(semid, 0, IPC_STAT, &set) < 0 ? -errno : 0;
	if (setns(own, CLONE_NEWIPC) < 0)
		return -errno;
	if (r == 0)
		return (long)set.sem_nsems;
	return r == -EINVAL || r == -EIDRM ? 0 : r;
}

/* The operation that adds comes first, so that neither waits. */
static int undo_add(const struct undo *undo, int semid, unsigned short semaphore, short number)
{
	struct sembuf ops[2] = { { semaphore, number, IPC_NOWAIT },
				 { semaphore, (short)-number, IPC_NOWAIT | SEM_UNDO } };
	struct inject_call call = { .nr = __NR_semop,
				    .args = { (uint64_t)semid, 0, 2 },
				    .pointers = 1 << 1,
				    .size = sizeof(ops) },
			   trial;
	struct state_item *item;
	long value;
	int r;

	if (number < 0) {
		struct sembuf other = ops[0];

		ops[0] = ops[1];
		ops[1] = other;
	}
	memcpy(call.data, ops, sizeof(ops));
	/* A trial without SEM_UNDO: may the process do this, and does the value permit it? */
	ops[0].sem_flg = ops[1].sem_flg = IPC_NOWAIT;
	trial = call;
	memcpy(trial.data, ops, sizeof(ops));
	r = state_ask(undo->proc, undo->tid, &trial, &value);
	if (r < 0 || value == -ESRCH)
		return r;
	if (value < 0) {
		char why[128];

		snprintf(why, sizeof(why), "may not do them again (%s)", strerror((int)-value));
		return undo_refuse(undo, why);
	}
	item = state_add(undo->proc, "operations for SEM_UNDO", undo->tid);
	item->call = call;
	return 0;
}

/* Reads the entry of one set. */
static int undo_read_entry(struct undo *undo, uint64_t entry)
{
	_cleanup_free_ short *numbers = NULL;
	int32_t semid = -1, again = -1;
	long n;
	int r = peek_copy(undo->iterator, entry + undo->semid, &semid, sizeof(semid));

	/* -1: the set was removed. */
	if (r < 0 || semid == -1)
		return r < 0 ? undo_refuse(undo, "they cannot be read") : 0;
	n = undo_count(undo, semid);
	if (n == 0)
		return 0;
	if (n < 0 || n > UNDO_SEMAPHORES_MAX)
		return undo_refuse(undo,
				   n < 0 ? "its set of semaphores cannot be looked at"
					 : "its set has more semaphores than can be looked at");
	numbers = calloc((size_t)n, sizeof(*numbers));
	if (!numbers)
		return err_sys(undo->proc->state->err, ENOMEM, "the job's semaphores");
	r = peek_copy(undo->iterator, entry + undo->numbers, numbers, (size_t)n * sizeof(*numbers));
	if (r == 0)
		r = peek_copy(undo->iterator, entry + undo->semid, &again, sizeof(again));
	if (r < 0)
		return undo_refuse(undo, "they cannot be read");
	if (again != semid)
		return 0;
	for (long i = 0; r == 0 && i < n; i++) {
		if (numbers[i] == 0)
			continue;
		r = undo->ours ? undo_refuse(undo, "its semaphores are not the job's alone")
			       : undo_add(undo, semid, (unsigned short)i, numbers[i]);
	}
	return r;
}

static int undo_read_list(struct undo *undo, uint64_t list, size_t n_threads)
{
	uint64_t head = list + undo->list, at = 0;
	size_t before = undo->proc->state->n;
	uint32_t users = 0;
	int r = peek_copy(undo->iterator, head, &at, sizeof(at));

	if (r == 0)
		r = peek_copy(undo->iterator, list + undo->users, &users, sizeof(users));
	if (r < 0)
		return undo_refuse(undo, "they cannot be read");
	for (int sets = 0; r == 0 && at != head; sets++) {
		if (sets == UNDO_SETS_MAX)
			return undo_refuse(undo, "they are of more sets than can be looked at");
		r = undo_read_entry(undo, at - undo->next);
		if (r == 0 && peek_copy(undo->iterator, at, &at, sizeof(at)) < 0)
			r = undo_refuse(undo, "they cannot be read");
	}
	if (r == 0 && undo->proc->state->n > before &&
	    (users != n_threads || n_threads != undo->proc->n_seen))
		r = undo_refuse(undo,
				"shares them with other processes, or not with all its threads");
	return r;
}

/* Returns how many threads of the process use the list. */
static size_t undo_count_threads(const struct state_proc *proc, uint64_t list)
{
	size_t n = 0;

	for (size_t i = 0; i < proc->n_seen; i++)
		n += proc->seen[i].words[PEEK_UNDO] == list;
	return n;
}

int state_undo_read(const struct state_proc *proc)
{
	struct undo undo = { .proc = proc };
	uint64_t list, known = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < proc->n_tids; i++) {
		if (!state_sign_value(proc, proc->tids[i], STATE_SIGN_UNDO, &list) || list == 0 ||
		    list == known)
			continue;
		if (known == 0 && undo_find_places(&undo) < 0)
			return undo_refuse(&undo, "this kernel does not show them");
		known = list;
		undo.tid = proc->tids[i];
		r = undo_read_list(&undo, list, undo_count_threads(proc, list));
	}
	return r;
}
