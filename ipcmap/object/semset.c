// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * semset.c - semop() and semctl() on a set in shared memory
 *
 * A caller that would block sleeps on the first semaphore that prevents its operations, and tries
 * again when that semaphore has changed. So nothing is granted to a sleeper that might be killed
 * before it takes it. Wakes happen under the guard: if the waker is killed between its change and
 * its wake, the guard is marked, and the repair wakes all sleepers.
 */
#include "ipcmap/object/semset.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "ipcmap/futex.h"
#include "ipcmap/object/guard.h"

/* Two entries for each semaphore: semset_leave() writes values and adjustments of the whole set. */
static uint64_t semset_log_size(uint64_t nsems)
{
	return 2 * nsems + 2 * SEMSET_OPS_MAX;
}

#define SEMSET_PER_SEM                                                                             \
	(2 * sizeof(struct semset_redo) + sizeof(struct semset_sem) +                              \
	 SEMSET_UNDOERS * sizeof(struct semset_undo))
#define SEMSET_FIXED (sizeof(struct semset_head) + 2 * SEMSET_OPS_MAX * sizeof(struct semset_redo))

uint64_t semset_size(uint32_t nsems)
{
	return SEMSET_FIXED + nsems * SEMSET_PER_SEM;
}

uint32_t semset_nsems(uint64_t size)
{
	uint64_t nsems = size < SEMSET_FIXED ? 0 : (size - SEMSET_FIXED) / SEMSET_PER_SEM;

	return nsems <= SEMSET_NSEMS_MAX && semset_size((uint32_t)nsems) == size ? (uint32_t)nsems
										 : 0;
}

int semset_view(void *base, uint64_t size, bool readonly, struct semset *ret)
{
	uint32_t nsems = semset_nsems(size);

	if (!nsems)
		return -EINVAL;
	ret->head = base;
	ret->log = (struct semset_redo *)(ret->head + 1);
	ret->sems = (struct semset_sem *)(ret->log + semset_log_size(nsems));
	ret->undo = (struct semset_undo *)(ret->sems + nsems);
	ret->nsems = nsems;
	ret->readonly = readonly;
	return 0;
}

static uint32_t semset_load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static uint32_t sem_value(const struct semset_sem *sem)
{
	uint32_t value = (uint32_t)__atomic_load_n(&sem->state, __ATOMIC_RELAXED);

	return value <= SEMSET_VALUE_MAX ? value : SEMSET_VALUE_MAX;
}

/* One store, so that value and PID are always consistent. */
static void sem_store(struct semset_sem *sem, uint32_t value, uint32_t pid)
{
	__atomic_store_n(&sem->state, (uint64_t)pid << 32 | value, __ATOMIC_RELEASE);
}

static void sem_wake(struct semset_sem *sem)
{
	if (!semset_load(&sem->waiters))
		return;
	sem->waiters = 0;
	__atomic_add_fetch(&sem->seq, 1, __ATOMIC_RELEASE);
	futex_wake(&sem->seq, INT_MAX);
}

static void redo_one(struct semset *set, const struct semset_redo *redo, uint32_t slot)
{
	uint32_t index = semset_load(&redo->index);

	if (index >= set->nsems)
		return;
	if (redo->pid == SEMSET_REDO_ADJUST) {
		struct semset_undo *undo = &set->undo[(size_t)slot * set->nsems + index];

		undo->adjust = (int32_t)redo->value;
		undo->epoch = redo->epoch;
		return;
	}
	set->sems[index].epoch = redo->epoch;
	sem_store(&set->sems[index], redo->value, redo->pid);
	sem_wake(&set->sems[index]);
}

/* Applies the first n entries of the log. */
static void redo_all(struct semset *set, uint32_t n)
{
	uint32_t slot = semset_load(&set->head->log_slot);

	if (n > semset_log_size(set->nsems) || slot >= SEMSET_UNDOERS)
		n = 0;
	for (uint32_t i = 0; i < n; i++)
		redo_one(set, &set->log[i], slot);
	__atomic_store_n(&set->head->log_n, 0, __ATOMIC_RELEASE);
}

static void redo_commit(struct semset *set, uint32_t n, uint32_t slot)
{
	set->head->log_slot = slot;
	__atomic_store_n(&set->head->log_n, n, __ATOMIC_RELEASE);
	redo_all(set, n);
}

static void semset_repair(struct semset *set)
{
	redo_all(set, semset_load(&set->head->log_n));
	for (uint32_t i = 0; i < set->nsems; i++)
		sem_wake(&set->sems[i]);
}

/* Takes the guard and repairs the set if necessary. 0; -EIDRM: removed or broken. */
static int semset_enter(struct semset *set)
{
	int r = guard_lock(&set->head->guard);

	if (r == -EOWNERDEAD) {
		semset_repair(set);
		r = 0;
	}
	if (r < 0)
		return -EIDRM;
	if (!semset_load(&set->head->removed))
		return 0;
	guard_unlock(&set->head->guard);
	return -EIDRM;
}

static void semset_exit(struct semset *set)
{
	guard_unlock(&set->head->guard);
}

/* --- semop ------------------------------------------------------------------------------- */

/* The process's undo slot; make: a new one if it has none. -ENOSPC, -ENOENT. */
static int undo_slot(struct semset *set, uint32_t pid, bool make)
{
	int vacant = -ENOSPC;

	for (uint32_t n = 0; n < SEMSET_UNDOERS; n++) {
		uint32_t i = (pid + n) % SEMSET_UNDOERS,
			 owner = semset_load(&set->head->undo_pids[i]);

		if (owner == pid)
			return (int)i;
		if (!owner && vacant < 0)
			vacant = (int)i;
	}
	if (make && vacant >= 0)
		__atomic_store_n(&set->head->undo_pids[vacant], pid, __ATOMIC_RELEASE);
	return make ? vacant : -ENOENT;
}

static int32_t undo_adjust(const struct semset *set, uint32_t slot, uint32_t index)
{
	const struct semset_undo *undo = &set->undo[(size_t)slot * set->nsems + index];
	int32_t adjust = __atomic_load_n(&undo->adjust, __ATOMIC_RELAXED);

	if (semset_load(&undo->epoch) != semset_load(&set->sems[index].epoch))
		return 0;
	return adjust > SEMSET_VALUE_MAX || adjust < -SEMSET_VALUE_MAX - 1 ? 0 : adjust;
}

/* The entry of a semaphore or of its adjustment by an earlier operation, or NULL. */
static struct semset_redo *plan_find(struct semset_redo *plan, size_t n, uint32_t index,
				     bool adjust)
{
	while (n-- > 0)
		if (plan[n].index == index && (plan[n].pid == SEMSET_REDO_ADJUST) == adjust)
			return &plan[n];
	return NULL;
}

struct plan {
	struct semset_redo redo[2 * SEMSET_OPS_MAX];
	size_t n;
	uint32_t pid;
	int slot;       /* of the adjustments, if there are any */
	uint32_t index; /* with -EINPROGRESS: the semaphore that prevents it */
	bool zero;      /* the operation waits for zero */
};

static struct semset_redo *plan_entry(struct semset *set, struct plan *plan, uint32_t index,
				      bool adjust)
{
	struct semset_redo *redo = plan_find(plan->redo, plan->n, index, adjust);

	if (redo)
		return redo;
	redo = &plan->redo[plan->n++];
	redo->index = index;
	redo->epoch = semset_load(&set->sems[index].epoch);
	redo->pid = adjust ? SEMSET_REDO_ADJUST : plan->pid;
	redo->value = adjust ? (uint32_t)undo_adjust(set, (uint32_t)plan->slot, index)
			     : sem_value(&set->sems[index]);
	return redo;
}

static int plan_undo(struct semset *set, struct plan *plan, const struct sembuf *op)
{
	struct semset_redo *redo;
	int32_t adjust;

	redo = plan_entry(set, plan, op->sem_num, true);
	adjust = (int32_t)redo->value - op->sem_op;
	if (adjust < -SEMSET_VALUE_MAX - 1 || adjust > SEMSET_VALUE_MAX)
		return -ERANGE;
	redo->value = (uint32_t)adjust;
	return 0;
}

static int plan_op(struct semset *set, struct plan *plan, const struct sembuf *op)
{
	struct semset_redo *redo = plan_entry(set, plan, op->sem_num, false);
	int32_t value = (int32_t)redo->value + op->sem_op;

	if (op->sem_op == 0 ? value != 0 : value < 0) {
		plan->index = op->sem_num;
		plan->zero = op->sem_op == 0;
		return op->sem_flg & IPC_NOWAIT ? -EAGAIN : -EINPROGRESS;
	}
	if (value > SEMSET_VALUE_MAX)
		return -ERANGE;
	redo->value = (uint32_t)value;
	return op->sem_op && op->sem_flg & SEM_UNDO ? plan_undo(set, plan, op) : 0;
}

static int plan_all(struct semset *set, struct plan *plan, const struct sembuf *ops, size_t n)
{
	bool undo = false;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (ops[i].sem_num >= set->nsems)
			return -EFBIG;
		undo = undo || (ops[i].sem_op && ops[i].sem_flg & SEM_UNDO);
	}
	plan->slot = undo ? undo_slot(set, plan->pid, true) : 0;
	if (plan->slot < 0)
		return plan->slot;
	for (size_t i = 0; i < n && r == 0; i++)
		r = plan_op(set, plan, &ops[i]);
	return r;
}

static void plan_commit(struct semset *set, struct plan *plan)
{
	set->head->otime = time(NULL);
	if (plan->n == 1) {
		struct semset_sem *sem = &set->sems[plan->redo[0].index];

		sem_store(sem, plan->redo[0].value, plan->pid);
		sem_wake(sem);
		return;
	}
	memcpy(set->log, plan->redo, plan->n * sizeof(*plan->redo));
	redo_commit(set, (uint32_t)plan->n, (uint32_t)plan->slot);
}

static bool semset_is_alive(uint32_t pid)
{
	return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

static void semset_block(struct semset *set, const struct plan *plan, struct semset_block *ret)
{
	struct semset_sem *sem = &set->sems[plan->index];

	sem->waiters = 1;
	ret->word = &sem->seq;
	ret->value = semset_load(&sem->seq);
	ret->slot = -1;
	for (int i = 0; i < SEMSET_WAITERS && ret->slot < 0; i++)
		if (!set->head->waiters[i].pid)
			ret->slot = i;
	if (ret->slot >= 0)
		set->head->waiters[ret->slot] = (struct semset_waiter){ .pid = plan->pid,
									.index = plan->index,
									.zero = plan->zero };
}

void semset_unblock(struct semset *set, struct semset_block *block)
{
	if (block->slot >= 0)
		__atomic_store_n(&set->head->waiters[block->slot].pid, 0, __ATOMIC_RELEASE);
	block->slot = -1;
}

int semset_try(struct semset *set, const struct sembuf *ops, size_t n, uint32_t pid,
	       struct semset_block *ret)
{
	struct plan plan;
	int r;

	if (n == 0 || n > SEMSET_OPS_MAX)
		return -EINVAL;
	plan.n = 0;
	plan.pid = pid;
	r = semset_enter(set);
	if (r < 0)
		return r;
	r = plan_all(set, &plan, ops, n);
	if (r == 0)
		plan_commit(set, &plan);
	else if (r == -EINPROGRESS)
		semset_block(set, &plan, ret);
	semset_exit(set);
	return r;
}

int semset_try_zero(const struct semset *set, const struct sembuf *ops, size_t n,
		    struct semset_block *ret)
{
	if (n == 0 || n > SEMSET_OPS_MAX)
		return -EINVAL;
	if (semset_load(&set->head->removed))
		return -EIDRM;
	for (size_t i = 0; i < n; i++) {
		const struct semset_sem *sem;

		if (ops[i].sem_num >= set->nsems)
			return -EFBIG;
		sem = &set->sems[ops[i].sem_num];
		*ret = (struct semset_block){ .word = (uint32_t *)&sem->seq,
					      .value = semset_load(&sem->seq),
					      .slot = -1 };
		if (sem_value(sem) != 0)
			return ops[i].sem_flg & IPC_NOWAIT ? -EAGAIN : -EINPROGRESS;
	}
	return 0;
}

/* --- semctl ------------------------------------------------------------------------------ */

static int semset_count_waiters(struct semset *set, uint32_t index, bool zero)
{
	int n = 0;

	for (int i = 0; i < SEMSET_WAITERS; i++) {
		struct semset_waiter waiter = set->head->waiters[i];

		if (waiter.pid && waiter.index == index && (waiter.zero != 0) == zero &&
		    semset_is_alive(waiter.pid))
			n++;
	}
	return n;
}

int semset_get(struct semset *set, uint32_t index, int command)
{
	uint64_t state;

	if (index >= set->nsems)
		return -EINVAL;
	if (semset_load(&set->head->removed))
		return -EIDRM;
	state = __atomic_load_n(&set->sems[index].state, __ATOMIC_ACQUIRE);
	switch (command) {
	case GETVAL:
		return (int)sem_value(&set->sems[index]);
	case GETPID:
		return (int)(state >> 32);
	case GETNCNT:
	case GETZCNT:
		return semset_count_waiters(set, index, command == GETZCNT);
	default:
		return -EINVAL;
	}
}

int semset_get_all(struct semset *set, unsigned short *ret)
{
	int r = set->readonly ? 0 : semset_enter(set);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < set->nsems; i++)
		ret[i] = (unsigned short)sem_value(&set->sems[i]);
	if (!set->readonly)
		semset_exit(set);
	return 0;
}

int semset_set(struct semset *set, uint32_t index, const unsigned short *values, uint32_t n,
	       uint32_t pid)
{
	int r;

	if (index >= set->nsems || n > set->nsems - index)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		if (values[i] > SEMSET_VALUE_MAX)
			return -ERANGE;
	r = semset_enter(set);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		set->log[i] =
			(struct semset_redo){ .index = index + i,
					      .value = values[i],
					      .pid = pid,
					      .epoch = semset_load(&set->sems[index + i].epoch) +
						       1 };
	set->head->ctime = time(NULL);
	redo_commit(set, n, 0);
	semset_exit(set);
	return 0;
}

void semset_remove(struct semset *set)
{
	__atomic_store_n(&set->head->removed, 1, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < set->nsems; i++) {
		__atomic_add_fetch(&set->sems[i].seq, 1, __ATOMIC_RELEASE);
		futex_wake(&set->sems[i].seq, INT_MAX);
	}
}

/* --- the end of a process ---------------------------------------------------------------- */

static void semset_undo_all(struct semset *set, uint32_t slot, uint32_t pid)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < set->nsems; i++) {
		int32_t adjust = undo_adjust(set, slot, i), value;

		if (adjust == 0)
			continue;
		value = (int32_t)sem_value(&set->sems[i]) + adjust;
		value = value < 0 ? 0 : value > SEMSET_VALUE_MAX ? SEMSET_VALUE_MAX : value;
		set->log[n++] = (struct semset_redo){ .index = i,
						      .value = (uint32_t)value,
						      .pid = pid,
						      .epoch = semset_load(&set->sems[i].epoch) };
		set->log[n++] = (struct semset_redo){ .index = i, .pid = SEMSET_REDO_ADJUST };
	}
	redo_commit(set, n, slot);
	/* The next process with this slot begins without adjustments. */
	for (uint32_t i = 0; i < set->nsems; i++)
		if (semset_load(&set->undo[(size_t)slot * set->nsems + i].epoch))
			set->undo[(size_t)slot * set->nsems + i] = (struct semset_undo){ 0 };
	__atomic_store_n(&set->head->undo_pids[slot], 0, __ATOMIC_RELEASE);
}

int semset_leave(struct semset *set, uint32_t pid, bool may_wait)
{
	int r = may_wait ? guard_lock(&set->head->guard) : guard_trylock(&set->head->guard);
	int slot;

	if (r == -EOWNERDEAD)
		semset_repair(set);
	else if (r < 0)
		return r == -EBUSY ? r : 0;
	for (int i = 0; i < SEMSET_WAITERS; i++)
		if (semset_load(&set->head->waiters[i].pid) == pid)
			set->head->waiters[i].pid = 0;
	slot = undo_slot(set, pid, false);
	if (slot >= 0 && !semset_load(&set->head->removed))
		semset_undo_all(set, (uint32_t)slot, pid);
	semset_exit(set);
	return 0;
}
