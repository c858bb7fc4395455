/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * btf.h - where the running kernel keeps the fields of its structures (libmig's own)
 *
 * The kernel describes its types in /sys/kernel/btf/vmlinux. Fields are named from struct
 * task_struct on: "restart_block.futex.time", "cred->security".
 */
#ifndef VC_LIBMIG_BTF_H
#define VC_LIBMIG_BTF_H

#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"

#define BTF_HOPS_MAX 4

struct btf;

/* The way to a field in the kernel's memory: add offset[0] to the task's address, read the pointer
 * there, add offset[1] to this pointer, and so on. The last sum is the address of the field. */
struct btf_way {
	uint32_t offset[BTF_HOPS_MAX];
	size_t n;
};

/* Reads the description. Free *ret with btf_free(). Returns 0, or -errno with err; -ENOENT: the
 * kernel has none. */
int btf_open(struct btf **ret, struct vc_err *err);
void btf_free(struct btf *btf); /* NULL is accepted */
DEFINE_CLEANUP(struct btf *, btf_freep, btf_free);

/*
 * Finds a field. The parts of path are joined by "." (a member) or "->" (the target of a pointer).
 * Members of nameless unions are named as in C. A path that ends in "->" names the target of the
 * last pointer. Returns 0, or -ENOENT: this kernel has no such field.
 */
int btf_find_way(const struct btf *btf, const char *path, struct btf_way *ret);

/* Finds the offset of a member of a structure. Returns 0 or -ENOENT. */
int btf_find_place(const struct btf *btf, const char *name, const char *member, uint32_t *ret);

/* Returns the number of a function's type; 0: there is no such function. */
uint32_t btf_find_function(const struct btf *btf, const char *name);

/* The same for the function bpf_iter_task. */
uint32_t btf_task_iterator(const struct btf *btf);

#endif
