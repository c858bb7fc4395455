/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spec.h - one partition as it is wanted: its CPUs, nodes, memory, and how it has them
 *
 * What a configuration names, instance.json keeps, a re-size changes and its journal
 * holds twice, as it was before and as it is to be.
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
	char *devices;  /* that it owns, see device.h; NULL: none */
	char *shares;   /* whose nodes its jobs may open though it does not own them; NULL: none */
	bool exclusive; /* CPUs of its own: dedicated; else shared */
};

const char *spec_mode_name(enum memory_mode mode);
/* -EINVAL: no such word. */
int spec_parse_mode(const char *text, enum memory_mode *ret);
/* "dedicated" or "shared". */
int spec_parse_sharing(const char *text, bool *ret_exclusive);
const char *spec_sharing_name(const struct partition_spec *spec);

/* 0 or -ENOMEM; *ret is then the caller's, to be given to spec_done(). */
int spec_copy(const struct partition_spec *spec, struct partition_spec *ret);
/* Frees what it points to, and leaves a free slot. */
void spec_done(struct partition_spec *spec);
bool spec_equal(const struct partition_spec *a, const struct partition_spec *b);
/* Whether they own and share the same. */
bool spec_same_devices(const struct partition_spec *a, const struct partition_spec *b);
/* Whether a slot is one that a removed partition left. */
bool spec_is_free(const struct partition_spec *spec);

/* What partitions have in all, without those that have no limit. */
struct spec_sum {
	uint64_t bytes;
	uint64_t fixed_bytes; /* of that */
};

void spec_sum_add(struct spec_sum *sum, const struct partition_spec *spec);
/* -E2BIG: the machine has less. What was too much before may stay so, but not become more.
 * overcommit: only a guarantee has to be there. */
int spec_sum_check(const struct spec_sum *before, const struct spec_sum *after, bool overcommit,
		   struct vc_err *err);

/* Some of what a partition has; what is not set is left as it is. */
struct spec_patch {
	char name[PARTITION_NAME_MAX];
	char *cpus, *mems;     /* NULL: not set */
	uint64_t memory_bytes; /* 0: not set */
	int mode;              /* enum memory_mode; -1: not set */
	int exclusive;         /* 0, 1; -1: not set */
};

void spec_patch_done(struct spec_patch *patch);
/* Puts what the patch sets into a spec; 0, or -ENOMEM and the spec as it was. */
int spec_patch_apply(struct partition_spec *spec, const struct spec_patch *patch);
/* What the patch sets, as the spec has it: the patch that undoes it. 0 or -ENOMEM. */
int spec_patch_back(const struct spec_patch *patch, const struct partition_spec *spec,
		    struct spec_patch *ret);

/* As those of a spec, below. */
struct json_t *spec_patch_to_json(const struct spec_patch *patch);
int spec_patch_from_json(struct json_t *root, struct spec_patch *ret, struct json_error_t *why);

/* NULL without memory. */
struct json_t *spec_to_json(const struct partition_spec *spec);
/* 0, -ENOMEM, or -EINVAL with the reason in why->text. */
int spec_from_json(struct json_t *root, struct partition_spec *ret, struct json_error_t *why);

#endif
