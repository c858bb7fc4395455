// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * object.c - maps sets and queues, and unmaps them after their removal
 */
#include "ipcmap/preload/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"

#define OBJECT_BUCKETS 256

static struct object *object_table[OBJECT_BUCKETS]; /* preload_lock */

static struct object **object_bucket(int id)
{
	return &object_table[(unsigned int)id % OBJECT_BUCKETS];
}

static struct object_words *object_words(const struct object *object)
{
	return object->base;
}

static bool object_is_removed(const struct object *object)
{
	return __atomic_load_n(&object_words(object)->removed, __ATOMIC_ACQUIRE) != 0;
}

static struct object *object_find(uint32_t kind, int id)
{
	struct object *object = *object_bucket(id);

	while (object && (object->id != id || object->kind != kind))
		object = object->next;
	return object;
}

static void object_free(struct object *object)
{
	munmap(object->base, object->size);
	if (object->handle)
		door_close(object->handle);
	free(object);
}

/* Unmaps removed objects that no call uses. */
static void object_sweep(void)
{
	for (size_t i = 0; i < OBJECT_BUCKETS; i++) {
		struct object **at = &object_table[i], *object;

		while ((object = *at)) {
			if (object->uses || !object_is_removed(object)) {
				at = &object->next;
				continue;
			}
			*at = object->next;
			object_free(object);
		}
	}
}

struct object_user *object_user(struct object *object)
{
	return &object->users[preload_is_guest()];
}

static int object_view(struct object *object)
{
	if (object->kind == IPC_KIND_SYSV_SEM)
		return semset_view(object->base, object->size, object->mapped_readonly,
				   &object->set);
	return msgq_view(object->base, object->size, &object->q);
}

static int object_map(struct object *object, const struct door_object *opened)
{
	bool writes = (fcntl(opened->fd, F_GETFL) & O_ACCMODE) == O_RDWR;
	int prot = writes ? PROT_READ | PROT_WRITE : PROT_READ, r;

	*object = (struct object){ .kind = opened->kind,
				   .id = door_short_id(opened->id),
				   .full_id = opened->id,
				   .created_usec = opened->created_usec,
				   .handle = preload_is_guest() ? 0 : opened->handle,
				   .size = opened->size,
				   .readonly = !writes,
				   .mapped_readonly = !writes,
				   .euid = geteuid() };
	sysv_perm(opened, &object->perm);
	object_user(object)->pid = preload_pid();
	object->base = mmap(NULL, object->size, prot, MAP_SHARED, opened->fd, 0);
	if (object->base == MAP_FAILED)
		return -errno;
	object->owner_seq = object_words(object)->owner_seq;
	r = object_view(object);
	if (r < 0)
		munmap(object->base, object->size);
	return r;
}

/* With the lock held. */
static int object_insert(const struct door_object *opened, struct object **ret)
{
	struct object *object = calloc(1, sizeof(*object));
	int r = object ? object_map(object, opened) : -ENOMEM;

	close(opened->fd);
	if (r < 0) {
		door_close(opened->handle);
		free(object);
		return r;
	}
	object_sweep();
	object->next = *object_bucket(object->id);
	*object_bucket(object->id) = object;
	*ret = object;
	return 0;
}

int object_add(const struct door_object *opened)
{
	struct object *object;
	int r = 0;

	preload_lock();
	if (object_find(opened->kind, door_short_id(opened->id))) {
		close(opened->fd);
		door_close(opened->handle);
	} else {
		r = object_insert(opened, &object);
	}
	preload_unlock();
	return r;
}

/* Whether the daemon must be asked again: the process or the permissions have changed, or another
 * user may now do more than the one that opened it. sysv_may() checks whether a user may do less.
 */
static bool object_is_stale(struct object *object, bool write)
{
	return object_user(object)->pid != preload_pid() ||
	       object->owner_seq !=
		       __atomic_load_n(&object_words(object)->owner_seq, __ATOMIC_RELAXED) ||
	       (write && object->readonly && object->euid != geteuid());
}

/* Maps the object again at the same address, now for writing. */
static int object_map_writable(struct object *object, int fd)
{
	if (mmap(object->base, object->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED)
		return -errno;
	object->mapped_readonly = false;
	return object_view(object);
}

static int object_renew(struct object *object, bool write)
{
	struct object_user *user = object_user(object);
	struct door_object opened;
	int r = sysv_open_id(object->kind, object->id, write, &opened);

	if (r < 0)
		return r;
	object->readonly = (fcntl(opened.fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
	if (!object->readonly && object->mapped_readonly)
		r = object_map_writable(object, opened.fd);
	close(opened.fd);
	if (r < 0 || user->pid == preload_pid())
		door_close(opened.handle);
	if (r < 0)
		return r;
	if (user->pid != preload_pid()) {
		*user = (struct object_user){ .pid = preload_pid() };
		if (!preload_is_guest())
			object->handle = opened.handle;
	}
	object->euid = geteuid();
	sysv_perm(&opened, &object->perm);
	object->owner_seq = object_words(object)->owner_seq;
	return 0;
}

static int object_get_locked(uint32_t kind, int id, int flags, bool write, struct object **ret)
{
	struct object *object = object_find(kind, id);
	struct door_object opened;
	int r = 0;

	if (object && object_is_stale(object, write) && !object_is_removed(object))
		r = object_renew(object, write);
	if (!object) {
		r = sysv_open_id(kind, id, write, &opened);
		if (r == 0)
			r = object_insert(&opened, &object);
	}
	if (r < 0)
		return r;
	if (object_is_removed(object))
		return -EINVAL;
	if (write && object->readonly)
		return -EACCES;
	*ret = object;
	return sysv_may(&object->perm, flags);
}

int object_get(uint32_t kind, int id, int flags, bool write, struct object **ret)
{
	int r;

	preload_lock();
	r = object_get_locked(kind, id, flags, write, ret);
	if (r == 0)
		(*ret)->uses++;
	preload_unlock();
	return r;
}

/* If the caller may not map it, it may still be the owner: -ENOENT, the daemon decides. */
int object_stat(uint32_t kind, uint64_t id, struct ipc_perm *ret, struct door_stat *ret_stat)
{
	struct object *object;
	int r;

	if (id > INT32_MAX)
		return -ENOENT;
	preload_lock();
	object = object_find(kind, (int)id);
	if (!object || object_is_stale(object, false))
		section_again();
	r = object_get_locked(kind, (int)id, 0444, false, &object);
	if (r == 0) {
		*ret = object->perm;
		ret_stat->id = object->full_id;
		ret_stat->size = object->size;
		ret_stat->created_usec = object->created_usec;
		ret_stat->unlinked = false;
		memcpy(ret_stat->head, object->base, DOOR_HEAD_BYTES);
	}
	preload_unlock();
	return r < 0 && r != -EINVAL ? -ENOENT : r;
}

void object_put(struct object *object)
{
	preload_lock();
	object->uses--;
	preload_unlock();
}

static void object_removed(struct object *object)
{
	/* The daemon has counted this process out. It has not counted a guest in. */
	if (!preload_is_guest())
		object->handle = 0;
	if (object->mapped_readonly)
		return;
	if (object->kind == IPC_KIND_SYSV_SEM)
		semset_remove(&object->set);
	else
		msgq_remove(&object->q);
}

int object_remove(uint32_t kind, int id)
{
	struct object *object = NULL;
	int r = object_get(kind, id, 0, false, &object);

	if (r < 0 && r != -EACCES)
		return r;
	r = sysv_remove(kind, (uint64_t)id, !preload_is_guest());
	if (object) {
		if (r == 0)
			object_removed(object);
		object_put(object);
	}
	return r;
}

void object_each(uint32_t kind, void (*f)(struct object *object))
{
	for (size_t i = 0; i < OBJECT_BUCKETS; i++)
		for (struct object *object = object_table[i]; object; object = object->next)
			if (object->kind == kind)
				f(object);
}
