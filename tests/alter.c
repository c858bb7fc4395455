// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * alter.c - walks over all values of an image, and alters one
 */
#include "tests/alter.h"

#include <err.h>
#include <fcntl.h>
#include <protobuf-c/protobuf-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "libmig/criu/image.pb-c.h"
#include "libmig/image/priv.h"

/* One walk: values are counted until it is the one that is meant. */
struct alter {
	unsigned int left;
	bool done;
	char *what;
	size_t size;
};

static bool alter_is_it(struct alter *alter, const char *path, const char *how)
{
	if (alter->done || alter->left-- > 0)
		return false;
	alter->done = true;
	snprintf(alter->what, alter->size, "%s %s", path, how);
	return true;
}

static size_t alter_width(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_UINT32:
		return sizeof(uint32_t);
	case PROTOBUF_C_TYPE_UINT64:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	default:
		return 0;
	}
}

/*
 * What is not zero becomes zero, which is root's number; zero becomes one. A terminal without a
 * session is nobody's, and so no attack: that is made another one.
 */
static void alter_number(void *at, size_t width, bool is_session)
{
	static const unsigned char zero[sizeof(uint64_t)];
	bool is_zero = !memcmp(at, zero, width);
	uint64_t one = is_zero || is_session ? 1 : 0;

	memcpy(at, &one, width);
}

static void alter_list(struct alter *alter, uint8_t *base, const ProtobufCFieldDescriptor *field,
		       const char *path)
{
	size_t *n = (size_t *)(base + field->quantifier_offset), width = alter_width(field);
	uint8_t **list = (uint8_t **)(base + field->offset), *longer;

	for (size_t i = 0; i < *n; i++) {
		char how[32];

		snprintf(how, sizeof(how), "[%zu]", i);
		if (alter_is_it(alter, path, how))
			alter_number(*list + i * width, width, false);
	}
	if (!alter_is_it(alter, path, "made longer"))
		return;
	longer = realloc(*list, (*n + 1) * width);
	if (!longer)
		err(1, "alter");
	memset(longer + *n * width, 0, width);
	*list = longer;
	(*n)++;
}

static void alter_message(struct alter *alter, ProtobufCMessage *message, const char *path);

static void alter_field(struct alter *alter, ProtobufCMessage *message,
			const ProtobufCFieldDescriptor *field, const char *path)
{
	uint8_t *base = (uint8_t *)message;
	size_t width = alter_width(field);

	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		ProtobufCMessage **child = (ProtobufCMessage **)(base + field->offset);
		size_t n = 1;

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			n = *(size_t *)(base + field->quantifier_offset);
			child = *(ProtobufCMessage ***)(base + field->offset);
		}
		for (size_t i = 0; i < n; i++) {
			char inner[256];

			snprintf(inner, sizeof(inner), "%.200s[%zu]", path, i);
			if (child[i])
				alter_message(alter, child[i], n > 1 ? inner : path);
		}
	} else if (field->type == PROTOBUF_C_TYPE_STRING) {
		char **text = (char **)(base + field->offset);

		if (!*text && alter_is_it(alter, path, "put there"))
			*text = strdup("other");
	} else if (field->type == PROTOBUF_C_TYPE_BYTES &&
		   field->label == PROTOBUF_C_LABEL_REQUIRED) {
		ProtobufCBinaryData *bytes = (ProtobufCBinaryData *)(base + field->offset);

		if (bytes->len > 0 && alter_is_it(alter, path, "changed"))
			bytes->data[bytes->len - 1] ^= 1;
	} else if (width > 0 && field->label == PROTOBUF_C_LABEL_REPEATED) {
		alter_list(alter, base, field, path);
	} else if (width > 0) {
		protobuf_c_boolean *has = field->label == PROTOBUF_C_LABEL_OPTIONAL
						  ? (void *)(base + field->quantifier_offset)
						  : NULL;

		if (!alter_is_it(alter, path, has && !*has ? "put there" : "changed"))
			return;
		if (has && !*has)
			memset(base + field->offset, 0, width);
		if (has)
			*has = true;
		alter_number(base + field->offset, width, !strcmp(field->name, "sid"));
	}
}

static void alter_message(struct alter *alter, ProtobufCMessage *message, const char *path)
{
	for (unsigned int i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		char inner[256];

		if (!strncmp(field->name, "own_", 4) || !strncmp(field->name, "arch_", 5) ||
		    !strncmp(field->name, "key_", 4))
			continue;
		snprintf(inner, sizeof(inner), "%.200s.%.50s", path, field->name);
		alter_field(alter, message, field, inner);
	}
}

static void alter_save(int dirfd, const char *name, struct alter_saved *ret)
{
	char *data = NULL;
	ssize_t size = file_read_all(dirfd, name, 1 << 24, &data);

	if (size < 0)
		errx(1, "%s: %s", name, strerror((int)-size));
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->data = (unsigned char *)data;
	ret->size = (size_t)size;
}

/* The saved image, for reading its entries. */
static struct image alter_view(const struct alter_saved *saved)
{
	struct image image = { .data = saved->data, .data_end = saved->data + saved->size };

	image_rewind(&image);
	return image;
}

static void alter_write(int dirfd, const char *name, const void *head, size_t head_size,
			const void *data, size_t size, const void *rest, size_t rest_size)
{
	int fd = openat(dirfd, name, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, head, head_size) != (ssize_t)head_size ||
	    write(fd, data, size) != (ssize_t)size ||
	    write(fd, rest, rest_size) != (ssize_t)rest_size || close(fd) < 0)
		err(1, "%s", name);
}

/* One value in the messages of an image; the others stay byte for byte. */
static bool alter_file(int dirfd, const char *name, const ProtobufCMessageDescriptor *type,
		       struct alter *alter, struct alter_saved *ret)
{
	struct image image;

	if (faccessat(dirfd, name, F_OK, 0) < 0)
		return false;
	alter_save(dirfd, name, ret);
	image = alter_view(ret);
	while (!alter->done && image_next_entry(&image)) {
		ProtobufCMessage *message = protobuf_c_message_unpack(
			type, NULL, (size_t)(image.end - image.entry), image.entry);
		size_t size;
		uint8_t *packed;
		uint32_t length;

		if (!message)
			errx(1, "%s: no message", name);
		alter_message(alter, message, name);
		if (alter->done) {
			size = protobuf_c_message_get_packed_size(message);
			packed = malloc(sizeof(length) + size);
			if (!packed)
				err(1, "alter");
			length = (uint32_t)size;
			memcpy(packed, &length, sizeof(length));
			protobuf_c_message_pack(message, packed + sizeof(length));
			alter_write(dirfd, name, ret->data,
				    (size_t)(image.entry - ret->data) - sizeof(length), packed,
				    sizeof(length) + size, image.end,
				    (size_t)(image.data_end - image.end));
			free(packed);
		}
		protobuf_c_message_free_unpacked(message, NULL);
	}
	if (!alter->done)
		free(ret->data);
	return alter->done;
}

/* Of an entry of files.img the kinds of file that a pipe can be in, and of each kind the owner: a
 * pipe, or what CRIU leaves to its modules. */
static const struct {
	unsigned int file, owner;
} alter_owners[] = { { 18, 4 }, { 15, 5 } };
#define OWNER_PID 5

/* The owner of a file, if a process is it. */
static bool alter_find_owner(uint8_t *entry, const uint8_t *end, struct image_field *ret)
{
	struct image_field file, pid;

	for (size_t i = 0; i < ARRAY_SIZE(alter_owners); i++)
		if (image_find(entry, end, alter_owners[i].file, &file) &&
		    image_find(file.at, file.at + file.len, alter_owners[i].owner, ret) &&
		    image_find(ret->at, ret->at + ret->len, OWNER_PID, &pid))
			return pid.value != 0;
	return false;
}

static bool alter_owner(int dirfd, struct alter *alter, struct alter_saved *ret)
{
	static const char *const names[] = { "uid", "euid", "signum", "pid_type", "pid" };
	struct image image;
	uint8_t *next;
	struct image_field owner, number;

	alter_save(dirfd, "files.img", ret);
	image = alter_view(ret);
	while (!alter->done && image_next_entry(&image)) {
		unsigned char *was;

		if (!alter_find_owner(image.entry, image.end, &owner))
			continue;
		next = owner.at;
		while (!alter->done && image_next(&next, owner.at + owner.len, &number)) {
			char path[64];

			snprintf(path, sizeof(path), "files.img.owner.%s", names[number.id - 1]);
			if (!alter_is_it(alter, path, "changed"))
				continue;
			was = malloc(ret->size);
			if (!was)
				err(1, "alter");
			memcpy(was, ret->data, ret->size);
			number.at[0] ^= 1;
			alter_write(dirfd, "files.img", ret->data, ret->size, "", 0, "", 0);
			free(ret->data);
			ret->data = was;
		}
	}
	if (!alter->done)
		free(ret->data);
	return alter->done;
}

/* The path of a file that is opened by it. */
static bool alter_path(int dirfd, struct alter *alter, struct alter_saved *ret)
{
	struct image image;
	struct image_field file, name;
	unsigned char *was;

	alter_save(dirfd, "files.img", ret);
	image = alter_view(ret);
	while (image_next_entry(&image)) {
		if (!image_find(image.entry, image.end, FILE_REG, &file) ||
		    !image_find(file.at, file.at + file.len, REG_NAME, &name) ||
		    strncmp((char *)name.at, "/dev/", 5) != 0 ||
		    !alter_is_it(alter, "files.img.reg.name", "changed"))
			continue;
		was = malloc(ret->size);
		if (!was)
			err(1, "alter");
		memcpy(was, ret->data, ret->size);
		name.at[name.len - 1] ^= 1;
		alter_write(dirfd, "files.img", ret->data, ret->size, "", 0, "", 0);
		free(ret->data);
		ret->data = was;
		return true;
	}
	free(ret->data);
	return false;
}

bool alter_image(int dirfd, pid_t pid, pid_t tid, unsigned int n, char *what, size_t size,
		 struct alter_saved *ret)
{
	const struct {
		const char *kind;
		pid_t number; /* 0: there is one image of the kind */
		const ProtobufCMessageDescriptor *type;
	} images[] = {
		{ "core", pid, &image__core__descriptor },
		{ "core", tid, &image__core__descriptor },
		{ "mm", pid, &image__memory__descriptor },
		{ "fs", pid, &image__directories__descriptor },
		{ "pstree", 0, &image__process__descriptor },
		{ "seccomp", 0, &image__filters__descriptor },
		{ "tty-info", 0, &image__terminal__descriptor },
	};
	struct alter alter = { .left = n, .what = what, .size = size };

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		char name[64];

		if (images[i].number)
			snprintf(name, sizeof(name), "%s-%d.img", images[i].kind,
				 (int)images[i].number);
		else
			snprintf(name, sizeof(name), "%s.img", images[i].kind);
		if (alter_file(dirfd, name, images[i].type, &alter, ret))
			return true;
	}
	return alter_owner(dirfd, &alter, ret) || alter_path(dirfd, &alter, ret);
}

void alter_undo(int dirfd, struct alter_saved *saved)
{
	alter_write(dirfd, saved->name, saved->data, saved->size, "", 0, "", 0);
	free(saved->data);
	saved->data = NULL;
}
