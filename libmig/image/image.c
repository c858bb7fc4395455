// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * image.c - reads CRIU's images, and changes two of them between dump and restore
 *
 * CRIU expects to restore into another environment. Here it is the same one. So two parts of the
 * images are removed:
 *
 * - The tree's time namespace: CRIU would create a new namespace for the tree.
 * - The tree's groups. Restored processes start in the groups of the target, and CRIU
 * gets the option to ignore the old ones. But it still forks a helper that puts threads into them,
 * which takes 1 ms. If all threads are in one group, the helper has nothing to do.
 */
#include "libmig/image/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/image/priv.h"

#define IMAGE_MAX (1 << 28)

/* CgroupEntry in its images/cgroup.proto */
#define CGROUP_SETS 1

/* Reads a number of variable length. Returns the bytes that it takes; 0: failure. */
static size_t image_number(const uint8_t *at, const uint8_t *end, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; at + i < end && i < 10; i++) {
		*ret |= (uint64_t)(at[i] & 0x7f) << (7 * i);
		if (!(at[i] & 0x80))
			return i + 1;
	}
	return 0;
}

bool image_next(uint8_t **at, const uint8_t *end, struct image_field *ret)
{
	uint64_t tag, len;
	size_t n = image_number(*at, end, &tag);

	if (n == 0)
		return false;
	*at += n;
	*ret = (struct image_field){ .id = (unsigned int)(tag >> 3), .at = *at };
	switch (tag & 7) {
	case 0:
		ret->len = image_number(*at, end, &ret->value);
		if (ret->len == 0)
			return false;
		break;
	case 2:
		n = image_number(*at, end, &len);
		if (n == 0 || len > (uint64_t)(end - *at) - n)
			return false;
		ret->is_bytes = true;
		ret->at = *at + n;
		ret->len = (size_t)len;
		break;
	case 1:
	case 5:
		ret->is_bytes = true;
		ret->len = (tag & 7) == 1 ? 8 : 4;
		break;
	default:
		return false;
	}
	if (ret->len > (size_t)(end - ret->at))
		return false;
	*at = ret->at + ret->len;
	return true;
}

bool image_find(uint8_t *message, const uint8_t *end, unsigned int id, struct image_field *ret)
{
	while (image_next(&message, end, ret))
		if (ret->id == id)
			return true;
	return false;
}

int image_open(struct image *ret, int dirfd, const char *format, ...)
{
	_cleanup_free_ char *data = NULL;
	ssize_t size;
	va_list ap;

	*ret = (struct image){ .dirfd = dirfd };
	va_start(ap, format);
	vsnprintf(ret->name, sizeof(ret->name), format, ap);
	va_end(ap);
	size = file_read_all(dirfd, ret->name, IMAGE_MAX, &data);
	if (size < IMAGE_MAGIC_SIZE)
		return size < 0 ? (int)size : -EBADMSG;
	ret->data = (uint8_t *)steal_ptr(data);
	ret->data_end = ret->data + size;
	image_rewind(ret);
	return 0;
}

void image_done(struct image *image)
{
	free(image->data);
}

void image_rewind(struct image *image)
{
	if (image->data)
		image->at = image->data + IMAGE_MAGIC_SIZE;
}

bool image_next_entry(struct image *image)
{
	size_t rest = (size_t)(image->data_end - image->at);
	uint32_t len;

	if (rest < sizeof(len))
		return false;
	memcpy(&len, image->at, sizeof(len));
	if (len > rest - sizeof(len))
		return false;
	image->entry = image->at + sizeof(len);
	image->at = image->end = image->entry + len;
	return true;
}

int image_write_back(const struct image *image)
{
	_cleanup_close_ int fd = openat(image->dirfd, image->name, O_WRONLY | O_CLOEXEC);
	size_t size = (size_t)(image->data_end - image->data);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = pwrite(fd, image->data, size, 0);
	return n == (ssize_t)size ? 0 : n < 0 ? -errno : -EIO;
}

static void image_adapt_groups(int dirfd)
{
	_cleanup_(image_done) struct image image;
	struct image_field field;
	size_t n = 0;

	if (image_open(&image, dirfd, "cgroup.img") < 0 || !image_next_entry(&image))
		return;
	while (image_next(&image.entry, image.end, &field))
		n += field.id == CGROUP_SETS;
	if (n == 1)
		unlinkat(dirfd, image.name, 0);
}

void image_adapt(int dirfd)
{
	unlinkat(dirfd, "timens-0.img", 0);
	image_adapt_groups(dirfd);
}

/* FNV-1a */
static uint64_t image_mix(uint64_t sum, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* The order of the entries in a directory changes only when one is created or removed. */
uint64_t image_state(int dirfd)
{
	_cleanup_closedir_ DIR *dir = file_open_dir(dirfd, ".");
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *end = strrchr(entry->d_name, '.');
		struct stat st;

		/* CRIU still writes the logs. */
		if (!end || strcmp(end, ".img") ||
		    fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		sum = image_mix(sum, entry->d_name, strlen(entry->d_name));
		sum = image_mix(sum, &st.st_ino, sizeof(st.st_ino));
		sum = image_mix(sum, &st.st_size, sizeof(st.st_size));
		sum = image_mix(sum, &st.st_ctim.tv_sec, sizeof(st.st_ctim.tv_sec));
		sum = image_mix(sum, &st.st_ctim.tv_nsec, sizeof(st.st_ctim.tv_nsec));
	}
	return sum;
}
