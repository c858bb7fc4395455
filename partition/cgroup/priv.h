/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - what the cgroup*.c files share, and nobody else includes
 *
 *	map.c           which controllers are where, and where our base groups are
 *	cgroup.c        making and removing groups
 *	lib.c           libcgroup
 *	cpus.c          CPUs and nodes; dedicate.c has v2's partition roots
 *	follow.c memory that is on other nodes
 *	memory.c memory used and its limit
 *	shrink.c the limit lowered below what is used
 *	hold.c          memory that is fixed; fetch.c has it back from swap
 *	procs.c         processes: enter, list, kill
 *	stat.c          CPU time, pressure
 *	deny.c          device nodes denied; bpf.c by a program
 *
 * Three kinds of names: a *path* is relative to our base ("vc0/job-7"), a *group*
 * is relative to a hierarchy's mount point ("user.slice/vcrun/vc0/job-7", "" is
 * the root group), a *file* is one control file in a group.
 */
#ifndef VC_PARTITION_CGROUP_PRIV_H
#define VC_PARTITION_CGROUP_PRIV_H

#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"
#include "partition/cpulist.h"

DEFINE_CLEANUP(struct cg_entry *, cg_entry_freep, cg_entry_free);

#define CG_HIERS_MAX 8
#define CG_GROUP_MAX 1024 /* with NUL; the kernel's paths end at 4096 */
#define CG_TAIL_MAX 320   /* of that, what a path may add to a base group */
#define CG_PROC_MAX 65536 /* of a /proc/PID/cgroup */
#define CPULIST_TEXT 4096 /* a list of CPUs or nodes as the kernel writes it */

/* The controllers whose hierarchies get our groups. */
#define CG_CONTROLLERS(X)                                                                          \
	X(CPUSET, "cpuset")                                                                        \
	X(MEMORY, "memory")                                                                        \
	X(CPU, "cpu")                                                                              \
	X(CPUACCT, "cpuacct")                                                                      \
	X(PIDS, "pids")                                                                            \
	X(DEVICES, "devices")

enum cg_index {
#define X(id, name) CG_INDEX_##id,
	CG_CONTROLLERS(X)
#undef X
		CG_INDEX_N,
};

enum cg_bit {
#define X(id, name) CG_##id = 1 << CG_INDEX_##id,
	CG_CONTROLLERS(X)
#undef X
};

extern const char *const cg_controller_names[CG_INDEX_N];

struct cg_hier {
	int version;       /* 1 or 2 */
	unsigned int bits; /* enum cg_bit of the controllers bound to it; 0: tracking only */
	int fd;            /* O_PATH of the mount point */
	char mount[256];
	char base[CG_GROUP_MAX]; /* our base group there, "" until it is known */
};

#define CG_SHOWN 5 /* cpuset, cpu, memory, pids, freezer */

struct cg {
	struct cg_hier hier[CG_HIERS_MAX]; /* cpuset's first: an attach fails there most likely */
	size_t n;
	struct cg_controller shown[CG_SHOWN];
	char *text; /* cg_base() */
	bool lib_ready;
};

/* The hierarchy of a controller; NULL when this machine has none. */
const struct cg_hier *cg_hier_of(const struct cg *cg, enum cg_bit bit);
/* Where membership is read: the unified hierarchy if there is one. */
const struct cg_hier *cg_tracking(const struct cg *cg);
/* -EINVAL: not a relative, clean path. */
int cg_group_check_path(const char *path, struct vc_err *err);
/* Base and path joined. 0 or -ENAMETOOLONG; cg_group_check_path() leaves room. */
int cg_group_of(const struct cg_hier *hier, const char *path, char ret[static CG_GROUP_MAX]);
/* The same with the check in front; -EOPNOTSUPP when hier is NULL. */
int cg_group_find(const struct cg_hier *hier, const char *path, char ret[static CG_GROUP_MAX]);
void cg_group_parent(const char *group, char ret[static CG_GROUP_MAX]);

/* Control files. All return 0 (or a length, a descriptor) or -errno. */
int cg_file_open(const struct cg_hier *hier, const char *group, const char *file, int flags);
ssize_t cg_file_read(const struct cg_hier *hier, const char *group, const char *file, char *buf,
		     size_t size);
int cg_file_read_u64(const struct cg_hier *hier, const char *group, const char *file,
		     uint64_t *ret);
int cg_file_write(const struct cg_hier *hier, const char *group, const char *file,
		  const char *text);
bool cg_file_exists(const struct cg_hier *hier, const char *group, const char *file);

/* Calls f for every group directly below; stops at the first result that is not 0. */
typedef int cg_child_fn(const struct cg_hier *hier, const char *group, const char *name, void *arg);
int cg_group_each_child(const struct cg_hier *hier, const char *group, cg_child_fn *f, void *arg);

/* The group of a process in a hierarchy, from its /proc/PID/cgroup; -ENOENT. */
int cg_proc_group(const struct cg_hier *hier, const char *text, char *ret, size_t size);

/* cgroup.c: one group whose parent exists, in one hierarchy, without libcgroup. */
int cg_group_make_hot(struct cg *cg, const struct cg_hier *hier, const char *group,
		      struct vc_err *err);
/* v1 cpuset: a group gets its parent's nodes and those of its CPUs that no
 * exclusive neighbour has; nothing happens when it has CPUs already. */
int cg_group_inherit(const struct cg_hier *hier, const char *group, struct vc_err *err);
/* v2: has group pass the controllers on to its children, as far as it has them. */
void cg_group_enable_children(const struct cg_hier *hier, const char *group);

/* procs.c: the processes of a group and those below it, in one hierarchy; the caller frees.
 */
int cg_procs_of_hier(const struct cg_hier *hier, const char *group, pid_t **ret, size_t *ret_n);

/* stat.c: the number in a line "key number"; 0 when there is no such line. */
uint64_t cg_stat_value(const char *text, const char *key);
/* What a group that charges so much has in use, by its memory.stat: cg_memory::used_bytes. */
uint64_t cg_memory_in_use(const char *stat, uint64_t charged, bool v2);

/* cpus.c */
const char *cg_cpus_file(const struct cg_hier *hier);
const char *cg_cpus_mems_file(const struct cg_hier *hier);
int cg_cpus_read_list(const struct cg_hier *hier, const char *group, const char *file,
		      struct cpulist *ret);
int cg_cpus_of_child(const struct cg_hier *hier, const char *group, const char *name,
		     struct cpulist *ret, char child[static CG_GROUP_MAX]);

/* The partitions beside one of ours. Daemons and shims claim no CPU. */
struct cg_beside {
	const char *own; /* the name of the one that asks */
	struct cpulist want;
	struct cpulist claimed;   /* by any other */
	struct cpulist dedicated; /* by those that are partition roots, on v1 exclusive */
};

int cg_cpus_look_beside(const struct cg_hier *hier, const char *group, const struct cpulist *want,
			struct cg_beside *ret);

/* v1: a list, such as cpuset.cpus, of a group and all below it. 0 or -errno. */
int cg_cpus_v1_put(const struct cg_hier *hier, const char *group, const char *file,
		   const char *value);

/* reserve.c, v1: whether the kernel refuses a group's CPUs to all others. */
bool cg_cpus_v1_is_exclusive(const struct cg_hier *hier, const char *group);
/* Before a partition is given CPUs: no neighbour has them as its own, and the base has them. */
void cg_cpus_v1_make_way(const struct cg_hier *hier, struct cg_beside *beside);
/* After that: has them as its own, if they are wanted so and the kernel allows it. */
void cg_cpus_v1_settle(const struct cg_hier *hier, const char *group,
		       const struct cg_beside *beside, bool exclusive);
/* Instances below that group have nothing as their own any more, so that one more can come. */
void cg_cpus_v1_ask_instances(const struct cg_hier *hier, const char *parent);

/* dedicate.c: "root" or "isolated" exactly; and with all CPUs it was given. */
bool cg_cpus_v2_is_root(const struct cg_hier *hier, const char *group);
bool cg_cpus_v2_is_dedicated(const struct cg_hier *hier, const char *group);
/* None of its CPUs is its own any more; they stay its CPUs. */
int cg_cpus_v2_release(const struct cg_hier *hier, const char *group);
int cg_cpus_v2_set(struct cg *cg, const struct cg_hier *hier, const char *group,
		   const struct cpulist *want, const char *mems, bool exclusive,
		   struct vc_err *err);

/* bpf.c: whether the kernel takes such programs from us. */
bool cg_bpf_usable(void);
/* See cg_deny_nodes() and cg_deny_has_nodes(); 0 or -errno. */
int cg_bpf_deny(const struct cg_hier *hier, const char *group, const struct device_node *nodes,
		size_t n);
bool cg_bpf_denies(const struct cg_hier *hier, const char *group, const struct device_node *nodes,
		   size_t n);

/* lib.c. Errors: -errno and a sentence. */
int cg_lib_discover(struct cg *cg, struct vc_err *err);
/* Whether the hierarchy is mounted with an option. */
bool cg_lib_mount_has_option(const struct cg_hier *hier, const char *option);
int cg_lib_make(struct cg *cg, const struct cg_hier *hier, const char *group, struct vc_err *err);
int cg_lib_set(struct cg *cg, const struct cg_hier *hier, const char *group, const char *file,
	       const char *value, struct vc_err *err);
int cg_lib_delete(struct cg *cg, const struct cg_hier *hier, const char *group);

#endif
