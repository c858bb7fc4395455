// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * image.c - what is changed in the images between dump and restore
 *
 * CRIU restores into a world that it takes for another one. Ours is the same, and
 * three things in the images stand in the way of that:
 *
 * - The tree's time namespace, from which it would make a namespace of the tree's own.
 * - The session of each terminal that is handed to the restore. CRIU looks for its
 *   leader in the tree, to give it the terminal anew; but the leader is the mover,
 *   from whom the tree inherits the terminal as all its processes had it.
 * - The groups of the tree. What is restored is born in the target's, and CRIU is told
 *   to ignore them, yet forks a helper that puts single threads into theirs and awaits
 *   its end: 1 ms. Where all are in one group the helper has nothing to do.
 *
 * An image is a magic number of 8 bytes, then entries: a length of 4 bytes and a
 * protobuf message. A number in it is set to zero in place, in as many bytes as it had.
 */
#include "libmig/image.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define IMAGE_MAGIC_SIZE 8
#define IMAGE_MAX (1 << 24)

/* TtyInfoEntry in CRIU's images/tty.proto */
#define TTY_INFO_TYPE 2
#define TTY_INFO_SID 6
#define TTY_INFO_PGRP 7
#define TTY_TYPE_EXTERNAL 5

/* CgroupEntry in its images/cgroup.proto */
#define CGROUP_SETS 1

/* One field of a message: a number, or bytes that are passed over. */
struct field {
	unsigned int id;
	uint64_t value;
	uint8_t *at; /* of a number */
	size_t len;
};

/* A variable-length number; the bytes it takes, 0: none there. */
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

/* The next field of a message; false: the end, or what this does not know. */
static bool image_next(uint8_t **at, const uint8_t *end, struct field *ret)
{
	uint64_t tag, skip = 0;
	size_t n = image_number(*at, end, &tag);

	if (n == 0)
		return false;
	*at += n;
	*ret = (struct field){ .id = (unsigned int)(tag >> 3) };
	if ((tag & 7) == 0) {
		ret->at = *at;
		ret->len = image_number(*at, end, &ret->value);
		skip = ret->len;
	} else if ((tag & 7) == 2) {
		n = image_number(*at, end, &skip);
		skip = n && skip <= (uint64_t)(end - *at) ? skip + n : 0;
	} else if ((tag & 7) == 5) {
		skip = 4;
	} else if ((tag & 7) == 1) {
		skip = 8;
	}
	if (skip == 0 || skip > (uint64_t)(end - *at))
		return false;
	*at += skip;
	return true;
}

/* Zero, written with as many bytes. */
static void image_clear(const struct field *field)
{
	memset(field->at, 0x80, field->len - 1);
	field->at[field->len - 1] = 0;
}

static void image_adapt_terminal(uint8_t *entry, const uint8_t *end)
{
	struct field fields[2] = { 0 }, field;
	bool external = false;

	for (uint8_t *at = entry; image_next(&at, end, &field);) {
		if (field.id == TTY_INFO_TYPE)
			external = field.value == TTY_TYPE_EXTERNAL;
		if (field.at && (field.id == TTY_INFO_SID || field.id == TTY_INFO_PGRP))
			fields[field.id - TTY_INFO_SID] = field;
	}
	for (size_t i = 0; external && i < ARRAY_SIZE(fields); i++)
		if (fields[i].at)
			image_clear(&fields[i]);
}

/* The whole file, on the heap; its length, 0: none there. */
static size_t image_read(int fd, uint8_t **ret)
{
	struct stat st;
	size_t size;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size > IMAGE_MAX)
		return 0;
	size = (size_t)st.st_size;
	*ret = malloc(size);
	return *ret && pread(fd, *ret, size, 0) == (ssize_t)size ? size : 0;
}

static void image_adapt_terminals(int dirfd)
{
	_cleanup_close_ int fd = openat(dirfd, "tty-info.img", O_RDWR | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = image_read(fd, &data);

	for (size_t at = IMAGE_MAGIC_SIZE; at + 4 <= size;) {
		uint32_t len;

		memcpy(&len, data + at, sizeof(len));
		at += sizeof(len);
		if (len > size - at)
			return;
		image_adapt_terminal(data + at, data + at + len);
		at += len;
	}
	if (pwrite(fd, data, size, 0) != (ssize_t)size)
		return;
}

static void image_adapt_groups(int dirfd)
{
	_cleanup_close_ int fd = openat(dirfd, "cgroup.img", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = image_read(fd, &data), n = 0;
	struct field field;

	if (size <= IMAGE_MAGIC_SIZE + sizeof(uint32_t))
		return;
	/* The file is one entry. */
	for (uint8_t *at = data + IMAGE_MAGIC_SIZE + sizeof(uint32_t);
	     image_next(&at, data + size, &field);)
		n += field.id == CGROUP_SETS;
	if (n == 1)
		unlinkat(dirfd, "cgroup.img", 0);
}

void image_adapt(int dirfd)
{
	unlinkat(dirfd, "timens-0.img", 0);
	image_adapt_groups(dirfd);
	image_adapt_terminals(dirfd);
}
