// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sem.c - semget(), semop(), semtimedop(), semctl()
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/sem.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ipcmap/futex.h"
#include "ipcmap/preload/object.h"
#include "ipcmap/preload/preload.h"

#define SEM_LOOK_USEC 10000 /* between looks of who is not woken */

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int sem_get(key_t key, int nsems, int flags)
{
	struct sysv_get get = { .kind = IPC_KIND_SYSV_SEM, .key = key, .flags = flags };
	struct door_object opened;
	struct door_limit limit;
	struct seminfo info;
	int r;

	limits_sem(&info);
	if (nsems < 0 || nsems > info.semmsl || nsems > SEMSET_NSEMS_MAX)
		return -EINVAL;
	limit = (struct door_limit){ .objects = (uint64_t)info.semmni,
				     .units = (uint64_t)nsems,
				     .units_in_all = (uint64_t)info.semmns };
	get.size = nsems ? semset_size((uint32_t)nsems) : 0;
	get.least = get.size;
	get.limit = &limit;
	r = sysv_open_key(&get, &opened);
	if (r == 0 && opened.fd >= 0)
		r = object_add(&opened);
	return r < 0 ? r : door_short_id(opened.id);
}

INTERPOSE int semget(key_t key, int nsems, int flags)
{
	struct section section;
	int r;

	section_begin(&section);
	r = sem_get(key, nsems, flags);
	section_end(&section);
	return preload_result(r);
}

/* --- semop ------------------------------------------------------------------------------- */

/* By who may only read: it cannot note that it sleeps. */
static int sem_wait_zero(struct section *section, struct object *object, const struct sembuf *ops,
			 size_t n, uint64_t deadline_usec)
{
	struct semset_block block;
	int r;

	while ((r = semset_try_zero(&object->set, ops, n, &block)) == -EINPROGRESS) {
		uint64_t soon = clock_mono_usec() + SEM_LOOK_USEC;

		r = sleep_on(section, block.word, block.value,
			     soon < deadline_usec ? soon : deadline_usec);
		if (r == -ETIMEDOUT && soon < deadline_usec)
			continue;
		if (r < 0)
			break;
	}
	return r == -ETIMEDOUT ? -EAGAIN : r;
}

static bool sem_alters(const struct sembuf *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ops[i].sem_op != 0)
			return true;
	return false;
}

static int sem_operate(struct section *section, struct object *object, const struct sembuf *ops,
		       size_t n, uint64_t deadline_usec)
{
	struct semset_block block;
	int r;

	for (size_t i = 0; i < n; i++)
		if (ops[i].sem_num >= object->set.nsems)
			return -EFBIG;
	r = sysv_may(&object->perm, sem_alters(ops, n) ? 0222 : 0444);
	if (r < 0)
		return r;
	if (object->readonly)
		return sem_alters(ops, n) ? -EACCES
					  : sem_wait_zero(section, object, ops, n, deadline_usec);
	for (size_t i = 0; i < n; i++)
		if (ops[i].sem_flg & SEM_UNDO)
			object_user(object)->undo = true;
	while ((r = semset_try(&object->set, ops, n, (uint32_t)preload_pid(), &block)) ==
	       -EINPROGRESS) {
		r = sleep_on(section, block.word, block.value, deadline_usec);
		semset_unblock(&object->set, &block);
		if (r < 0 && !object->set.head->removed)
			break;
	}
	return r == -ETIMEDOUT ? -EAGAIN : r;
}

static int sem_deadline(const struct timespec *timeout, uint64_t *ret_usec)
{
	if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)
		return -EINVAL;
	if (timeout->tv_sec < INT32_MAX)
		*ret_usec = clock_mono_usec() + (uint64_t)timeout->tv_sec * 1000000 +
			    (uint64_t)(timeout->tv_nsec + 999) / 1000;
	return 0;
}

/* In the kernel's order: of several errors, the first is the answer. */
static int sem_take(struct sembuf *ret, const struct sembuf *ops, size_t n,
		    const struct timespec *timeout, struct timespec *ret_timeout)
{
	int r = timeout ? memory_take(ret_timeout, timeout, sizeof(*timeout)) : 0;
	struct seminfo info;

	if (r < 0)
		return r;
	/* The system call's count has 32 bits. One operation is within every limit of use. */
	n = (uint32_t)n;
	if (n > 1) {
		limits_sem(&info);
		if (n > (size_t)info.semopm || n > SEMSET_OPS_MAX)
			return -E2BIG;
	}
	return n < 1 ? -EINVAL : memory_take(ret, ops, n * sizeof(*ops));
}

static int sem_op(struct section *section, int id, const struct sembuf *argument, size_t n,
		  const struct timespec *timeout)
{
	uint64_t deadline_usec = FUTEX_FOREVER;
	struct sembuf ops[SEMSET_OPS_MAX];
	struct object *object;
	struct timespec taken;
	int r = sem_take(ops, argument, n, timeout, &taken);

	if (r == 0 && id < 0)
		r = -EINVAL;
	if (r == 0 && timeout)
		r = sem_deadline(&taken, &deadline_usec);
	if (r == 0)
		r = object_get(IPC_KIND_SYSV_SEM, id, 0, sem_alters(ops, (uint32_t)n), &object);
	if (r < 0)
		return r;
	r = sem_operate(section, object, ops, (uint32_t)n, deadline_usec);
	object_put(object);
	return r;
}

INTERPOSE int semtimedop(int id, struct sembuf *ops, size_t n, const struct timespec *timeout)
{
	struct section section;
	int r;

	section_begin(&section);
	r = sem_op(&section, id, ops, n, timeout);
	section_end(&section);
	return preload_result(r);
}

INTERPOSE int semop(int id, struct sembuf *ops, size_t n)
{
	return semtimedop(id, ops, n, NULL);
}

static void sem_exit_object(struct object *object)
{
	struct object_user *user = object_user(object);

	if (user->undo && user->pid == preload_pid())
		semset_leave(&object->set, (uint32_t)preload_pid(), true);
	user->undo = false;
}

void sem_exit(void)
{
	object_each(IPC_KIND_SYSV_SEM, sem_exit_object);
}

/* --- semctl ------------------------------------------------------------------------------ */

static int sem_info(int command, struct seminfo *ret)
{
	int n = list_count(IPC_KIND_SYSV_SEM);

	if (n < 0)
		return n;
	limits_sem(ret);
	if (command == SEM_INFO) {
		ret->semusz = n;
		ret->semaem = 0;
	}
	for (int i = 0; command == SEM_INFO && i < n; i++) {
		struct door_stat stat;
		struct ipc_perm perm;

		if (sysv_stat_nth(IPC_KIND_SYSV_SEM, i, true, &perm, &stat) == 0)
			ret->semaem += (int)semset_nsems(stat.size);
	}
	return n > 0 ? n - 1 : 0;
}

static int sem_stat(int id, int command, struct semid_ds *ret)
{
	struct semid_ds ds = { 0 };
	struct door_stat stat;
	int r = command == IPC_STAT
			? sysv_stat(IPC_KIND_SYSV_SEM, (uint64_t)id, false, &ds.sem_perm, &stat)
			: sysv_stat_nth(IPC_KIND_SYSV_SEM, id, command == SEM_STAT_ANY,
					&ds.sem_perm, &stat);

	if (r < 0)
		return r;
	ds.sem_otime = SYSV_HEAD(&stat, struct semset_head, otime);
	ds.sem_ctime = sysv_changed(SYSV_HEAD(&stat, struct semset_head, ctime), &stat);
	ds.sem_nsems = semset_nsems(stat.size);
	r = memory_give(ret, &ds, sizeof(ds));
	if (r < 0 || command == IPC_STAT)
		return r;
	return door_short_id(stat.id);
}

static int sem_set_owner(int id, const struct semid_ds *argument)
{
	struct object *object = NULL;
	struct semid_ds ds;
	int r = memory_take(&ds, argument, sizeof(ds));

	if (r == 0)
		r = sysv_owns(IPC_KIND_SYSV_SEM, id);
	if (r == 0)
		r = object_get(IPC_KIND_SYSV_SEM, id, 0, true, &object);
	if (r < 0)
		return r;
	r = sysv_set((uint64_t)id, &ds.sem_perm);
	if (r == 0) {
		object->set.head->ctime = time(NULL);
		__atomic_add_fetch(&object->set.head->owner_seq, 1, __ATOMIC_RELEASE);
	}
	object_put(object);
	return r;
}

static int sem_set_value(int id, int num, int argument)
{
	unsigned short value = (unsigned short)argument;
	struct object *object;
	int r;

	if (argument < 0 || argument > SEMSET_VALUE_MAX)
		return -ERANGE;
	r = object_get(IPC_KIND_SYSV_SEM, id, 0, true, &object);
	if (r < 0)
		return r;
	if (num < 0 || (uint32_t)num >= object->set.nsems)
		r = -EINVAL;
	else
		r = sysv_may(&object->perm, 0222);
	if (r == 0)
		r = semset_set(&object->set, (uint32_t)num, &value, 1, (uint32_t)preload_pid());
	object_put(object);
	return r;
}

static int sem_all_values(struct object *object, int command, unsigned short *argument)
{
	_cleanup_free_ unsigned short *values = calloc(object->set.nsems, sizeof(*values));
	size_t bytes = object->set.nsems * sizeof(*values);
	int r;

	if (!values)
		return -ENOMEM;
	if (command == SETALL) {
		r = memory_take(values, argument, bytes);
		return r < 0 ? r
			     : semset_set(&object->set, 0, values, object->set.nsems,
					  (uint32_t)preload_pid());
	}
	r = semset_get_all(&object->set, values);
	return r < 0 ? r : memory_give(argument, values, bytes);
}

static int sem_values(int id, int num, int command, unsigned short *argument)
{
	bool write = command == SETALL;
	struct object *object;
	int r = object_get(IPC_KIND_SYSV_SEM, id, write ? 0222 : 0444, write, &object);

	if (r < 0)
		return r;
	if (command == SETALL || command == GETALL)
		r = sem_all_values(object, command, argument);
	else
		r = num < 0 ? -EINVAL : semset_get(&object->set, (uint32_t)num, command);
	object_put(object);
	return r;
}

static int sem_control(int id, int num, int command, union semun arg)
{
	struct seminfo info;
	int r, last;

	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case SEM_INFO:
		last = sem_info(command, &info);
		r = last < 0 ? last : memory_give(arg.info, &info, sizeof(info));
		return r < 0 ? r : last;
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return sem_stat(id, command, arg.buf);
	case IPC_SET:
		return sem_set_owner(id, arg.buf);
	case IPC_RMID:
		return object_remove(IPC_KIND_SYSV_SEM, id);
	case SETVAL:
		return sem_set_value(id, num, arg.val);
	case SETALL:
	case GETVAL:
	case GETALL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_values(id, num, command, arg.array);
	default:
		return -EINVAL;
	}
}

INTERPOSE int semctl(int id, int num, int command, ...)
{
	struct section section;
	union semun arg;
	va_list ap;
	int r;

	/* Absent for some commands, which do not look at it. */
	va_start(ap, command);
	arg = va_arg(ap, union semun);
	va_end(ap);
	sysv_begin(&section, command);
	r = sem_control(id, num, command, arg);
	section_end(&section);
	return preload_result(r);
}
