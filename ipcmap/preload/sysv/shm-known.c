// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shm-known.c - segments that stay mapped between two attachments
 *
 * A segment that was opened once stays mapped as a whole in a range of its own. mremap(2) copies
 * this mapping for a further attachment, and IPC_STAT reads it, without a request to a daemon. The
 * mode of the last request says whether this is allowed. A word in the segment's head says whether
 * the mode has changed since, and another one whether the segment was removed.
 *
 * These mappings keep memory that the kernel would free with IPC_RMID. So they are few and small:
 * at most KNOWN_N * KNOWN_BYTES in a process, until its next call.
 */
#include "ipcmap/preload/sysv/shm-known.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipcmap/preload/preload.h"

#define KNOWN_N 16
#define KNOWN_BYTES (UINT64_C(1) << 20)
#define KNOWN_ROOM (KNOWN_BYTES + SEGMENT_HEAD_BYTES)

struct known {
	struct segment_head *head; /* the memory follows it. NULL: this place is free */
	uint64_t id, handle;
	pid_t pid; /* the process that has the handle */
	uint64_t size;
	struct stat file;
	struct ipc_perm perm;
	uint32_t owner_seq; /* its value when perm was set */
	uint64_t created_usec;
	uint64_t turn; /* when it was used last */
};

static struct known knowns[KNOWN_N]; /* preload_lock; each has its own part of the range */
static char *known_room;             /* PROT_NONE where nothing is */
static uint64_t known_turn;

static bool known_reserve(void)
{
	void *room;

	if (known_room)
		return true;
	room = mmap(NULL, KNOWN_N * KNOWN_ROOM, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return false;
	known_room = room;
	return true;
}

static void known_drop(struct known *known)
{
	shm_mmap(known->head, KNOWN_ROOM, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (known->handle && known->pid == preload_pid())
		door_close(known->handle);
	known->head = NULL;
}

static bool known_is_removed(const struct known *known)
{
	return __atomic_load_n(&known->head->removed, __ATOMIC_ACQUIRE) != 0;
}

static struct known *known_find(uint64_t id)
{
	for (struct known *known = knowns; known < knowns + KNOWN_N; known++)
		if (known->head && (known->id == id || (uint64_t)door_short_id(known->id) == id))
			return known;
	return NULL;
}

/* The same, or NULL if the daemon must be asked. */
static struct known *known_fresh(uint64_t id)
{
	struct known *known = preload_is_guest() ? NULL : known_find(id);

	if (!known || known->pid != preload_pid() || known_is_removed(known) ||
	    known->owner_seq != __atomic_load_n(&known->head->owner_seq, __ATOMIC_RELAXED))
		return NULL;
	known->turn = ++known_turn;
	return known;
}

/* A free place, or that of the segment that was not used for the longest time. */
static struct known *known_place(void)
{
	struct known *oldest = NULL;

	for (struct known *known = knowns; known < knowns + KNOWN_N; known++) {
		if (!known->head)
			return known;
		if ((!oldest || known->turn < oldest->turn) && !shm_attached_here(known->id))
			oldest = known;
	}
	if (oldest)
		known_drop(oldest);
	return oldest;
}

static void known_tell(struct known *known, const struct door_object *opened)
{
	sysv_perm(opened, &known->perm);
	known->owner_seq = __atomic_load_n(&known->head->owner_seq, __ATOMIC_RELAXED);
	known->handle = opened->handle;
	known->pid = preload_pid();
	known->turn = ++known_turn;
}

static bool known_map(struct known *known, const struct door_object *opened)
{
	char *at = known_room + (size_t)(known - knowns) * KNOWN_ROOM;

	if (fstat(opened->fd, &known->file) < 0 ||
	    shm_mmap(at, opened->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, opened->fd,
		     0) == MAP_FAILED)
		return false;
	known->head = (struct segment_head *)at;
	known->id = opened->id;
	known->size = opened->size - SEGMENT_HEAD_BYTES;
	known->created_usec = opened->created_usec;
	return true;
}

bool shm_known_add(const struct door_object *opened)
{
	struct known *known = known_find(opened->id);

	if (preload_is_guest() || opened->fd < 0 || !opened->handle || opened->unlinked ||
	    opened->size <= SEGMENT_HEAD_BYTES || opened->size > KNOWN_ROOM ||
	    (fcntl(opened->fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return false;
	if (!known) {
		known = known_reserve() ? known_place() : NULL;
		if (!known || !known_map(known, opened))
			return false;
	} else if (known->pid == preload_pid()) {
		door_close(known->handle);
	}
	known_tell(known, opened);
	return true;
}

bool shm_known_is_idle(uint64_t id)
{
	const struct known *known = preload_is_guest() ? NULL : known_find(id);

	return known && known->pid == preload_pid() && !shm_attached_here(known->id);
}

void shm_known_removed(uint64_t id)
{
	struct known *known = known_find(id);

	if (known) {
		__atomic_store_n(&known->head->removed, 1, __ATOMIC_RELEASE);
		if (shm_known_is_idle(id))
			known->handle = 0;
	}
	shm_known_sweep();
}

void shm_known_sweep(void)
{
	for (struct known *known = knowns; known < knowns + KNOWN_N; known++)
		if (known->head && known_is_removed(known) && !shm_attached_here(known->id))
			known_drop(known);
}

int shm_known_attach(uint64_t id, int permissions, struct shm_attached *ret)
{
	const struct known *known = known_fresh(id);
	int r = known ? sysv_may(&known->perm, permissions) : -ENOENT;
	void *memory;

	if (r < 0)
		return r;
	memory = shm_copy((char *)known->head + SEGMENT_HEAD_BYTES, known->size);
	if (memory == MAP_FAILED)
		return -ENOENT;
	*ret = (struct shm_attached){ .memory = memory,
				      .size = known->size,
				      .dev = known->file.st_dev,
				      .ino = known->file.st_ino,
				      .head = known->head,
				      .id = known->id };
	return 0;
}

static int known_stat(uint64_t id, struct ipc_perm *ret, struct door_stat *ret_stat,
		      unsigned long *ret_attached)
{
	const struct known *known = known_fresh(id);
	unsigned long absent;
	long here;
	int r;

	if (!known)
		return -ENOENT;
	r = sysv_may(&known->perm, 0444);
	if (r < 0)
		return r;
	here = shm_attached_here(known->id);
	*ret_attached = segment_attached_but(known->head, &known->file, preload_owner(),
					     shm_is_touched() ? -1 : here, &absent);
	/* The daemons know whether the absent processes still live. */
	if (*ret_attached == 0 && absent > 0)
		return -ENOENT;
	*ret = known->perm;
	ret_stat->id = known->id;
	ret_stat->size = known->size + SEGMENT_HEAD_BYTES;
	ret_stat->created_usec = known->created_usec;
	ret_stat->unlinked = false;
	memcpy(ret_stat->head, known->head, DOOR_HEAD_BYTES);
	return 0;
}

int shm_known_stat(uint64_t id, struct ipc_perm *ret, struct door_stat *ret_stat,
		   unsigned long *ret_attached)
{
	int r;

	preload_lock();
	r = known_stat(id, ret, ret_stat, ret_attached);
	preload_unlock();
	return r;
}
