// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * image.c - CRIU's images as messages
 *
 * CRIU reads its images with the same library, so both see the same values in the same bytes.
 */
#include "libmig/verify/priv.h"

#include <errno.h>
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

/* Unpacks the entry that was read last. */
static int image_unpack(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
			const struct image *image, ProtobufCMessage **ret)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(
		type, NULL, (size_t)(image->end - image->entry), image->entry);

	if (!message)
		return err_set(verify->err, EKEYREJECTED, "%s has no valid %s", image->name,
			       type->short_name);
	if (whole && !image_is_known(message)) {
		verify_image_free(&message);
		return err_set(verify->err, EKEYREJECTED,
			       "%s has a field that vcrun does not know and cannot compare with "
			       "the kernel; use an older CRIU or a newer vcrun",
			       image->name);
	}
	*ret = message;
	return 0;
}

/* Reads an image. Returns 0, or -errno with the error, but none for -ENOENT. */
static int image_load(struct verify *verify, const char *name, struct image *ret)
{
	int r = image_open(ret, verify->images, "%s", name);

	if (r == -EBADMSG)
		return err_set(verify->err, EKEYREJECTED, "%s is not an image", name);
	return r == 0 || r == -ENOENT ? r : err_sys(verify->err, -r, "%s", name);
}

int verify_image_each(
	struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole, const char *name,
	int (*each)(struct verify *verify, const ProtobufCMessage *message, void *ctx), void *ctx)
{
	_cleanup_(image_done) struct image image;
	int r = image_load(verify, name, &image);

	if (r < 0)
		return r == -ENOENT ? err_sys(verify->err, EKEYREJECTED, "%s", name) : r;
	while (r == 0 && image_next_entry(&image)) {
		_cleanup_(verify_image_free) ProtobufCMessage *message = NULL;

		r = image_unpack(verify, type, whole, &image, &message);
		if (r == 0)
			r = each(verify, message, ctx);
	}
	if (r == 0 && image.at != image.data_end)
		return err_set(verify->err, EKEYREJECTED, "%s is truncated", name);
	return r;
}

int verify_image_find(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
		      const char *name, ProtobufCMessage **ret)
{
	_cleanup_(image_done) struct image image;
	int r = image_load(verify, name, &image);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!image_next_entry(&image))
		return err_set(verify->err, EKEYREJECTED, "%s is empty", name);
	return image_unpack(verify, type, whole, &image, ret);
}

int verify_image_read(struct verify *verify, const ProtobufCMessageDescriptor *type, bool whole,
		      const char *name, ProtobufCMessage **ret)
{
	int r = verify_image_find(verify, type, whole, name, ret);

	if (r == 0 && !*ret)
		return err_set(verify->err, EKEYREJECTED, "there is no image %s", name);
	return r;
}
