// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sysv-shm.c - shmget(), shmat(), shmdt(), shmctl()
 *
 * A segment is opened for each attachment and closed with it, so that its memory is given back
 * with the last one after IPC_RMID. The head of its file is mapped beside the memory, to note
 * who has it attached (segment.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/segment.h"

#define SHM_SETTLE_LOOKS 50
#define SHM_SETTLE_USEC 2000
#define SHM_BYTES_MOST ((UINT64_C(1) << 62) - SEGMENT_HEAD_BYTES)

/* One shmat() of this process or, by fork, of its parent. */
struct attachment {
	struct attachment *next;
	void *memory;
	size_t size;
	struct segment_head *head; /* NULL: attached by who may only read */
	uint64_t id, handle;
	pid_t pid; /* whose handle that is */
};

static struct attachment *attachments; /* preload_lock */

static uint64_t shm_size(const struct door_object *opened)
{
	return opened->size > SEGMENT_HEAD_BYTES ? opened->size - SEGMENT_HEAD_BYTES : 0;
}

static struct segment_head *shm_map_head(int fd)
{
	struct segment_head *head = MAP_FAILED;

	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR)
		head = mmap(NULL, SEGMENT_HEAD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return head == MAP_FAILED ? NULL : head;
}

static void shm_unmap_head(struct segment_head *head)
{
	if (head)
		munmap(head, SEGMENT_HEAD_BYTES);
}

static void shm_opened_close(const struct door_object *opened)
{
	close(opened->fd);
	if (opened->handle)
		door_close(opened->handle);
}

/* One that is there already has been made, whatever the limits are now. */
static int shm_open_key(key_t key, size_t size, int flags, struct door_object *ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t bytes = size < SHM_BYTES_MOST ? size : SHM_BYTES_MOST;
	bool makes = size && (key == IPC_PRIVATE || flags & IPC_CREAT);
	struct door_limit limit = { .units = (size + page - 1) / page };
	struct shminfo info;
	int tried, r;

	if (bytes)
		bytes += SEGMENT_HEAD_BYTES;
	if (!makes)
		return sysv_open_key(IPC_KIND_SYSV_SHM, key, flags, bytes, NULL, ret);
	tried = limits_try_shm(size, flags);
	if (tried == 0 && size > SHM_BYTES_MOST)
		tried = -ENOMEM;
	if (tried < 0) {
		if (key == IPC_PRIVATE)
			return tried;
		r = sysv_open_key(IPC_KIND_SYSV_SHM, key, flags, 0, NULL, ret);
		return r == -EINVAL ? tried : r;
	}
	limits_shm(&info);
	limit.objects = info.shmmni;
	limit.units_in_all = info.shmall;
	return sysv_open_key(IPC_KIND_SYSV_SHM, key, flags, bytes, &limit, ret);
}

static int shm_get(key_t key, size_t size, int flags)
{
	struct door_object opened;
	struct segment_head *head;
	int r;

	r = shm_open_key(key, size, flags, &opened);
	if (r < 0)
		return r;
	r = door_short_id(opened.id);
	if (size > shm_size(&opened))
		r = -EINVAL;
	head = opened.created ? shm_map_head(opened.fd) : NULL;
	if (head) {
		head->creator = (uint32_t)preload_pid();
		shm_unmap_head(head);
	}
	shm_opened_close(&opened);
	return r;
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

/* --- attach and detach ------------------------------------------------------------------- */

/* Where to map: *ret_flags are mmap()'s. -EINVAL as shmat(2). */
static int shm_address(const void *address, int flags, void **ret, int *ret_flags)
{
	uintptr_t at = (uintptr_t)address, page = (uintptr_t)sysconf(_SC_PAGESIZE);

	*ret = NULL;
	*ret_flags = MAP_SHARED;
	if (!address)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (at % page) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		at -= at % page;
		if (at == 0 && flags & SHM_REMAP)
			return -EINVAL;
	}
	*ret = (void *)at;
	*ret_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

static int shm_map(struct attachment *attachment, int fd, const void *address, int flags)
{
	int prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
		   (flags & SHM_EXEC ? PROT_EXEC : 0);
	int map_flags, r;
	void *at;

	r = shm_address(address, flags, &at, &map_flags);
	if (r < 0)
		return r;
	attachment->head = shm_map_head(fd);
	attachment->memory = mmap(at, attachment->size, prot, map_flags, fd, SEGMENT_HEAD_BYTES);
	if (attachment->memory == MAP_FAILED)
		return errno == EEXIST ? -EINVAL : -errno;
	if (attachment->head) {
		r = segment_note(attachment->head, preload_pid(), 1);
		attachment->head->atime = time(NULL);
		attachment->head->last = (uint32_t)preload_pid();
	}
	if (r < 0)
		munmap(attachment->memory, attachment->size);
	return r;
}

static int shm_attach(int id, const void *address, int flags, void **ret)
{
	_cleanup_free_ struct attachment *attachment = calloc(1, sizeof(*attachment));
	struct door_object opened;
	int r;

	if (!attachment)
		return -ENOMEM;
	r = sysv_open_id(IPC_KIND_SYSV_SHM, id, !(flags & SHM_RDONLY), &opened);
	if (r < 0)
		return r;
	*attachment = (struct attachment){ .size = shm_size(&opened),
					   .id = opened.id,
					   .handle = opened.handle,
					   .pid = preload_pid() };
	preload_lock();
	r = shm_map(attachment, opened.fd, address, flags);
	if (r < 0) {
		shm_unmap_head(attachment->head);
		shm_opened_close(&opened);
	} else {
		close(opened.fd);
		*ret = attachment->memory;
		attachment->next = attachments;
		attachments = steal_ptr(attachment);
	}
	preload_unlock();
	return r;
}

INTERPOSE void *shmat(int id, const void *address, int flags)
{
	struct section section;
	void *memory;
	int r;

	section_begin(&section);
	r = shm_attach(id, address, flags, &memory);
	section_end(&section);
	if (r == 0)
		return memory;
	errno = -r;
	return (void *)-1;
}

static int shm_detach(const void *address)
{
	struct attachment **at = &attachments, *attachment;

	while (*at && (*at)->memory != address)
		at = &(*at)->next;
	attachment = *at;
	if (!attachment)
		return -EINVAL;
	*at = attachment->next;
	munmap(attachment->memory, attachment->size);
	if (attachment->head) {
		segment_note(attachment->head, preload_pid(), -1);
		attachment->head->dtime = time(NULL);
		attachment->head->last = (uint32_t)preload_pid();
	}
	shm_unmap_head(attachment->head);
	if (attachment->pid == preload_pid())
		door_close(attachment->handle);
	free(attachment);
	return 0;
}

INTERPOSE int shmdt(const void *address)
{
	struct section section;
	int r;

	section_begin(&section);
	preload_lock();
	r = shm_detach(address);
	preload_unlock();
	section_end(&section);
	return preload_result(r);
}

/* How often the segment is attached here, from a on. */
static uint32_t shm_count(const struct attachment *a, uint64_t id)
{
	uint32_t n = 0;

	for (; a; a = a->next)
		n += a->id == id;
	return n;
}

void shm_forked(pid_t child)
{
	for (const struct attachment *a = attachments; a; a = a->next)
		/* Each segment once: at the last of its attachments. */
		if (a->head && shm_count(a, a->id) == 1)
			segment_note_fork(a->head, child, shm_count(attachments, a->id));
}

/* --- shmctl ------------------------------------------------------------------------------ */

/* For a look at the head: by who may not write, without. */
static int shm_look(uint64_t id, struct door_object *ret, const struct segment_head **ret_head)
{
	struct door_open req = { .kind = IPC_KIND_SYSV_SHM,
				 .id = id,
				 .flags = DOOR_RDONLY | DOOR_NOCOUNT };
	int r = door_open(&req, ret);
	void *head;

	if (r < 0)
		return r == -ENOENT ? -EINVAL : r;
	head = mmap(NULL, SEGMENT_HEAD_BYTES, PROT_READ, MAP_SHARED, ret->fd, 0);
	if (head != MAP_FAILED) {
		*ret_head = head;
		return 0;
	}
	r = -errno;
	close(ret->fd);
	return r;
}

/*
 * Who is in the middle of a move is nowhere to be seen, which must not make a segment look
 * unused. The daemons know better: what is dead, they count out within moments.
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

static int shm_stat(uint64_t id, struct shmid_ds *ret)
{
	const struct segment_head *head = NULL;
	struct shmid_ds ds = { 0 };
	struct door_object opened;
	struct door_stat stat;
	int r = sysv_stat(IPC_KIND_SYSV_SHM, id, &ds.shm_perm, &stat);

	if (r == 0)
		r = shm_look(stat.id, &opened, &head);
	if (r < 0)
		return r;
	ds.shm_segsz = shm_size(&opened);
	ds.shm_atime = head->atime;
	ds.shm_dtime = head->dtime;
	ds.shm_ctime = sysv_changed(head->ctime, &stat);
	ds.shm_cpid = (pid_t)head->creator;
	ds.shm_lpid = (pid_t)head->last;
	ds.shm_nattch = shm_attached(stat.id, head, opened.fd);
	if (stat.unlinked)
		ds.shm_perm.mode |= SHM_DEST;
	munmap((void *)head, SEGMENT_HEAD_BYTES);
	close(opened.fd);
	*ret = ds;
	return door_short_id(stat.id);
}

static int shm_info_limits(struct shminfo *ret)
{
	int n = preload_count(IPC_KIND_SYSV_SHM);

	if (n < 0)
		return n;
	limits_shm(ret);
	return n > 0 ? n - 1 : 0;
}

static int shm_info_use(struct shm_info *ret)
{
	int n = preload_count(IPC_KIND_SYSV_SHM);
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);

	if (n < 0)
		return n;
	*ret = (struct shm_info){ .used_ids = n };
	for (int i = 0; i < n; i++) {
		struct door_stat stat;
		uint64_t id;

		if (preload_nth(IPC_KIND_SYSV_SHM, i, &id) == 0 &&
		    door_stat(IPC_KIND_SYSV_SHM, NULL, id, &stat) == 0)
			ret->shm_tot += (stat.size - SEGMENT_HEAD_BYTES + page - 1) / page;
	}
	return n > 0 ? n - 1 : 0;
}

static int shm_stat_nth(int index, struct shmid_ds *ret)
{
	uint64_t id;
	int r = preload_nth(IPC_KIND_SYSV_SHM, index, &id);

	return r < 0 ? r : shm_stat(id, ret);
}

/* ctime, of who may write. */
static int shm_set(int id, const struct shmid_ds *ds)
{
	int r = sysv_set((uint64_t)id, &ds->shm_perm);
	struct door_open req = { .kind = IPC_KIND_SYSV_SHM,
				 .id = (uint64_t)id,
				 .flags = DOOR_NOCOUNT };
	struct segment_head *head;
	struct door_object opened;

	if (r < 0 || door_open(&req, &opened) < 0)
		return r;
	head = shm_map_head(opened.fd);
	if (head)
		head->ctime = time(NULL);
	shm_unmap_head(head);
	close(opened.fd);
	return 0;
}

/* Nothing here is ever swapped out by itself alone: the calls are checked, and that is all. */
static int shm_lock(int id)
{
	struct door_stat stat;
	struct ipc_perm perm;
	int r = sysv_stat(IPC_KIND_SYSV_SHM, (uint64_t)id, &perm, &stat);

	if (r < 0)
		return r == -EACCES ? -EPERM : r;
	return geteuid() == 0 || geteuid() == stat.uid || geteuid() == stat.cuid ? 0 : -EPERM;
}

static bool shm_has_buffer(int command)
{
	return command == IPC_INFO || command == SHM_INFO || command == IPC_STAT ||
	       command == SHM_STAT || command == SHM_STAT_ANY || command == IPC_SET;
}

static int shm_control(int id, int command, struct shmid_ds *ds)
{
	int r;

	if (id < 0)
		return -EINVAL;
	if (!ds && shm_has_buffer(command))
		return -EFAULT;
	switch (command) {
	case IPC_INFO:
		return shm_info_limits((struct shminfo *)ds);
	case SHM_INFO:
		return shm_info_use((struct shm_info *)ds);
	case IPC_STAT:
		r = shm_stat((uint64_t)id, ds);
		return r < 0 ? r : 0;
	case SHM_STAT:
	case SHM_STAT_ANY:
		return shm_stat_nth(id, ds);
	case IPC_SET:
		return shm_set(id, ds);
	case IPC_RMID:
		return sysv_remove(IPC_KIND_SYSV_SHM, (uint64_t)id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return shm_lock(id);
	default:
		return -EINVAL;
	}
}

INTERPOSE int shmctl(int id, int command, struct shmid_ds *ds)
{
	struct section section;
	int r;

	section_begin(&section);
	r = shm_control(id, command, ds);
	section_end(&section);
	return preload_result(r);
}
