/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spec.h - the spec of one partition: its CPUs, nodes, memory and how it has them
 *
 * A configuration names it and instance.json keeps it. The journal of a change has it twice, before
 * and after.
 */
#ifndef VC_PARTITION_SPEC_H
#define VC_PARTITION_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITION_NAME_MAX 32 /* with NUL */

/* MODES(X): the id, and the word in configuration and commands. */
#define MEMORY_MODES(X)                                                                            \
	X(PAGEABLE, "pageable") /* may be swapped out */                                           \
	X(FIXED, "fixed")       /* guaranteed, and never swapped out */

struct json_t;
struct json_error_t;
struct vc_err;

enum memory_mode {
#define X(id, name) MEMORY_##id,
	MEMORY_MODES(X)
#undef X
};

struct partition_spec {
	char name[PARTITION_NAME_MAX]; /* [a-z][a-z0-9-]*, unique; "": a free slot */
	char *cpus;                    /* canonical list form */
	char *mems;
	uint64_t memory_bytes; /* CG_NO_LIMIT: none */
	enum memory_mode mode;
	char *devices;  /* owned, see device.h; NULL: none */
	char *shares;   /* devices of others that its jobs may open; NULL: none */
	bool exclusive; /* asks for exclusive CPUs */
};

const char *spec_mode_name(enum memory_mode mode);
/* Returns 0 or -EINVAL. */
int spec_parse_mode(const char *text, enum memory_mode *ret);
/* Returns "dedicated" or "shared". */
int spec_parse_sharing(const char *text, bool *ret_exclusive);
const char *spec_sharing_name(const struct partition_spec *spec);

/* Returns 0 or -ENOMEM. The caller gives *ret to spec_done(). */
int spec_copy(const struct partition_spec *spec, struct partition_spec *ret);
/* Frees the strings and leaves a free slot. */
void spec_done(struct partition_spec *spec);
bool spec_equal(const struct partition_spec *a, const struct partition_spec *b);
/* Returns whether both own and share the same devices. */
bool spec_same_devices(const struct partition_spec *a, const struct partition_spec *b);
/* Returns whether the slot is free, because its partition was removed. */
bool spec_is_free(const struct partition_spec *spec);

/* The memory of all partitions with a limit. */
struct spec_sum {
	uint64_t bytes;
	uint64_t fixed_bytes; /* of that */
};

void spec_sum_add(struct spec_sum *sum, const struct partition_spec *spec);
/* Returns -E2BIG when the machine has less memory. A sum that was too large before may stay, but
 * not grow. overcommit: only fixed memory counts. */
int spec_sum_check(const struct spec_sum *before, const struct spec_sum *after, bool overcommit,
		   struct vc_err *err);

/* A change of some fields of a spec. */
struct spec_patch {
	char name[PARTITION_NAME_MAX];
	char *cpus, *mems;     /* NULL: not set */
	uint64_t memory_bytes; /* 0: not set */
	int mode;              /* enum memory_mode; -1: not set */
	int exclusive;         /* 0, 1; -1: not set */
};

void spec_patch_done(struct spec_patch *patch);
/* Changes a spec. Returns 0, or -ENOMEM without a change. */
int spec_patch_apply(struct partition_spec *spec, const struct spec_patch *patch);
/* Makes the patch that undoes another one. Returns 0 or -ENOMEM. */
int spec_patch_back(const struct spec_patch *patch, const struct partition_spec *spec,
		    struct spec_patch *ret);

/* They are like those of a spec, below. */
struct json_t *spec_patch_to_json(const struct spec_patch *patch);
int spec_patch_from_json(struct json_t *root, struct spec_patch *ret, struct json_error_t *why);

/* Returns NULL without memory. */
struct json_t *spec_to_json(const struct partition_spec *spec);
/* Returns 0, -ENOMEM, or -EINVAL with the reason in why->text. */
int spec_from_json(struct json_t *root, struct partition_spec *ret, struct json_error_t *why);

#endif
