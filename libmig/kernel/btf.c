// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * btf.c - where the running kernel keeps the fields of its structures
 *
 * The format is described in the kernel's Documentation/bpf/btf.rst. The file has a header, all
 * types, and their names. One pass over the types notes where each type begins, and finds struct
 * task_struct and the task iterator. The file comes from the kernel and is trusted. Lengths are
 * checked, so that an unknown format ends in an error.
 */
#include "libmig/kernel/btf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define BTF_FILE "/sys/kernel/btf/vmlinux"
#define BTF_NESTED_MAX 16 /* nested nameless structures, or typedefs of one type */

struct btf {
	uint8_t *data;
	size_t size;
	const char *names;
	size_t names_size;
	uint32_t *at; /* offset of each type in data */
	uint32_t n_types;
	uint32_t task_struct, task_iterator; /* numbers of types */
};

void btf_free(struct btf *btf)
{
	if (!btf)
		return;
	free(btf->data);
	free(btf->at);
	free(btf);
}

static int btf_read(struct btf *btf)
{
	_cleanup_close_ int fd = open(BTF_FILE, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t got = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	btf->size = (size_t)st.st_size;
	btf->data = malloc(btf->size);
	if (!btf->data)
		return -ENOMEM;
	while (got < btf->size) {
		ssize_t n = read(fd, btf->data + got, btf->size - got);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		got += (size_t)n;
	}
	return 0;
}

static const char *btf_name(const struct btf *btf, uint32_t at)
{
	return at < btf->names_size ? btf->names + at : "";
}

/* Returns the bytes behind the head of a type; SIZE_MAX: unknown kind. */
static size_t btf_tail(const struct btf_type *type)
{
	size_t n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
		return sizeof(uint32_t);
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	default:
		return SIZE_MAX;
	}
}

static const struct btf_type *btf_type(const struct btf *btf, uint32_t number)
{
	return number == 0 || number >= btf->n_types ? NULL
						     : (const void *)(btf->data + btf->at[number]);
}

static void btf_note(struct btf *btf, uint32_t number)
{
	const struct btf_type *type = btf_type(btf, number);
	uint32_t kind = BTF_INFO_KIND(type->info);

	if (kind == BTF_KIND_STRUCT && !strcmp(btf_name(btf, type->name_off), "task_struct"))
		btf->task_struct = number;
	if (kind == BTF_KIND_FUNC && !strcmp(btf_name(btf, type->name_off), "bpf_iter_task"))
		btf->task_iterator = number;
}

static int btf_index(struct btf *btf)
{
	const struct btf_header *head = (const void *)btf->data;
	size_t at, end;

	if (btf->size < sizeof(*head) || head->magic != BTF_MAGIC ||
	    (uint64_t)head->hdr_len + head->type_off + head->type_len > btf->size ||
	    (uint64_t)head->hdr_len + head->str_off + head->str_len > btf->size ||
	    head->str_len == 0)
		return -EPROTO;
	at = head->hdr_len + head->type_off;
	end = at + head->type_len;
	btf->names = (const char *)btf->data + head->hdr_len + head->str_off;
	btf->names_size = head->str_len;
	if (btf->names[btf->names_size - 1] != '\0')
		return -EPROTO;
	btf->at = malloc((head->type_len / sizeof(struct btf_type) + 1) * sizeof(*btf->at));
	if (!btf->at)
		return -ENOMEM;
	/* Number 0 is void, and is not in the file. */
	btf->n_types = 1;
	while (end - at >= sizeof(struct btf_type)) {
		size_t tail = btf_tail((const void *)(btf->data + at));

		if (tail > end - at - sizeof(struct btf_type))
			return -EPROTO;
		btf->at[btf->n_types++] = (uint32_t)at;
		btf_note(btf, btf->n_types - 1);
		at += sizeof(struct btf_type) + tail;
	}
	return btf->task_struct ? 0 : -EPROTO;
}

int btf_open(struct btf **ret, struct vc_err *err)
{
	_cleanup_(btf_freep) struct btf *btf = calloc(1, sizeof(*btf));
	int r;

	if (!btf)
		return err_sys(err, ENOMEM, "%s", BTF_FILE);
	r = btf_read(btf);
	if (r == 0)
		r = btf_index(btf);
	if (r < 0)
		return err_sys(err, -r, "%s", BTF_FILE);
	*ret = steal_ptr(btf);
	return 0;
}

/* Resolves typedef, const and the like. */
static uint32_t btf_plain(const struct btf *btf, uint32_t number)
{
	for (int i = 0; i < BTF_NESTED_MAX; i++) {
		const struct btf_type *type = btf_type(btf, number);

		switch (type ? BTF_INFO_KIND(type->info) : BTF_KIND_UNKN) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			number = type->type;
			break;
		default:
			return number;
		}
	}
	return 0;
}

/* Finds a member, also in nameless members, and adds its offset to *offset. */
static bool btf_find_member(const struct btf *btf, uint32_t number, const char *name, size_t len,
			    int depth, uint32_t *offset, uint32_t *ret_type)
{
	const struct btf_type *type = btf_type(btf, btf_plain(btf, number));
	const struct btf_member *members = (const void *)(type + 1);
	uint32_t kind = type ? BTF_INFO_KIND(type->info) : BTF_KIND_UNKN;

	if (depth == BTF_NESTED_MAX || (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION))
		return false;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		const char *found = btf_name(btf, members[i].name_off);
		uint32_t bits = BTF_INFO_KFLAG(type->info)
					? BTF_MEMBER_BIT_OFFSET(members[i].offset)
					: members[i].offset;
		uint32_t within = *offset + bits / 8;
		bool same = strlen(found) == len && !memcmp(found, name, len);

		if (same)
			*ret_type = members[i].type;
		if (same || (found[0] == '\0' && btf_find_member(btf, members[i].type, name, len,
								 depth + 1, &within, ret_type))) {
			*offset = within;
			return true;
		}
	}
	return false;
}

int btf_find_way(const struct btf *btf, const char *path, struct btf_way *ret)
{
	struct btf_way way = { .n = 1 };
	uint32_t type = btf->task_struct;

	for (;;) {
		size_t len = strcspn(path, ".-");

		if (!btf_find_member(btf, type, path, len, 0, &way.offset[way.n - 1], &type))
			return -ENOENT;
		path += len;
		if (*path == '.') {
			path++;
		} else if (*path == '-') {
			const struct btf_type *pointer = btf_type(btf, btf_plain(btf, type));

			if (!pointer || BTF_INFO_KIND(pointer->info) != BTF_KIND_PTR ||
			    way.n == BTF_HOPS_MAX)
				return -ENOENT;
			type = pointer->type;
			way.n++;
			path += strlen("->");
		}
		if (*path == '\0') {
			*ret = way;
			return 0;
		}
	}
}

uint32_t btf_task_iterator(const struct btf *btf)
{
	return btf->task_iterator;
}

int btf_find_place(const struct btf *btf, const char *name, const char *member, uint32_t *ret)
{
	for (uint32_t number = 1; number < btf->n_types; number++) {
		const struct btf_type *type = btf_type(btf, number);
		uint32_t member_type;

		*ret = 0;
		if (BTF_INFO_KIND(type->info) == BTF_KIND_STRUCT &&
		    !strcmp(btf_name(btf, type->name_off), name) &&
		    btf_find_member(btf, number, member, strlen(member), 0, ret, &member_type))
			return 0;
	}
	return -ENOENT;
}

uint32_t btf_find_function(const struct btf *btf, const char *name)
{
	for (uint32_t number = 1; number < btf->n_types; number++) {
		const struct btf_type *type = btf_type(btf, number);

		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    !strcmp(btf_name(btf, type->name_off), name))
			return number;
	}
	return 0;
}
