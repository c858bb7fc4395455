// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shm.c - shmget(), shmctl()
 */
#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/object/segment.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/sysv/shm-attach.h"
#include "ipcmap/preload/sysv/shm-known.h"

#define SHM_SETTLE_LOOKS 50
#define SHM_SETTLE_USEC 2000
#define SHM_BYTES_MOST ((UINT64_C(1) << 62) - SEGMENT_HEAD_BYTES)

/* Limits do not apply to a segment that exists. */
static int shm_open_key(key_t key, size_t size, int flags, struct door_object *ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t bytes = size < SHM_BYTES_MOST ? size : SHM_BYTES_MOST;
	struct door_limit limit = { .units = (size + page - 1) / page };
	struct sysv_get get = {
		.kind = IPC_KIND_SYSV_SHM, .key = key, .flags = flags, .limit = &limit
	};
	struct shminfo info;

	get.least = bytes ? bytes + SEGMENT_HEAD_BYTES : 0;
	if (size && (key == IPC_PRIVATE || flags & IPC_CREAT)) {
		get.absent = limits_try_shm(size, flags);
		if (get.absent == 0 && size > SHM_BYTES_MOST)
			get.absent = -ENOMEM;
		if (get.absent == 0)
			get.size = get.least;
	}
	limits_shm(&info);
	limit.objects = info.shmmni;
	limit.units_in_all = info.shmall;
	return sysv_open_key(&get, ret);
}

static int shm_get(key_t key, size_t size, int flags)
{
	struct door_object opened;
	struct segment_head *head;
	int r;

	r = shm_open_key(key, size, flags, &opened);
	if (r < 0)
		return r;
	head = opened.created ? shm_map_head(opened.fd) : NULL;
	if (head)
		head->creator = (uint32_t)preload_pid();
	shm_unmap_head(head);
	preload_lock();
	shm_known_sweep();
	if (shm_known_add(&opened))
		opened.handle = 0;
	preload_unlock();
	sysv_close(&opened);
	return door_short_id(opened.id);
}

INTERPOSE int shmget(key_t key, size_t size, int flags)
{
	struct section section;
	int r;

	section_begin(&section);
	r = shm_get(key, size, flags);
	section_end(&section);
	return preload_result(r);
}

/* --- shmctl ------------------------------------------------------------------------------ */

/* Opens a segment for a moment, uncounted. Its owner can do so whatever its mode is. */
static int shm_open_briefly(uint64_t id, uint32_t flags, struct door_object *ret)
{
	struct door_open req = { .kind = IPC_KIND_SYSV_SHM,
				 .id = id,
				 .flags = flags | DOOR_OWNER | DOOR_NOCOUNT };

	return door_open(&req, ret);
}

/*
 * A process that is being moved cannot be seen. It must not make a segment look unused. The daemons
 * know it, and count dead processes out within moments.
 */
static unsigned long shm_attached(uint64_t id, const struct segment_head *head, int fd)
{
	unsigned long absent, n = segment_attached(head, fd, &absent);
	struct door_stat stat;

	for (int i = 0; i < SHM_SETTLE_LOOKS && n == 0 && absent > 0; i++) {
		if (door_stat(IPC_KIND_SYSV_SHM, NULL, id, &stat) < 0 || stat.openers == 0)
			return 0;
		clock_sleep_usec(SHM_SETTLE_USEC);
		n = segment_attached(head, fd, &absent);
	}
	return n > 0 ? n : absent;
}

/* If the caller may not read the segment, only the daemons can count, by the openers. */
static unsigned long shm_count_attached(const struct door_stat *stat)
{
	unsigned long n = stat->openers;
	struct door_object opened;
	void *head;

	if (shm_open_briefly(stat->id, DOOR_RDONLY, &opened) < 0)
		return n;
	head = mmap(NULL, SEGMENT_HEAD_BYTES, PROT_READ, MAP_SHARED, opened.fd, 0);
	if (head != MAP_FAILED) {
		n = shm_attached(stat->id, head, opened.fd);
		munmap(head, SEGMENT_HEAD_BYTES);
	}
	close(opened.fd);
	return n;
}

static int shm_stat(int id, int command, struct shmid_ds *ret)
{
	struct shmid_ds ds = { 0 };
	struct door_stat stat;
	unsigned long attached;
	bool known = false;
	int r;

	if (command == IPC_STAT) {
		r = shm_known_stat((uint64_t)id, &ds.shm_perm, &stat, &attached);
		known = r != -ENOENT;
		if (!known) {
			section_again();
			r = sysv_stat(IPC_KIND_SYSV_SHM, (uint64_t)id, false, &ds.shm_perm, &stat);
		}
	} else {
		r = sysv_stat_nth(IPC_KIND_SYSV_SHM, id, command == SHM_STAT_ANY, &ds.shm_perm,
				  &stat);
	}
	if (r < 0)
		return r;
	ds.shm_nattch = known ? attached : shm_count_attached(&stat);
	/* Another process keeps it after it was attached. */
	if (stat.unlinked && ds.shm_nattch == 0)
		return -EINVAL;
	ds.shm_segsz = shm_size(stat.size);
	ds.shm_atime = SYSV_HEAD(&stat, struct segment_head, atime);
	ds.shm_dtime = SYSV_HEAD(&stat, struct segment_head, dtime);
	ds.shm_ctime = sysv_changed(SYSV_HEAD(&stat, struct segment_head, ctime), &stat);
	ds.shm_cpid = (pid_t)SYSV_HEAD(&stat, struct segment_head, creator);
	ds.shm_lpid = (pid_t)SYSV_HEAD(&stat, struct segment_head, last);
	ds.shm_perm.mode |= stat.unlinked ? SHM_DEST : 0;
	ds.shm_perm.mode |= SYSV_HEAD(&stat, struct segment_head, locked) ? SHM_LOCKED : 0;
	r = memory_give(ret, &ds, sizeof(ds));
	if (r < 0 || command == IPC_STAT)
		return r;
	return door_short_id(stat.id);
}

static int shm_info_limits(struct shminfo *ret)
{
	int n = list_count(IPC_KIND_SYSV_SHM);

	if (n < 0)
		return n;
	limits_shm(ret);
	return n > 0 ? n - 1 : 0;
}

static int shm_info_use(struct shm_info *ret)
{
	int n = list_count(IPC_KIND_SYSV_SHM);
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);

	if (n < 0)
		return n;
	*ret = (struct shm_info){ .used_ids = n };
	for (int i = 0; i < n; i++) {
		struct door_stat stat;
		struct ipc_perm perm;

		if (sysv_stat_nth(IPC_KIND_SYSV_SHM, i, true, &perm, &stat) < 0)
			continue;
		ret->shm_tot += (shm_size(stat.size) + page - 1) / page;
		/* The head's pages do not belong to the program. */
		ret->shm_rss += shm_size(stat.used_bytes + SEGMENT_HEAD_BYTES - page) / page;
	}
	return n > 0 ? n - 1 : 0;
}

static int shm_info(int command, void *argument)
{
	struct shminfo limits;
	struct shm_info use;
	int r, last;

	if (command == IPC_INFO) {
		last = shm_info_limits(&limits);
		r = last < 0 ? last : memory_give(argument, &limits, sizeof(limits));
	} else {
		last = shm_info_use(&use);
		r = last < 0 ? last : memory_give(argument, &use, sizeof(use));
	}
	return r < 0 ? r : last;
}

static int shm_set(int id, const struct shmid_ds *argument)
{
	struct segment_head *head;
	struct door_object opened;
	struct shmid_ds ds;
	int r = memory_take(&ds, argument, sizeof(ds));

	if (r == 0)
		r = sysv_set((uint64_t)id, &ds.shm_perm);
	if (r < 0 || shm_open_briefly((uint64_t)id, 0, &opened) < 0)
		return r;
	head = shm_map_head(opened.fd);
	if (head) {
		head->ctime = time(NULL);
		__atomic_add_fetch(&head->owner_seq, 1, __ATOMIC_RELEASE);
	}
	shm_unmap_head(head);
	close(opened.fd);
	return 0;
}

/* The result of the kernel for a lock of this size. */
static int shm_check_lock(const struct door_stat *stat, int command)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

	if (preload_has_capability(CAP_IPC_LOCK))
		return 0;
	if (geteuid() != stat->uid && geteuid() != stat->cuid)
		return -EPERM;
	if (command == SHM_UNLOCK)
		return 0;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == 0)
		return -EPERM;
	return shm_size(stat->size) > limit.rlim_cur ? -ENOMEM : 0;
}

/* The lock is only recorded: see vcipc-preload(7). */
static int shm_lock(int id, int command)
{
	struct segment_head *head;
	struct door_object opened;
	struct door_stat stat;
	struct ipc_perm perm;
	int r = sysv_stat(IPC_KIND_SYSV_SHM, (uint64_t)id, true, &perm, &stat);

	if (r == 0)
		r = shm_check_lock(&stat, command);
	if (r < 0 || shm_open_briefly((uint64_t)id, 0, &opened) < 0)
		return r;
	head = shm_map_head(opened.fd);
	if (head)
		head->locked = command == SHM_LOCK;
	shm_unmap_head(head);
	close(opened.fd);
	return 0;
}

static int shm_remove(int id)
{
	int r;

	preload_lock();
	r = sysv_remove(IPC_KIND_SYSV_SHM, (uint64_t)id, shm_known_is_idle((uint64_t)id));
	if (r == 0)
		shm_known_removed((uint64_t)id);
	preload_unlock();
	return r;
}

static int shm_control(int id, int command, struct shmid_ds *ds)
{
	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case SHM_INFO:
		return shm_info(command, ds);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return shm_stat(id, command, ds);
	case IPC_SET:
		return shm_set(id, ds);
	case IPC_RMID:
		return shm_remove(id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock(id, command);
	default:
		return -EINVAL;
	}
}

INTERPOSE int shmctl(int id, int command, struct shmid_ds *ds)
{
	struct section section;
	int r;

	sysv_begin(&section, command);
	r = shm_control(id, command, ds);
	section_end(&section);
	return preload_result(r);
}
