// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * image.c - reads and changes the images of a tree's files
 *
 * ids-PID.img has the number of a process's table of descriptors, fdinfo-NUMBER.img the descriptors
 *with the ids of their files, files.img the files. Every kept file becomes one of two kinds in the
 *images:
 *
 *	an external file     CRIU asks its modules for it by its id (module/keep.c)
 *	the file /vcrun/ID   before CRIU opens a regular file, it looks for a descriptor that was
 *	                     handed over under that name. Only regular files can be mapped, so all
 *	                     mapped files, programs and directories are of this kind. CRIU searches
 *	                     all such names each time, so no other file is.
 *
 * Other data about kept files is removed. Otherwise CRIU would restore the contents of pipes and
 *sockets again, create unlinked files again, and take locks a second time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/keep/priv.h"

/* Fields of CRIU's TaskKobjIdsEntry, FdinfoEntry, FileEntry, ExtFileEntry and RegFileEntry (which
 * have two in common), FownEntry and RemapFilePathEntry */
#define IDS_FILES 2
#define FDINFO_ID 1
#define FDINFO_TYPE 3
#define FDINFO_FD 4
#define FILE_EXT 15
#define EXT_ID 1
#define EXT_OWNER 5
#define REG_FLAGS 2
#define REG_POS 3
#define OWNER_FIELDS 5
#define REMAP_ID 1

/* Contents of kept files, and file locks. The mover takes POSIX locks again without waiting
 * (state/lock.c); all other locks stay with the files. */
static const char *const image_contents[] = { "sk-queues.img", "pipes-data.img", "fifo-data.img",
					      "memfd.img",     "tty-info.img",   "tty-data.img",
					      "filelocks.img" };

static int image_broken(const struct keep_scan *scan, const char *name)
{
	return err_set(scan->err, EPROTO, "%s is not the image that was expected", name);
}

/* Returns the number of a process's table of descriptors; 0: it has none (a zombie). */
static uint32_t image_find_table(const struct keep_scan *scan, pid_t pid)
{
	_cleanup_(image_done) struct image ids;
	struct image_field files;

	if (image_open(&ids, scan->dirfd, "ids-%d.img", (int)pid) < 0 || !image_next_entry(&ids) ||
	    !image_find(ids.entry, ids.end, IDS_FILES, &files))
		return 0;
	return (uint32_t)files.value;
}

static int image_read_table(struct keep_scan *scan, struct keep_table *table)
{
	struct image *fds = &table->fds;
	int r = image_open(fds, scan->dirfd, "fdinfo-%u.img", table->number);

	/* A zombie of a session that is restored with it has a number but no table. */
	if (r < 0)
		return r == -ENOENT ? 0 : image_broken(scan, fds->name);
	while (image_next_entry(fds)) {
		struct image_field id, fd;
		struct keep_file *file;

		if (!image_find(fds->entry, fds->end, FDINFO_ID, &id) ||
		    !image_find(fds->entry, fds->end, FDINFO_FD, &fd))
			return image_broken(scan, fds->name);
		file = keep_add(scan);
		if (!file)
			return keep_no_memory(scan);
		file->id = (uint32_t)id.value;
		file->pid = table->pid;
		file->number = (int)fd.value;
	}
	return 0;
}

static int image_read_tables(struct keep_scan *scan)
{
	int r = 0;

	scan->tables = calloc(scan->n_pids + 1, sizeof(*scan->tables));
	if (!scan->tables)
		return keep_no_memory(scan);
	for (size_t i = 0; r == 0 && i < scan->n_pids; i++) {
		uint32_t number = image_find_table(scan, scan->pids[i]);
		size_t k = 0;

		while (k < scan->n_tables && scan->tables[k].number != number)
			k++;
		if (number == 0 || k < scan->n_tables)
			continue;
		scan->tables[k] = (struct keep_table){ .number = number, .pid = scan->pids[i] };
		scan->n_tables++;
		r = image_read_table(scan, &scan->tables[k]);
	}
	return r;
}

static int image_read_files(struct keep_scan *scan)
{
	struct image *files = &scan->image;

	if (image_open(files, scan->dirfd, "files.img") < 0)
		return image_broken(scan, files->name);
	while (image_next_entry(files)) {
		struct image_field type, id;
		struct keep_file *file;

		if (!image_find(files->entry, files->end, FILE_TYPE, &type) ||
		    !image_find(files->entry, files->end, FILE_ID, &id))
			return image_broken(scan, files->name);
		file = keep_add(scan);
		if (!file)
			return keep_no_memory(scan);
		file->id = (uint32_t)id.value;
		file->type = (unsigned int)type.value;
		file->entry = files->entry;
		file->len = (size_t)(files->end - files->entry);
		if (file->id > scan->last_id)
			scan->last_id = file->id;
	}
	return 0;
}

static int image_compare(const void *a, const void *b)
{
	uint32_t x = ((const struct keep_file *)a)->id, y = ((const struct keep_file *)b)->id;

	return (x > y) - (x < y);
}

/* Sorts by id, and joins the descriptors and the entry of each file. */
static void image_join(struct keep_scan *scan)
{
	struct keep_file *last = NULL;
	size_t n = 0;

	if (scan->n > 0)
		qsort(scan->files, scan->n, sizeof(*scan->files), image_compare);
	for (size_t i = 0; i < scan->n; i++) {
		const struct keep_file *file = &scan->files[i];

		if (!last || last->id != file->id) {
			last = &scan->files[n++];
			*last = *file;
			continue;
		}
		if (last->pid == 0) {
			last->pid = file->pid;
			last->number = file->number;
		}
		if (file->entry) {
			last->type = file->type;
			last->entry = file->entry;
			last->len = file->len;
		}
	}
	scan->n = scan->n_sorted = n;
}

int keep_image_read(struct keep_scan *scan)
{
	int r = image_read_tables(scan);

	if (r == 0)
		r = image_read_files(scan);
	if (r < 0)
		return r;
	image_join(scan);
	for (size_t i = 0; i < scan->n; i++)
		if (scan->files[i].type == 0)
			return err_set(scan->err, EPROTO,
				       "fd %d of pid %d is not in the images: files.img has no %u",
				       scan->files[i].number, (int)scan->files[i].pid,
				       scan->files[i].id);
	return 0;
}

/* Writes the types of kept files into a table of descriptors. */
static int image_write_table(struct keep_scan *scan, struct keep_table *table)
{
	struct image *fds = &table->fds;
	int r;

	if (!fds->data)
		return 0;
	image_rewind(fds);
	while (image_next_entry(fds)) {
		struct image_field id, type;
		const struct keep_file *file;

		if (!image_find(fds->entry, fds->end, FDINFO_ID, &id) ||
		    !image_find(fds->entry, fds->end, FDINFO_TYPE, &type) || type.len != 1)
			return image_broken(scan, fds->name);
		file = keep_find(scan, (uint32_t)id.value);
		if (file && file->how == KEEP_KEPT)
			*type.at = file->mapped ? KEEP_REG : KEEP_EXT;
	}
	r = image_write_back(fds);
	return r < 0 ? err_sys(scan->err, -r, "%s", fds->name) : 0;
}

static void image_put_kept(struct image_out *out, const struct keep_file *file)
{
	_cleanup_(image_out_done) struct image_out owner = { 0 }, body = { 0 }, entry = { 0 };
	char name[32];

	snprintf(name, sizeof(name), "/vcrun/%u", file->id);
	for (unsigned int i = 1; i <= OWNER_FIELDS; i++)
		image_out_number(&owner, i, 0);
	image_out_number(&body, EXT_ID, file->id);
	if (file->mapped) {
		image_out_number(&body, REG_FLAGS, 0);
		image_out_number(&body, REG_POS, 0);
	}
	image_out_bytes(&body, EXT_OWNER, owner.at, owner.len);
	if (file->mapped)
		image_out_bytes(&body, REG_NAME, name, strlen(name));
	image_out_number(&entry, FILE_TYPE, file->mapped ? KEEP_REG : KEEP_EXT);
	image_out_number(&entry, FILE_ID, file->id);
	image_out_bytes(&entry, file->mapped ? FILE_REG : FILE_EXT, body.at, body.len);
	entry.failed |= owner.failed || body.failed;
	image_out_message(out, &entry);
}

/* Writes a file with another name. */
static void image_put_renamed(struct image_out *out, const struct keep_file *file, const char *name)
{
	_cleanup_(image_out_done) struct image_out reg = { 0 }, entry = { 0 };
	struct image_field field, inner;
	uint8_t *at = file->entry, *end = file->entry + file->len, *begin = at;

	for (; image_next(&at, end, &field); begin = at) {
		uint8_t *in = field.at, *from = in;

		if (field.id != FILE_REG) {
			image_out_put(&entry, begin, (size_t)(at - begin));
			continue;
		}
		for (; image_next(&in, field.at + field.len, &inner); from = in) {
			if (inner.id == REG_NAME)
				image_out_bytes(&reg, REG_NAME, name, strlen(name));
			else
				image_out_put(&reg, from, (size_t)(in - from));
		}
		image_out_bytes(&entry, FILE_REG, reg.at, reg.len);
	}
	entry.failed |= reg.failed;
	image_out_message(out, &entry);
}

static int image_write_files(struct keep_scan *scan)
{
	_cleanup_(image_out_done) struct image_out out = { 0 };
	int r;

	image_out_put(&out, scan->image.data, IMAGE_MAGIC_SIZE);
	for (size_t i = 0; i < scan->n; i++) {
		const struct keep_file *file = &scan->files[i];
		char path[PATH_MAX];

		if (file->how == KEEP_KEPT)
			image_put_kept(&out, file);
		else if (keep_follow_path(file, path))
			image_put_renamed(&out, file, path);
		/* Otherwise only a message that waits in a kept socket has it. */
		else if (file->pid || file->type == KEEP_REG)
			image_out_entry(&out, file->entry, file->len);
	}
	/* image/names.c still needs the names. */
	r = linkat(scan->dirfd, "files.img", scan->dirfd, IMAGE_NAMES, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = image_out_save(&out, scan->dirfd, "files.img");
	return r < 0 ? err_sys(scan->err, -r, "files.img") : 0;
}

typedef bool image_wanted_fn(const struct keep_scan *scan, uint8_t *entry, const uint8_t *end);

/* Removes the entries that are not wanted. */
static int image_filter(struct keep_scan *scan, const char *name, image_wanted_fn *wanted)
{
	_cleanup_(image_out_done) struct image_out out = { 0 };
	_cleanup_(image_done) struct image image;
	int r;

	if (image_open(&image, scan->dirfd, "%s", name) < 0)
		return 0;
	image_out_put(&out, image.data, IMAGE_MAGIC_SIZE);
	while (image_next_entry(&image))
		if (wanted(scan, image.entry, image.end))
			image_out_entry(&out, image.entry, (size_t)(image.end - image.entry));
	r = image_out_save(&out, scan->dirfd, name);
	return r < 0 ? err_sys(scan->err, -r, "%s", name) : 0;
}

/* CRIU must create an unlinked file again only if it opens it by its name. */
static bool image_wants_remap(const struct keep_scan *scan, uint8_t *entry, const uint8_t *end)
{
	const struct keep_file *file;
	struct image_field id;

	if (!image_find(entry, end, REMAP_ID, &id))
		return true;
	file = keep_find(scan, (uint32_t)id.value);
	return file && file->how == KEEP_NOT && (file->pid || file->mapped);
}

int keep_image_write(struct keep_scan *scan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < scan->n_tables; i++)
		r = image_write_table(scan, &scan->tables[i]);
	if (r == 0)
		r = image_write_files(scan);
	if (r == 0)
		r = image_filter(scan, "remap-fpath.img", image_wants_remap);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(image_contents); i++)
		unlinkat(scan->dirfd, image_contents[i], 0);
	return r;
}
