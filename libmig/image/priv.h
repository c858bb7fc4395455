/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - CRIU's images as bytes: entries, and the fields of an entry
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

/* files.img as the dump wrote it, before the names of kept files were taken out. */
#define IMAGE_NAMES "files-dumped.img"

/* Of files.img: fields of CRIU's FileEntry and RegFileEntry */
#define FILE_TYPE 1
#define FILE_ID 2
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
/* Reads a whole image by its name; its length, 0: none there, or shorter than its head. */
size_t image_load(int dirfd, const char *name, uint8_t **ret);

/* An image, or a message, being put together. Zeroed: empty. */
struct image_out {
	uint8_t *at;
	size_t len, size;
	bool failed; /* for want of memory */
};

void image_out_done(struct image_out *out);
void image_out_put(struct image_out *out, const void *bytes, size_t len);
/* A field of the message. */
void image_out_number(struct image_out *out, unsigned int id, uint64_t value);
void image_out_bytes(struct image_out *out, unsigned int id, const void *bytes, size_t len);
/* An entry of the image. */
void image_out_entry(struct image_out *out, const void *message, size_t len);
/* Replaces the image; 0 or -errno. */
int image_out_save(const struct image_out *out, int dirfd, const char *name);

#endif
