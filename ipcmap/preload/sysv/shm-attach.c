// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shm-attach.c - shmat(), shmdt()
 *
 * A segment is opened for each attachment and closed with it. So its memory is freed with the last
 * attachment after IPC_RMID. The head of its file is mapped next to the memory and records the
 * processes that have it attached (segment.h).
 *
 * Only the kernel knows where an attachment is now: a program can move it by mremap(2), or unmap a
 * part of it and map other memory there. So shmdt() asks the kernel and follows the kernel's rule:
 * the attachment at an address is the memory that is mapped there from the segment's first byte on,
 * or would be if that byte were still mapped.
 */
#include "ipcmap/preload/sysv/shm-attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "ipcmap/maps.h"
#include "ipcmap/preload/preload.h"
#include "ipcmap/preload/raw.h"
#include "ipcmap/preload/sysv/shm-known.h"

/* One shmat() of this process or, by fork, of its parent. */
struct attachment {
	struct attachment *next;
	void *memory; /* where it was attached */
	size_t size;
	dev_t dev; /* of the segment's file */
	ino_t ino;
	struct segment_head *head; /* NULL: the caller may only read */
	bool copied;               /* shm-known.c owns the head and the handle */
	uint64_t id, handle;
	pid_t pid; /* the process that has the handle */
};

static struct attachment *attachments; /* preload_lock */

uint64_t shm_size(uint64_t file_bytes)
{
	return file_bytes > SEGMENT_HEAD_BYTES ? file_bytes - SEGMENT_HEAD_BYTES : 0;
}

static uintptr_t shm_page(void)
{
	return (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* --- attach ------------------------------------------------------------------------------ */

struct placing {
	void *at;
	int prot, map_flags;
	int permissions; /* as for sysv_may() */
};

/* Converts the arguments of shmat(). -EINVAL. */
static int shm_placing(const void *address, int flags, struct placing *ret)
{
	uintptr_t at = (uintptr_t)address, page = shm_page();
	bool readonly = flags & SHM_RDONLY, executes = flags & SHM_EXEC;

	if (!address && flags & SHM_REMAP)
		return -EINVAL;
	if (at % page) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		at -= at % page;
		if (at == 0 && flags & SHM_REMAP)
			return -EINVAL;
	}
	*ret = (struct placing){ .at = (void *)at,
				 .prot = PROT_READ | (readonly ? 0 : PROT_WRITE) |
					 (executes ? PROT_EXEC : 0),
				 .map_flags = MAP_SHARED,
				 .permissions = (readonly ? 0444 : 0666) | (executes ? 0111 : 0) };
	if (address)
		ret->map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

static int shm_map(struct attachment *attachment, int *fd, const struct placing *placing)
{
	uintptr_t end = (uintptr_t)placing->at + attachment->size;
	int r = 0;

	if (placing->map_flags & MAP_FIXED_NOREPLACE && end < attachment->size)
		return -EINVAL;
	attachment->head = shm_map_head(*fd);
	/* mprotect(2) must not make it writable. */
	if (!(placing->prot & PROT_WRITE))
		preload_reopen_readonly(fd);
	attachment->memory = mmap(placing->at, attachment->size, placing->prot, placing->map_flags,
				  *fd, SEGMENT_HEAD_BYTES);
	if (attachment->memory == MAP_FAILED)
		return errno == EEXIST ? -EINVAL : -errno;
	if (attachment->head) {
		r = segment_note(attachment->head, preload_owner(), 1);
		attachment->head->atime = time(NULL);
		attachment->head->last = (uint32_t)preload_pid();
	}
	if (r < 0)
		munmap(attachment->memory, attachment->size);
	return r;
}

static void attachment_add(struct attachment *attachment)
{
	attachment->next = attachments;
	attachments = attachment;
	shm_watch(attachment->memory, attachment->size);
}

static int shm_attachment(const struct door_object *opened, struct attachment *ret)
{
	struct stat file;

	if (fstat(opened->fd, &file) < 0)
		return -errno;
	*ret = (struct attachment){ .size = shm_size(opened->size),
				    .dev = file.st_dev,
				    .ino = file.st_ino,
				    .id = opened->id,
				    .handle = opened->handle,
				    .pid = preload_pid() };
	return 0;
}

static int shm_attach_opened(struct door_object *opened, const struct placing *placing, void **ret)
{
	_cleanup_free_ struct attachment *attachment = calloc(1, sizeof(*attachment));
	struct ipc_perm perm;
	int r;

	if (!attachment)
		return -ENOMEM;
	sysv_perm(opened, &perm);
	r = sysv_may(&perm, placing->permissions);
	if (r == 0)
		r = shm_attachment(opened, attachment);
	if (r < 0)
		return r;
	preload_lock();
	r = shm_map(attachment, &opened->fd, placing);
	if (r < 0) {
		shm_unmap_head(attachment->head);
	} else {
		*ret = attachment->memory;
		attachment_add(steal_ptr(attachment));
	}
	preload_unlock();
	return r;
}

/* A mapping made by shm_known_attach(). */
static int shm_attach_copied(const struct shm_attached *copy)
{
	_cleanup_free_ struct attachment *attachment = calloc(1, sizeof(*attachment));
	int r = attachment ? segment_note(copy->head, preload_owner(), 1) : -ENOMEM;

	if (r < 0) {
		RAW_KERNEL(SYS_munmap, (long)copy->memory, (long)copy->size);
		return r;
	}
	*attachment = (struct attachment){ .memory = copy->memory,
					   .size = copy->size,
					   .dev = copy->dev,
					   .ino = copy->ino,
					   .head = copy->head,
					   .copied = true,
					   .id = copy->id };
	copy->head->atime = time(NULL);
	copy->head->last = (uint32_t)preload_pid();
	attachment_add(steal_ptr(attachment));
	return 0;
}

/* -ENOENT: the caller asks the daemon. */
static int shm_attach_known(int id, const struct placing *placing, void **ret)
{
	struct shm_attached copy;
	int r;

	if (placing->at || placing->map_flags & MAP_FIXED ||
	    placing->prot != (PROT_READ | PROT_WRITE))
		return -ENOENT;
	preload_lock();
	shm_known_sweep();
	r = shm_known_attach((uint64_t)id, placing->permissions, &copy);
	if (r == 0)
		r = shm_attach_copied(&copy);
	if (r == 0)
		*ret = copy.memory;
	preload_unlock();
	return r;
}

/* A removed segment can only be attached again by a process that has it attached. */
static bool shm_is_attached(const struct door_object *opened)
{
	unsigned long n = 1, absent = 0;
	void *head = mmap(NULL, SEGMENT_HEAD_BYTES, PROT_READ, MAP_SHARED, opened->fd, 0);

	if (head != MAP_FAILED) {
		n = segment_attached(head, opened->fd, &absent);
		munmap(head, SEGMENT_HEAD_BYTES);
	}
	return n + absent > 0;
}

static int shm_attach(int id, const void *address, int flags, void **ret)
{
	struct door_object opened;
	struct placing placing;
	int r = id < 0 ? -EINVAL : shm_placing(address, flags, &placing);

	if (r == 0)
		r = shm_attach_known(id, &placing, ret);
	if (r != -ENOENT)
		return r;
	r = sysv_open_id(IPC_KIND_SYSV_SHM, id, !(flags & SHM_RDONLY), &opened);
	if (r < 0)
		return r;
	r = opened.unlinked && !shm_is_attached(&opened)
		    ? -EINVAL
		    : shm_attach_opened(&opened, &placing, ret);
	close(opened.fd);
	if (r < 0)
		door_close(opened.handle);
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

/* --- detach ------------------------------------------------------------------------------ */

/* An attachment of the segment that is mapped there; NULL: none is. */
static struct attachment *attachment_of(const struct mapping *mapping)
{
	struct attachment *a = attachments;

	if (mapping->offset < SEGMENT_HEAD_BYTES)
		return NULL;
	while (a && (a->ino != mapping->ino || a->dev != mapping->dev))
		a = a->next;
	return a;
}

/* Whether a mapping is what shmat() made at that address. */
static bool begins_at(const struct mapping *mapping, uintptr_t at)
{
	return mapping->start >= at && mapping->start - at == mapping->offset - SEGMENT_HEAD_BYTES;
}

static size_t attachments_largest(void)
{
	size_t largest = 0;

	for (const struct attachment *a = attachments; a; a = a->next)
		largest = a->size > largest ? a->size : largest;
	return largest;
}

struct detached {
	const struct attachment *of; /* an attachment of that segment; NULL: there was none */
	bool whole;                  /* all of it, in one piece */
};

/* Unmaps the attachment that begins at an address. */
static int shm_unmap(uintptr_t at, struct detached *ret)
{
	uintptr_t most = at + attachments_largest(), pages;
	struct mapping mapping = { .end = at };
	struct maps maps;
	int r = maps_open(getpid(), &maps);

	*ret = (struct detached){ 0 };
	if (r < 0)
		return r;
	while (maps_next(&maps, mapping.end, &mapping) == 0 && mapping.start < most) {
		const struct attachment *a = attachment_of(&mapping);

		if (!a || !begins_at(&mapping, at) || (ret->of && ret->of->id != a->id) ||
		    RAW_KERNEL(SYS_munmap, (long)mapping.start,
			       (long)(mapping.end - mapping.start)) < 0)
			continue;
		pages = (a->size + shm_page() - 1) / shm_page() * shm_page();
		ret->whole = !ret->of && mapping.end == at + pages && mapping.start == at;
		ret->of = a;
		most = at + pages;
	}
	maps_close(&maps);
	return 0;
}

/* The mapping is as shmat() made it. */
static int shm_unmap_untouched(const void *address, struct detached *ret)
{
	const struct attachment *a = attachments;

	while (a && a->memory != address)
		a = a->next;
	*ret = (struct detached){ .of = a, .whole = true };
	return a ? (int)RAW_KERNEL(SYS_munmap, (long)address, (long)a->size) : 0;
}

static bool shm_is_mapped(const struct attachment *a)
{
	struct mapping mapping = { 0 };
	const struct attachment *of = NULL;
	struct maps maps;

	if (maps_open(getpid(), &maps) < 0)
		return true;
	while ((!of || of->id != a->id) && maps_next(&maps, mapping.end, &mapping) == 0)
		of = attachment_of(&mapping);
	maps_close(&maps);
	return of && of->id == a->id;
}

static void attachment_end(struct attachment *attachment)
{
	struct attachment **at = &attachments;

	while (*at != attachment)
		at = &(*at)->next;
	*at = attachment->next;
	if (attachment->head)
		segment_note(attachment->head, preload_owner(), -1);
	if (!attachment->copied) {
		shm_unmap_head(attachment->head);
		if (attachment->pid == preload_pid())
			door_close(attachment->handle);
	}
	free(attachment);
	if (!attachments)
		shm_watch_none();
}

/* How often the segment is attached here, from a on in the list. */
static uint32_t shm_count(const struct attachment *a, uint64_t id)
{
	uint32_t n = 0;

	for (; a; a = a->next)
		n += a->id == id;
	return n;
}

/* The attachment that shmdt() of an address ends: the one made there, or any. */
static struct attachment *attachment_at(uint64_t id, const void *address)
{
	struct attachment *any = NULL;

	for (struct attachment *a = attachments; a; a = a->next) {
		if (a->id == id && a->memory == address)
			return a;
		if (a->id == id)
			any = a;
	}
	return any;
}

static int shm_detach(const void *address)
{
	struct attachment *attachment;
	struct detached detached;
	int r;

	if ((uintptr_t)address % shm_page())
		return -EINVAL;
	r = shm_is_touched() ? shm_unmap((uintptr_t)address, &detached)
			     : shm_unmap_untouched(address, &detached);
	if (r < 0 || !detached.of)
		return r < 0 ? r : -EINVAL;
	attachment = attachment_at(detached.of->id, address);
	if (attachment->head) {
		attachment->head->dtime = time(NULL);
		attachment->head->last = (uint32_t)preload_pid();
	}
	/* The last one stays while a part of the segment is mapped elsewhere. */
	if (detached.whole || shm_count(attachments, attachment->id) > 1 ||
	    !shm_is_mapped(attachment))
		attachment_end(attachment);
	shm_known_sweep();
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

uint32_t shm_attached_here(uint64_t id)
{
	return shm_count(attachments, id);
}

void shm_forked(pid_t child)
{
	for (const struct attachment *a = attachments; a; a = a->next)
		/* Each segment once, at its last attachment. */
		if (a->head && shm_count(a, a->id) == 1)
			segment_note_fork(a->head, child, shm_count(attachments, a->id));
}
