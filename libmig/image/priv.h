/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - CRIU's images as bytes: entries, and the fields of an entry
 *
 * An image is a magic number of 8 bytes, then entries. An entry is a length of 4 bytes and a
 * protobuf message.
 */
#ifndef VC_LIBMIG_IMAGE_PRIV_H
#define VC_LIBMIG_IMAGE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAGIC_SIZE 8

/* The files.img of the dump, before keep_take() removed the names of kept files. */
#define IMAGE_NAMES "files-dumped.img"

/* Fields of CRIU's FileEntry and RegFileEntry, in files.img */
#define FILE_TYPE 1
#define FILE_ID 2
#define FILE_REG 3
#define REG_NAME 6
/* Fields of its MmEntry and VmaEntry, in mm-PID.img */
#define MM_EXE 12
#define MM_VMAS 14
#define VMA_START 1
#define VMA_END 2
#define VMA_FILE 4
#define VMA_PROT 5
#define VMA_FLAGS 6
#define VMA_STATUS 7
#define VMA_FDFLAGS 10

/* Bits of a mapping's status, from its criu/include/image.h */
#define STATUS_REGULAR (1u << 0)
#define STATUS_HEAP (1u << 5)
#define STATUS_FILE_PRIVATE (1u << 6)
#define STATUS_FILE_SHARED (1u << 7)
#define STATUS_ANON_PRIVATE (1u << 9)
#define STATUS_SYSV (1u << 10)
#define STATUS_SOCKET (1u << 11)
#define STATUS_AIO (1u << 13)
#define STATUS_MEMFD (1u << 14)
#define STATUS_NO_PROT_WRITE (1u << 29)

/* One field of a message: a number, or bytes. */
struct image_field {
	unsigned int id;
	bool is_bytes;
	uint64_t value; /* of a number */
	uint8_t *at;    /* the number as it is written, or the bytes */
	size_t len;
};

/* Reads the next field of a message. Returns false at its end, and at one of an unknown kind. */
bool image_next(uint8_t **at, const uint8_t *end, struct image_field *ret);
/* Finds the field with that number. Returns false when there is none. */
bool image_find(uint8_t *message, const uint8_t *end, unsigned int id, struct image_field *ret);

/* An image in memory. Zeroed: without entries. */
struct image {
	int dirfd;
	char name[32];
	uint8_t *data, *data_end;
	uint8_t *at;          /* the entry to read next */
	uint8_t *entry, *end; /* the entry that was read last */
};

/* Reads a whole image, with its name as printf(3) makes it. Returns 0, -EBADMSG when it is shorter
 * than a magic number, or -errno. On failure *ret has no entries, and only its name is set. */
int image_open(struct image *ret, int dirfd, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void image_done(struct image *image);
/* Reads the next entry. Returns false at the end, and leaves at when the rest is no entry. */
bool image_next_entry(struct image *image);
/* Begins again with the first entry. */
void image_rewind(struct image *image);
/* Writes the bytes back to the file. Their number has not changed. Returns 0 or -errno. */
int image_write_back(const struct image *image);

/* An image or a message that is written. Zeroed: empty. */
struct image_out {
	uint8_t *at;
	size_t len, size;
	bool failed; /* no memory */
};

void image_out_done(struct image_out *out);
void image_out_put(struct image_out *out, const void *bytes, size_t len);
/* Adds a field to a message. */
void image_out_number(struct image_out *out, unsigned int id, uint64_t value);
void image_out_bytes(struct image_out *out, unsigned int id, const void *bytes, size_t len);
/* Adds an entry to an image. */
void image_out_entry(struct image_out *out, const void *message, size_t len);
/* Adds a finished message as an entry. */
void image_out_message(struct image_out *out, const struct image_out *message);
/* Replaces the image. Returns 0 or -errno. */
int image_out_save(const struct image_out *out, int dirfd, const char *name);

#endif
