/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * btf.h - where the running kernel keeps the fields of its structures (libmig's own)
 *
 * The kernel describes its own types in /sys/kernel/btf/vmlinux. What is asked for is named from
 * struct task_struct on: "restart_block.futex.time", "cred->security".
 */
#ifndef VC_LIBMIG_BTF_H
#define VC_LIBMIG_BTF_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define BTF_HOPS_MAX 4

struct btf;

/* A way through the kernel's memory: add offset[0] to the task's address, read the pointer that is
 * there, add offset[1] to that pointer, and so on. The last sum is the address of the field. */
struct btf_way {
	uint32_t offset[BTF_HOPS_MAX];
	size_t n;
};

/* -ENOENT: the kernel has no description of its types. */
int btf_open(struct btf **ret, struct vc_err *err);
void btf_free(struct btf *btf);

/*
 * Parts of path are joined by "." (a member) or "->" (what a pointer leads to); members of nameless
 * unions are named as in C. A path that ends in "->" names what the last pointer leads to.
 * -ENOENT: this kernel has no such field.
 */
int btf_find_way(const struct btf *btf, const char *path, struct btf_way *ret);

/* Where a structure of that name has that member. */
int btf_find_place(const struct btf *btf, const char *name, const char *member, uint32_t *ret);

/* The number of the type of a function; 0: there is none. */
uint32_t btf_find_function(const struct btf *btf, const char *name);

/* The number of the type of the function bpf_iter_task; 0: there is none. */
uint32_t btf_task_iterator(const struct btf *btf);

#endif
