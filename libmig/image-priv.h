/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image-priv.h - CRIU's images as bytes: entries, and the fields of an entry
 *
 * An image is a magic number of 8 bytes, then entries: a length of 4 bytes and a
 * protobuf message.
 */
#ifndef VC_LIBMIG_IMAGE_PRIV_H
#define VC_LIBMIG_IMAGE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAGIC_SIZE 8

/* Of files.img: fields of CRIU's FileEntry and RegFileEntry */
#define FILE_REG 3
#define REG_NAME 6

/* One field of a message: a number, or bytes. */
struct image_field {
	unsigned int id;
	bool is_bytes;
	uint64_t value; /* of a number */
	uint8_t *at;    /* the number as it is written, or the bytes */
	size_t len;
};

/* A variable-length number; the bytes it takes, 0: none there. */
size_t image_number(const uint8_t *at, const uint8_t *end, uint64_t *ret);
/* The next field of a message; false: the end, or what this does not know. */
bool image_next(uint8_t **at, const uint8_t *end, struct image_field *ret);
/* The field of that number; false: there is none. */
bool image_find(uint8_t *message, const uint8_t *end, unsigned int id, struct image_field *ret);
/* The whole file, on the heap; its length, 0: none there. */
size_t image_read(int fd, uint8_t **ret);
/* The next entry, *at being at or behind the magic number; false: the end. */
bool image_next_entry(uint8_t **at, const uint8_t *end, uint8_t **ret_entry,
		      uint8_t **ret_entry_end);

#endif
