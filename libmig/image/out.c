// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * out.c - writes images, message by message
 *
 * A buffer without memory is marked as failed, so only image_out_save() returns an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/image/priv.h"

#define WIRE_NUMBER 0
#define WIRE_BYTES 2

void image_out_done(struct image_out *out)
{
	free(out->at);
	*out = (struct image_out){ 0 };
}

void image_out_put(struct image_out *out, const void *bytes, size_t len)
{
	if (out->failed || len == 0)
		return;
	if (out->size - out->len < len) {
		size_t size = 2 * (out->size + len);
		uint8_t *grown = realloc(out->at, size);

		if (!grown) {
			out->failed = true;
			return;
		}
		out->at = grown;
		out->size = size;
	}
	memcpy(out->at + out->len, bytes, len);
	out->len += len;
}

static void image_out_varint(struct image_out *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (uint8_t)(value | 0x80);
	bytes[n++] = (uint8_t)value;
	image_out_put(out, bytes, n);
}

void image_out_number(struct image_out *out, unsigned int id, uint64_t value)
{
	image_out_varint(out, (uint64_t)id << 3 | WIRE_NUMBER);
	image_out_varint(out, value);
}

void image_out_bytes(struct image_out *out, unsigned int id, const void *bytes, size_t len)
{
	image_out_varint(out, (uint64_t)id << 3 | WIRE_BYTES);
	image_out_varint(out, len);
	image_out_put(out, bytes, len);
}

void image_out_entry(struct image_out *out, const void *message, size_t len)
{
	uint32_t head = (uint32_t)len;

	image_out_put(out, &head, sizeof(head));
	image_out_put(out, message, len);
}

void image_out_message(struct image_out *out, const struct image_out *message)
{
	image_out_entry(out, message->at, message->len);
	out->failed |= message->failed;
}

int image_out_save(const struct image_out *out, int dirfd, const char *name)
{
	_cleanup_close_ int fd = -1;
	char fresh[64];

	if (out->failed)
		return -ENOMEM;
	snprintf(fresh, sizeof(fresh), "%s.new", name);
	fd = openat(dirfd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < out->len;) {
		ssize_t n = write(fd, out->at + done, out->len - done);

		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return renameat(dirfd, fresh, dirfd, name) < 0 ? -errno : 0;
}
