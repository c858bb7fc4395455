// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * map.c - mapped files, programs and directories of a frozen tree
 *
 * The kernel has links to them that need no path: /proc/PID/map_files/RANGE, exe, cwd, root. In the
 * images all mappings of a file have one id. But one process may have mapped it from a descriptor
 * for writing and another from one for reading, and mprotect(2) depends on that. So the mappings of
 * the first kind get an id of their own.
 *
 * Memory of a memfd and the ring of a packet socket become mappings of a file like all others.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/keep/priv.h"

/* Fields of CRIU's FsEntry */
#define FS_CWD 1
#define FS_ROOT 2

struct map_entry {
	uint64_t start, end, prot, flags, status, fdflags;
	bool has_fdflags;
	uint32_t id;
};

static int map_broken(const struct keep_scan *scan, pid_t pid)
{
	return err_set(scan->err, EPROTO, "mm-%d.img is not the image that was expected", (int)pid);
}

static bool map_read(uint8_t *at, const uint8_t *end, struct map_entry *ret)
{
	struct image_field field;

	*ret = (struct map_entry){ 0 };
	while (image_next(&at, end, &field)) {
		switch (field.id) {
		case VMA_START:
			ret->start = field.value;
			break;
		case VMA_END:
			ret->end = field.value;
			break;
		case VMA_FILE:
			ret->id = (uint32_t)field.value;
			break;
		case VMA_PROT:
			ret->prot = field.value;
			break;
		case VMA_FLAGS:
			ret->flags = field.value;
			break;
		case VMA_STATUS:
			ret->status = field.value;
			break;
		case VMA_FDFLAGS:
			ret->fdflags = field.value;
			ret->has_fdflags = true;
			break;
		}
	}
	return at == end;
}

static bool map_is_file(const struct map_entry *map)
{
	return (map->status & STATUS_REGULAR) && !(map->status & (STATUS_SYSV | STATUS_AIO)) &&
	       (map->status &
		(STATUS_FILE_PRIVATE | STATUS_FILE_SHARED | STATUS_SOCKET | STATUS_MEMFD));
}

/* Without fdflags CRIU assumes the same. */
static bool map_is_writable(const struct map_entry *map)
{
	if (map->has_fdflags)
		return (map->fdflags & O_ACCMODE) != O_RDONLY;
	return (map->prot & PROT_WRITE) && (map->flags & MAP_SHARED);
}

/* Returns the file for a mapping: a writable one has a twin. NULL without memory. */
static struct keep_file *map_choose(struct keep_scan *scan, struct keep_file *file, bool writable)
{
	struct keep_file *twin;
	uint32_t id = file->id;

	if (!writable)
		return file;
	for (size_t i = scan->n_sorted; i < scan->n; i++)
		if (scan->files[i].twin == id)
			return &scan->files[i];
	twin = keep_add(scan);
	if (!twin)
		return NULL;
	twin->id = ++scan->last_id;
	twin->twin = id;
	twin->writable = true;
	return twin;
}

static void map_note(struct keep_file *file, pid_t pid, const char *link)
{
	if (file->mapped)
		return;
	file->mapped = true;
	snprintf(file->link, sizeof(file->link), "/proc/%d/%s", (int)pid, link);
}

/* Notes a mapping of a file. *ret_changed: its entry must be written with the new values of map. */
static int map_note_vma(struct keep_scan *scan, pid_t pid, struct map_entry *map, bool *ret_changed)
{
	struct keep_file *file = keep_find(scan, map->id);
	char link[48];

	if (!file)
		return map_broken(scan, pid);
	if (map->status & STATUS_SOCKET) {
		file->mapped = true;
		*ret_changed = file->how == KEEP_KEPT;
		map->status = STATUS_REGULAR | STATUS_FILE_SHARED;
		return 0;
	}
	file = map_choose(scan, file, map_is_writable(map));
	if (!file)
		return keep_no_memory(scan);
	snprintf(link, sizeof(link), "map_files/%" PRIx64 "-%" PRIx64, map->start, map->end);
	map_note(file, pid, link);
	file->written_shared |= (map->prot & PROT_WRITE) && (map->flags & MAP_SHARED);
	*ret_changed = file->id != map->id || (map->status & STATUS_MEMFD);
	map->id = file->id;
	map->status &= ~(uint64_t)STATUS_MEMFD;
	map->status |= map->flags & MAP_SHARED ? STATUS_FILE_SHARED : STATUS_FILE_PRIVATE;
	return 0;
}

/* Writes a mapping with the values of map. */
static void map_put_vma(struct image_out *out, uint8_t *at, const uint8_t *end,
			const struct map_entry *map)
{
	_cleanup_(image_out_done) struct image_out vma = { 0 };
	struct image_field field;
	uint8_t *begin = at;

	for (; image_next(&at, end, &field); begin = at) {
		if (field.id == VMA_FILE)
			image_out_number(&vma, VMA_FILE, map->id);
		else if (field.id == VMA_STATUS)
			image_out_number(&vma, VMA_STATUS, map->status);
		else
			image_out_put(&vma, begin, (size_t)(at - begin));
	}
	image_out_bytes(out, MM_VMAS, vma.at, vma.len);
	out->failed |= vma.failed;
}

static int map_note_mm(struct keep_scan *scan, pid_t pid, uint8_t *entry, const uint8_t *end,
		       struct image_out *out, bool *ret_changed)
{
	struct image_field field;
	struct keep_file *exe;
	uint8_t *at = entry, *begin = entry;
	int r = 0;

	for (; r == 0 && image_next(&at, end, &field); begin = at) {
		struct map_entry map;
		bool changed = false;

		if (field.id == MM_EXE) {
			exe = keep_find(scan, (uint32_t)field.value);
			if (!exe)
				return map_broken(scan, pid);
			map_note(exe, pid, "exe");
		}
		if (field.id == MM_VMAS) {
			if (!field.is_bytes || !map_read(field.at, field.at + field.len, &map))
				return map_broken(scan, pid);
			if (map_is_file(&map))
				r = map_note_vma(scan, pid, &map, &changed);
		}
		if (changed)
			map_put_vma(out, field.at, field.at + field.len, &map);
		else
			image_out_put(out, begin, (size_t)(at - begin));
		*ret_changed |= changed;
	}
	return r < 0 || at == end ? r : map_broken(scan, pid);
}

static int map_note_process(struct keep_scan *scan, pid_t pid)
{
	_cleanup_(image_out_done) struct image_out mm = { 0 }, out = { 0 };
	_cleanup_(image_done) struct image image;
	bool changed = false;
	int r;

	if (image_open(&image, scan->dirfd, "mm-%d.img", (int)pid) < 0)
		return keep_ended_note(scan, pid);
	if (!image_next_entry(&image))
		return map_broken(scan, pid);
	r = map_note_mm(scan, pid, image.entry, image.end, &mm, &changed);
	if (r == 0 && changed) {
		image_out_put(&out, image.data, IMAGE_MAGIC_SIZE);
		image_out_message(&out, &mm);
		r = image_out_save(&out, scan->dirfd, image.name);
		if (r < 0)
			r = err_sys(scan->err, -r, "%s", image.name);
	}
	return r;
}

static int map_note_directories(struct keep_scan *scan, pid_t pid)
{
	static const struct {
		unsigned int field;
		const char *link;
	} directories[] = { { FS_CWD, "cwd" }, { FS_ROOT, "root" } };
	_cleanup_(image_done) struct image image;

	if (image_open(&image, scan->dirfd, "fs-%d.img", (int)pid) < 0 || !image_next_entry(&image))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		struct keep_file *file = NULL;
		struct image_field id;

		if (image_find(image.entry, image.end, directories[i].field, &id))
			file = keep_find(scan, (uint32_t)id.value);
		if (!file)
			return err_set(scan->err, EPROTO, "%s names no %s", image.name,
				       directories[i].link);
		file->directory = true;
		map_note(file, pid, directories[i].link);
	}
	return 0;
}

int keep_map_note(struct keep_scan *scan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < scan->n_pids; i++) {
		r = map_note_process(scan, scan->pids[i]);
		if (r == 0)
			r = map_note_directories(scan, scan->pids[i]);
	}
	return r;
}

/* Returns a duplicate of the tree's own descriptor of the file, for a file that cannot be opened
 * again: it has a lease, or its server refuses root. */
static int map_borrow(const struct keep_scan *scan, const struct keep_file *file)
{
	struct stat wanted, has;

	if (stat(file->link, &wanted) < 0)
		return -1;
	for (size_t i = 0; i < scan->n_sorted; i++) {
		const struct keep_file *other = &scan->files[i];
		int mode;

		if (other->fd < 0 || !other->pid || fstat(other->fd, &has) < 0 ||
		    has.st_ino != wanted.st_ino || has.st_dev != wanted.st_dev)
			continue;
		mode = fcntl(other->fd, F_GETFL) & O_ACCMODE;
		if (mode == O_RDWR || (mode == O_RDONLY && !file->writable))
			return fcntl(other->fd, F_DUPFD_CLOEXEC, 0);
	}
	return -1;
}

bool keep_map_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_FUTURE_WRITE);
}

static int map_open(const struct keep_file *file)
{
	int flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	if (file->directory)
		return open(file->link, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return open(file->link, flags | (file->writable ? O_RDWR : O_RDONLY));
}

int keep_map_open(struct keep_scan *scan)
{
	for (size_t i = 0; i < scan->n; i++) {
		struct keep_file *file = &scan->files[i];
		int code, r;

		if (!file->mapped || file->pid)
			continue;
		file->fd = map_open(file);
		code = errno;
		if (file->fd < 0 && !file->directory)
			file->fd = map_borrow(scan, file);
		if (file->fd < 0)
			return err_sys(scan->err, code, "keep the file behind %s", file->link);
		if (file->written_shared && keep_map_is_sealed(file->fd))
			return err_set(scan->err, EOPNOTSUPP, "%s is memory that %s", file->link,
				       KEEP_SEALED);
		file->proc = keep_kind_is_proc_of_tree(scan, file->fd);
		file->how = file->proc ? KEEP_NOT : KEEP_KEPT;
		r = keep_follow(scan, file);
		if (r < 0)
			return r;
	}
	return 0;
}
