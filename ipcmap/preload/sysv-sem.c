// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysv-sem.c - semget(), semop(), semtimedop(), semctl()
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/sem.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ipcmap/preload/object.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/wait.h"

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int sem_get(key_t key, int nsems, int flags)
{
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
	r = sysv_open_key(IPC_KIND_SYSV_SEM, key, flags, nsems ? semset_size((uint32_t)nsems) : 0,
			  &limit, &opened);
	if (r < 0)
		return r;
	if ((uint32_t)nsems > semset_nsems(opened.size)) {
		close(opened.fd);
		door_close(opened.handle);
		return -EINVAL;
	}
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

static int sem_operate(struct section *section, struct object *object, const struct sembuf *ops,
		       size_t n, uint64_t deadline_usec)
{
	struct semset_block block;
	int r;

	for (size_t i = 0; i < n; i++)
		if (ops[i].sem_flg & SEM_UNDO)
			object->undo = true;
	while ((r = semset_try(&object->set, ops, n, (uint32_t)preload_pid(), &block)) ==
	       -EINPROGRESS) {
		r = section_sleep(section, block.word, block.value, deadline_usec);
		semset_unblock(&object->set, &block);
		if (r < 0 && !object->set.head->removed)
			break;
	}
	return r == -ETIMEDOUT ? -EAGAIN : r;
}

static int sem_op(struct section *section, int id, const struct sembuf *ops, size_t n,
		  const struct timespec *timeout)
{
	uint64_t deadline_usec = WAIT_FOREVER;
	struct object *object;
	struct seminfo info;
	int r;

	if (n < 1 || id < 0)
		return -EINVAL;
	limits_sem(&info);
	if (n > (size_t)info.semopm || n > SEMSET_OPS_MAX)
		return -E2BIG;
	if (timeout) {
		if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)
			return -EINVAL;
		if (timeout->tv_sec < INT32_MAX)
			deadline_usec = clock_mono_usec() + (uint64_t)timeout->tv_sec * 1000000 +
					(uint64_t)(timeout->tv_nsec + 999) / 1000;
	}
	if (!ops)
		return -EFAULT;
	r = object_get(IPC_KIND_SYSV_SEM, id, true, &object);
	if (r < 0)
		return r;
	r = sem_operate(section, object, ops, n, deadline_usec);
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
	if (object->undo && object->pid == preload_pid())
		semset_leave(&object->set, (uint32_t)preload_pid(), true);
	object->undo = false;
}

void sem_exit(void)
{
	object_each(IPC_KIND_SYSV_SEM, sem_exit_object);
}

/* --- semctl ------------------------------------------------------------------------------ */

static int sem_info(int command, struct seminfo *ret)
{
	int n = preload_count(IPC_KIND_SYSV_SEM);

	if (n < 0)
		return n;
	limits_sem(ret);
	if (command == SEM_INFO) {
		ret->semusz = n;
		ret->semaem = 0;
		for (int i = 0; i < n; i++) {
			struct door_stat stat;
			uint64_t id;

			if (preload_nth(IPC_KIND_SYSV_SEM, i, &id) == 0 &&
			    door_stat(IPC_KIND_SYSV_SEM, NULL, id, &stat) == 0)
				ret->semaem += (int)semset_nsems(stat.size);
		}
	}
	return n > 0 ? n - 1 : 0;
}

static int sem_stat(uint64_t id, struct semid_ds *ret)
{
	struct semid_ds ds = { 0 };
	struct door_stat stat;
	struct object *object;
	int r = sysv_stat(IPC_KIND_SYSV_SEM, id, &ds.sem_perm, &stat);

	if (r == 0)
		r = object_get(IPC_KIND_SYSV_SEM, door_short_id(stat.id), false, &object);
	if (r < 0)
		return r;
	ds.sem_otime = object->set.head->otime;
	ds.sem_ctime = sysv_changed(object->set.head->ctime, &stat);
	ds.sem_nsems = object->set.nsems;
	object_put(object);
	*ret = ds;
	return door_short_id(stat.id);
}

static int sem_stat_nth(int index, struct semid_ds *ret)
{
	uint64_t id;
	int r = preload_nth(IPC_KIND_SYSV_SEM, index, &id);

	return r < 0 ? r : sem_stat(id, ret);
}

static int sem_set_owner(int id, const struct semid_ds *ds)
{
	struct object *object = NULL;
	int r = object_get(IPC_KIND_SYSV_SEM, id, true, &object);

	if (r < 0 && r != -EACCES)
		return r;
	r = sysv_set((uint64_t)id, &ds->sem_perm);
	if (object) {
		if (r == 0) {
			object->set.head->ctime = time(NULL);
			__atomic_add_fetch(&object->set.head->owner_seq, 1, __ATOMIC_RELEASE);
		}
		object_put(object);
	}
	return r;
}

static int sem_remove(int id)
{
	struct object *object = NULL;
	int r = object_get(IPC_KIND_SYSV_SEM, id, false, &object);

	if (r < 0 && r != -EACCES)
		return r;
	r = sysv_remove(IPC_KIND_SYSV_SEM, (uint64_t)id);
	if (object) {
		if (r == 0)
			object_removed(object);
		object_put(object);
	}
	return r;
}

static int sem_set_values(struct object *object, int num, int command, union semun arg)
{
	unsigned short value = (unsigned short)arg.val;
	uint32_t pid = (uint32_t)preload_pid();

	if (command == SETALL)
		return semset_set(&object->set, 0, arg.array, object->set.nsems, pid);
	if (arg.val < 0 || arg.val > SEMSET_VALUE_MAX)
		return -ERANGE;
	return num < 0 ? -EINVAL : semset_set(&object->set, (uint32_t)num, &value, 1, pid);
}

static int sem_values(int id, int num, int command, union semun arg)
{
	bool write = command == SETVAL || command == SETALL;
	struct object *object;
	int r = object_get(IPC_KIND_SYSV_SEM, id, write, &object);

	if (r < 0)
		return r;
	if (write)
		r = sem_set_values(object, num, command, arg);
	else if (command == GETALL)
		r = semset_get_all(&object->set, arg.array);
	else
		r = num < 0 ? -EINVAL : semset_get(&object->set, (uint32_t)num, command);
	object_put(object);
	return r;
}

static bool sem_has_buffer(int command)
{
	return command == IPC_INFO || command == SEM_INFO || command == IPC_STAT ||
	       command == SEM_STAT || command == SEM_STAT_ANY || command == IPC_SET ||
	       command == GETALL || command == SETALL;
}

static int sem_control(int id, int num, int command, union semun arg)
{
	int r;

	if (id < 0)
		return -EINVAL;
	if (!arg.buf && sem_has_buffer(command))
		return -EFAULT;
	switch (command) {
	case IPC_INFO:
	case SEM_INFO:
		return sem_info(command, arg.info);
	case IPC_STAT:
		r = sem_stat((uint64_t)id, arg.buf);
		return r < 0 ? r : 0;
	case SEM_STAT:
	case SEM_STAT_ANY:
		return sem_stat_nth(id, arg.buf);
	case IPC_SET:
		return sem_set_owner(id, arg.buf);
	case IPC_RMID:
		return sem_remove(id);
	case SETVAL:
	case SETALL:
	case GETVAL:
	case GETALL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
		return sem_values(id, num, command, arg);
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
	section_begin(&section);
	r = sem_control(id, num, command, arg);
	section_end(&section);
	return preload_result(r);
}
