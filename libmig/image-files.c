// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * image-files.c - makes a restore independent of what paths lead to
 *
 * CRIU opens most of a job's files by their paths, and wants them as they were. If
 * somebody has removed, cut or replaced one between dump and restore, no restore
 * from these images succeeds, here or there. But the mover holds those files open
 * (inventory_held). So each is given a name of its own in the images,
 *
 *	/vcrun/0  /vcrun/1  …
 *
 * and the held descriptor is handed to the restore by that name. Done only after
 * a restore has failed: it is a second way, and the first is the well-trodden one.
 *
 * The images concerned: ids-PID.img has the number of a process's descriptor table,
 * fdinfo-NUMBER.img the descriptors and the ids of their files, files.img the files.
 */
#include "libmig/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/image-priv.h"
#include "libmig/inventory.h"

/* Fields of CRIU's TaskKobjIdsEntry, FdinfoEntry, FileEntry */
#define IDS_FILES 2
#define FDINFO_ID 1
#define FDINFO_FD 4
#define FILE_TYPE 1
#define FILE_ID 2
#define FILE_TYPE_REG 1

#define NAME_SIZE 32

/* Which file a descriptor was of. */
struct detach_fd {
	uint32_t table; /* of descriptors */
	int fd;
	uint32_t id;
};

struct detach {
	struct inventory *inv;
	struct detach_fd *fds;
	size_t n_fds;
	uint32_t *ids; /* of each held file; 0: not a descriptor, or not known */
	bool *used;
	uint8_t *out; /* the new files.img */
	size_t n_out, size;
};

static size_t detach_read(int dirfd, const char *name, uint8_t **ret)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	size_t size = image_read(fd, ret);

	return size < IMAGE_MAGIC_SIZE ? 0 : size;
}

static int detach_add_fd(struct detach *detach, uint32_t table, uint8_t *entry, const uint8_t *end)
{
	struct image_field id, fd;

	if (!image_find(entry, end, FDINFO_ID, &id) || !image_find(entry, end, FDINFO_FD, &fd))
		return 0;
	/* Grows at the powers of two. */
	if ((detach->n_fds & (detach->n_fds - 1)) == 0) {
		size_t size = detach->n_fds ? detach->n_fds * 2 : 1;
		struct detach_fd *grown = realloc(detach->fds, size * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		detach->fds = grown;
	}
	detach->fds[detach->n_fds++] =
		(struct detach_fd){ .table = table, .fd = (int)fd.value, .id = (uint32_t)id.value };
	return 0;
}

static int detach_read_tables(struct detach *detach, int dirfd)
{
	_cleanup_closedir_ DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_CLOEXEC));
	const struct dirent *file;
	int r = 0;

	while (r == 0 && dir && (file = readdir(dir))) {
		_cleanup_free_ uint8_t *data = NULL;
		uint8_t *at, *entry, *end;
		unsigned int table;
		size_t size;

		if (sscanf(file->d_name, "fdinfo-%u.img", &table) != 1)
			continue;
		size = detach_read(dirfd, file->d_name, &data);
		at = data + IMAGE_MAGIC_SIZE;
		while (r == 0 && size && image_next_entry(&at, data + size, &entry, &end))
			r = detach_add_fd(detach, table, entry, end);
	}
	return r;
}

/* The number of a process's table of descriptors; 0: not known. */
static uint32_t detach_find_table(int dirfd, pid_t pid)
{
	_cleanup_free_ uint8_t *data = NULL;
	uint8_t *at, *entry, *end;
	struct image_field files;
	char name[32];
	size_t size;

	snprintf(name, sizeof(name), "ids-%d.img", (int)pid);
	size = detach_read(dirfd, name, &data);
	at = data + IMAGE_MAGIC_SIZE;
	if (size == 0 || !image_next_entry(&at, data + size, &entry, &end) ||
	    !image_find(entry, end, IDS_FILES, &files))
		return 0;
	return (uint32_t)files.value;
}

static void detach_find_ids(struct detach *detach, int dirfd)
{
	for (size_t i = 0; i < detach->inv->n_held; i++) {
		const struct inventory_held *held = &detach->inv->held[i];
		uint32_t table = held->pid ? detach_find_table(dirfd, held->pid) : 0;

		for (size_t k = 0; table && k < detach->n_fds; k++)
			if (detach->fds[k].table == table && detach->fds[k].fd == held->number)
				detach->ids[i] = detach->fds[k].id;
	}
}

/* Which held file this one is: by its id if a descriptor led to it, else by its path. */
static ssize_t detach_find_held(const struct detach *detach, uint32_t id,
				const struct image_field *name)
{
	for (size_t i = 0; i < detach->inv->n_held; i++)
		if (detach->ids[i] == id && detach->inv->held[i].fd >= 0)
			return (ssize_t)i;
	for (size_t k = 0; k < detach->n_fds; k++)
		if (detach->fds[k].id == id)
			return -1;
	for (size_t i = 0; i < detach->inv->n_held; i++) {
		const struct inventory_held *held = &detach->inv->held[i];

		if (held->pid == 0 && held->fd >= 0 && strlen(held->path) == name->len &&
		    !memcmp(held->path, name->at, name->len))
			return (ssize_t)i;
	}
	return -1;
}

static size_t detach_put_number(uint8_t *at, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		at[n++] = (uint8_t)(value | 0x80);
	at[n++] = (uint8_t)value;
	return n;
}

/* Copies a message with the bytes of one field replaced. */
static size_t detach_replace(uint8_t *out, uint8_t *message, const uint8_t *end, unsigned int id,
			     const uint8_t *bytes, size_t len)
{
	struct image_field field;
	uint8_t *begin = message;
	size_t n = 0;

	for (uint8_t *at = message; image_next(&at, end, &field); begin = at) {
		if (field.id == id && field.is_bytes) {
			n += detach_put_number(out + n, (uint64_t)id << 3 | 2);
			n += detach_put_number(out + n, len);
			memcpy(out + n, bytes, len);
			n += len;
		} else {
			memcpy(out + n, begin, (size_t)(at - begin));
			n += (size_t)(at - begin);
		}
	}
	return n;
}

static int detach_put_entry(struct detach *detach, const uint8_t *entry, size_t len)
{
	uint32_t head = (uint32_t)len;

	if (detach->size - detach->n_out < sizeof(head) + len) {
		size_t size = 2 * (detach->size + sizeof(head) + len);
		uint8_t *grown = realloc(detach->out, size);

		if (!grown)
			return -ENOMEM;
		detach->out = grown;
		detach->size = size;
	}
	memcpy(detach->out + detach->n_out, &head, sizeof(head));
	memcpy(detach->out + detach->n_out + sizeof(head), entry, len);
	detach->n_out += sizeof(head) + len;
	return 0;
}

static int detach_entry(struct detach *detach, uint8_t *entry, uint8_t *end)
{
	struct image_field type, id, reg, name;
	_cleanup_free_ uint8_t *new_reg = NULL, *new_entry = NULL;
	char text[NAME_SIZE];
	ssize_t held = -1;
	size_t len;

	if (image_find(entry, end, FILE_TYPE, &type) && type.value == FILE_TYPE_REG &&
	    image_find(entry, end, FILE_ID, &id) && image_find(entry, end, FILE_REG, &reg) &&
	    image_find(reg.at, reg.at + reg.len, REG_NAME, &name))
		held = detach_find_held(detach, (uint32_t)id.value, &name);
	if (held < 0)
		return detach_put_entry(detach, entry, (size_t)(end - entry));
	detach->used[held] = true;
	snprintf(text, sizeof(text), "/vcrun/%zd", held);
	new_reg = malloc(reg.len + NAME_SIZE + 10);
	new_entry = malloc((size_t)(end - entry) + NAME_SIZE + 20);
	if (!new_reg || !new_entry)
		return -ENOMEM;
	len = detach_replace(new_reg, reg.at, reg.at + reg.len, REG_NAME, (uint8_t *)text,
			     strlen(text));
	len = detach_replace(new_entry, entry, end, FILE_REG, new_reg, len);
	return detach_put_entry(detach, new_entry, len);
}

static int detach_files(struct detach *detach, int dirfd)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = detach_read(dirfd, "files.img", &data);
	uint8_t *at = data + IMAGE_MAGIC_SIZE, *entry, *end;
	_cleanup_close_ int fd = -1;
	int r = 0;

	if (size == 0)
		return -ENOENT;
	detach->size = 2 * size;
	detach->out = malloc(detach->size);
	if (!detach->out)
		return -ENOMEM;
	memcpy(detach->out, data, IMAGE_MAGIC_SIZE);
	detach->n_out = IMAGE_MAGIC_SIZE;
	while (r == 0 && image_next_entry(&at, data + size, &entry, &end))
		r = detach_entry(detach, entry, end);
	if (r < 0)
		return r;
	fd = openat(dirfd, "files.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, detach->out, detach->n_out) != (ssize_t)detach->n_out ||
	    renameat(dirfd, "files.new", dirfd, "files.img") < 0)
		return -errno;
	return 0;
}

/* A descriptor to be handed over. */
static int detach_take(struct inventory_held *held)
{
	char path[32];

	if (!held->writes)
		return steal_fd(&held->fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", held->fd);
	return open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
}

/* From now on what was held is handed over. */
static int detach_hand_over(struct detach *detach)
{
	struct inventory *inv = detach->inv;
	struct inventory_external *grown =
		realloc(inv->externals, (inv->n_externals + inv->n_held) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	inv->externals = grown;
	for (size_t i = 0; i < inv->n_held; i++) {
		char key[NAME_SIZE];

		if (!detach->used[i])
			continue;
		snprintf(key, sizeof(key), "vcrun/%zu", i);
		grown[inv->n_externals++] =
			(struct inventory_external){ .restore_key = strdup(key),
						     .fd = detach_take(&inv->held[i]) };
	}
	return 0;
}

int image_detach(int dirfd, struct inventory *inv)
{
	struct detach detach = { .inv = inv };
	int r = 0;

	detach.ids = calloc(inv->n_held + 1, sizeof(*detach.ids));
	detach.used = calloc(inv->n_held + 1, sizeof(*detach.used));
	if (!detach.ids || !detach.used)
		r = -ENOMEM;
	if (r == 0)
		r = detach_read_tables(&detach, dirfd);
	if (r == 0) {
		detach_find_ids(&detach, dirfd);
		r = detach_files(&detach, dirfd);
	}
	if (r == 0)
		r = detach_hand_over(&detach);
	free(detach.fds);
	free(detach.ids);
	free(detach.used);
	free(detach.out);
	return r;
}
