// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * image.c - CRIU's images as messages
 *
 * CRIU reads its images with the same library, so both see the same values in the same bytes.
 */
#include "libmig/verify/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "libmig/image/priv.h"

void verify_image_free(ProtobufCMessage **message)
{
	if (*message)
		protobuf_c_message_free_unpacked(*message, NULL);
	*message = NULL;
}

/* Whether the message and its submessages have only fields of the schema. */
static bool image_is_known(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const uint8_t *base = (const uint8_t *)message;

	if (message->n_unknown_fields > 0)
		return false;
	for (unsigned int i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const ProtobufCMessage *const *children;
		size_t n = 1;

		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		children = (const ProtobufCMessage *const *)(base + field->offset);
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			n = *(const size_t *)(base + field->quantifier_offset);
			children = *(const ProtobufCMessage *const *const *)(base + field->offset);
		}
		for (size_t k = 0; k < n; k++)
			if (children[k] && !image_is_known(children[k]))
				return false;
	}
	return true;
}

static int image_unpack(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
			const char *name, const uint8_t *data, size_t size, ProtobufCMessage **ret)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, size, data);

	if (!message)
		return err_set(verify->err, EKEYREJECTED, "%s has no valid %s", name,
			       type->short_name);
	if (whole && !image_is_known(message)) {
		verify_image_free(&message);
		return err_set(verify->err, EKEYREJECTED,
			       "%s has a field that vcrun does not know and cannot compare with "
			       "the kernel; use an older CRIU or a newer vcrun",
			       name);
	}
	*ret = message;
	return 0;
}

/* Reads an image. The caller frees *ret. Returns 0, or -errno with the error, but none for -ENOENT.
 */
static int image_open(struct verify *verify, const char *name, uint8_t **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = openat(verify->images, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : err_sys(verify->err, errno, "%s", name);
	*ret_size = image_read(fd, ret);
	return *ret_size < IMAGE_MAGIC_SIZE
		       ? err_set(verify->err, EKEYREJECTED, "%s is not an image", name)
		       : 0;
}

int verify_image_each(
	struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole, const char *name,
	int (*each)(struct verify *verify, const ProtobufCMessage *message, void *ctx), void *ctx)
{
	_cleanup_free_ uint8_t *data = NULL;
	uint8_t *entry, *entry_end, *at;
	size_t size;
	int r = image_open(verify, name, &data, &size);

	if (r < 0)
		return r == -ENOENT ? err_sys(verify->err, EKEYREJECTED, "%s", name) : r;
	at = data + IMAGE_MAGIC_SIZE;
	while (r == 0 && image_next_entry(&at, data + size, &entry, &entry_end)) {
		_cleanup_(verify_image_free) ProtobufCMessage *message = NULL;

		r = image_unpack(verify, type, whole, name, entry, (size_t)(entry_end - entry),
				 &message);
		if (r == 0)
			r = each(verify, message, ctx);
	}
	if (r == 0 && at != data + size)
		return err_set(verify->err, EKEYREJECTED, "%s is truncated", name);
	return r;
}

int verify_image_find(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
		      const char *name, ProtobufCMessage **ret)
{
	_cleanup_free_ uint8_t *data = NULL;
	uint8_t *entry, *entry_end, *at;
	size_t size;
	int r = image_open(verify, name, &data, &size);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	at = data + IMAGE_MAGIC_SIZE;
	if (!image_next_entry(&at, data + size, &entry, &entry_end))
		return err_set(verify->err, EKEYREJECTED, "%s is empty", name);
	return image_unpack(verify, type, whole, name, entry, (size_t)(entry_end - entry), ret);
}

int verify_image_read(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
		      const char *name, ProtobufCMessage **ret)
{
	int r = verify_image_find(verify, type, whole, name, ret);

	if (r == 0 && !*ret)
		return err_set(verify->err, EKEYREJECTED, "there is no image %s", name);
	return r;
}
