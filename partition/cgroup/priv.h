/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - shared by the files of this folder only
 *
 *	cgroup.c        which hierarchy has which controllers, and where our base groups are
 *	group.c         making, removing and listing groups; walk.c: the groups below one
 *	file.c          control files
 *	lib.c           libcgroup
 *	cpus.c          CPUs and nodes; cpus-v1.c and cpus-v2.c
 *	follow.c        memory that is on other nodes
 *	memory.c        memory used and its limit
 *	shrink.c        a limit below what is used
 *	hold.c          fixed memory; fetch.c reads it back from swap
 *	entry.c         moving a process into a group; idle.c before the group has a name
 *	procs.c         processes: list, count, kill
 *	stat.c          CPU time, pressure
 *	transfer.c      all processes of a group to another group
 *	deny.c          denied device nodes; bpf.c by a program
 *
 * Three kinds of names: a *path* is relative to our base ("vc0/job-7"), a *group* is relative to a
 * hierarchy's mount point ("user.slice/vcrun/vc0/job-7", "" is the root group), a *file* is one
 * control file in a group.
 */
#ifndef VC_PARTITION_CGROUP_PRIV_H
#define VC_PARTITION_CGROUP_PRIV_H

#include "common/cleanup.h"
#include "partition/cgroup/cgroup.h"
#include "partition/cpulist.h"

#define CG_HIERS_MAX 8
#define CG_GROUP_MAX 1024 /* with NUL; the kernel's paths end at 4096 */
#define CG_TAIL_MAX 320   /* of that, for the path below a base group */
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
	char base[CG_GROUP_MAX]; /* our base group, "" until it is known */
};

#define CG_SHOWN 5 /* cpuset, cpu, memory, pids, freezer */

struct cg {
	struct cg_hier hier[CG_HIERS_MAX]; /* cpuset's first: an attach fails there most likely */
	size_t n;
	struct cg_controller shown[CG_SHOWN];
	char *text; /* cg_base() */
	bool lib_ready;
};

/* Returns the hierarchy of a controller; NULL when this machine has none. */
const struct cg_hier *cg_hier_of(const struct cg *cg, enum cg_bit bit);
/* Returns the hierarchy that membership is read from: the unified one, if there is one. */
const struct cg_hier *cg_tracking(const struct cg *cg);
/* Notes the mount point and version of a controller, for cg_controllers(). */
void cg_show(struct cg *cg, const char *name, const char *mount, int version);
/* Finds the group of a process in the text of /proc/PID/cgroup. Returns 0 or -ENOENT. */
int cg_proc_group(const struct cg_hier *hier, const char *text, char *ret, size_t size);

/* group.c */
/* Returns -EINVAL when path is not relative and clean. */
int cg_group_check_path(const char *path, struct vc_err *err);
/* Joins base and path. Returns 0 or -ENAMETOOLONG; a checked path always fits. */
int cg_group_of(const struct cg_hier *hier, const char *path, char ret[static CG_GROUP_MAX]);
/* The same with the check before. Returns -EOPNOTSUPP when hier is NULL. */
int cg_group_find(const struct cg_hier *hier, const char *path, char ret[static CG_GROUP_MAX]);
void cg_group_parent(const char *group, char ret[static CG_GROUP_MAX]);
/* Makes one group, whose parent exists, in one hierarchy, without libcgroup. */
int cg_group_make_hot(struct cg *cg, const struct cg_hier *hier, const char *group,
		      struct vc_err *err);

/* file.c. All return 0, a length or a descriptor, or -errno. */
int cg_file_open(const struct cg_hier *hier, const char *group, const char *file, int flags);
ssize_t cg_file_read(const struct cg_hier *hier, const char *group, const char *file, char *buf,
		     size_t size);
/* The caller frees *ret. */
ssize_t cg_file_read_all(const struct cg_hier *hier, const char *group, const char *file,
			 size_t max, char **ret);
int cg_file_read_u64(const struct cg_hier *hier, const char *group, const char *file,
		     uint64_t *ret);
int cg_file_write(const struct cg_hier *hier, const char *group, const char *file,
		  const char *text);
bool cg_file_exists(const struct cg_hier *hier, const char *group, const char *file);

/* walk.c: the groups directly below one. */
struct cg_walk {
	DIR *dir;
	int r;            /* 0 or -errno, at the end: why groups are missing */
	const char *name; /* of the group, within: */
	char group[CG_GROUP_MAX];
	size_t len; /* of its parent's name with a slash */
};

struct cg_walk cg_walk_begin(const struct cg_hier *hier, const char *group);
/* Returns false at the end. */
bool cg_walk_next(struct cg_walk *walk);
void cg_walk_done(struct cg_walk *walk);

/* Runs the statement below for every child; no child if the group cannot be read. */
#define CG_FOREACH_CHILD(walk, hier, group)                                                        \
	for (_cleanup_(cg_walk_done) struct cg_walk walk = cg_walk_begin(hier, group);             \
	     cg_walk_next(&walk);)

/* procs.c: the processes of a group and those below it, in one hierarchy. The caller frees *ret. */
int cg_procs_of_hier(const struct cg_hier *hier, const char *group, pid_t **ret, size_t *ret_n);

/* stat.c: returns the number of the line "key number"; 0 when there is no such line. */
uint64_t cg_stat_value(const char *text, const char *key);
/* Returns cg_memory::used_bytes from memory.stat and the charged bytes. */
uint64_t cg_memory_in_use(const char *stat, uint64_t charged, bool v2);

/* cpus.c: the names of the files with the effective CPUs and nodes. */
const char *cg_cpus_file(const struct cg_hier *hier);
const char *cg_cpus_mems_file(const struct cg_hier *hier);
int cg_cpus_read_list(const struct cg_hier *hier, const char *group, const char *file,
		      struct cpulist *ret);
/* Writes cpuset.cpus of one group. Returns 0 or -errno. */
int cg_cpus_write_list(const struct cg_hier *hier, const char *group, const struct cpulist *cpus);
/* Makes a group's CPUs not exclusive. Returns 0 or -errno of the write. */
int cg_cpus_share(const struct cg_hier *hier, const char *group);

/* The partitions beside one of ours. Daemons and shims claim no CPU. */
struct cg_beside {
	const char *own; /* the name of the one that asks */
	struct cpulist want;
	struct cpulist claimed;   /* by any other partition */
	struct cpulist dedicated; /* by those whose CPUs are exclusive */
};

int cg_cpus_look_beside(const struct cg_hier *hier, const char *group, const struct cpulist *want,
			struct cg_beside *ret);
/* Makes the partitions share their CPUs that have one of the wanted CPUs. */
void cg_cpus_share_wanted(const struct cg_hier *hier, const struct cg_beside *beside);

/* cpus-v1.c: returns whether the kernel refuses a group's CPUs to all other groups. */
bool cg_cpus_v1_is_exclusive(const struct cg_hier *hier, const char *group);
/* Gives a new group its parent's nodes, and those of its CPUs that no neighbour keeps for itself. A
 * group that has CPUs keeps them. */
int cg_cpus_v1_inherit(const struct cg_hier *hier, const char *group, struct vc_err *err);
/* Makes the instances below a group share their CPUs, so that one more finds some. */
void cg_cpus_v1_ask_instances(const struct cg_hier *hier, const char *parent);
/* Makes the CPUs of all partitions shared. */
void cg_cpus_v1_share_all(const struct cg_hier *hier);
int cg_cpus_v1_set(struct cg *cg, const struct cg_hier *hier, const char *group,
		   const struct cpulist *want, const char *mems, bool exclusive,
		   struct vc_err *err);

/* cpus-v2.c: returns whether the group is a valid partition root. The root group is one. */
bool cg_cpus_v2_is_root(const struct cg_hier *hier, const char *group);
/* Returns whether the group is a valid partition root with all CPUs that it was given. */
bool cg_cpus_v2_is_dedicated(const struct cg_hier *hier, const char *group);
/* Makes the group a member, which keeps its CPUs. Returns 0 or -EBUSY. */
int cg_cpus_v2_release(const struct cg_hier *hier, const char *group);
int cg_cpus_v2_set(struct cg *cg, const struct cg_hier *hier, const char *group,
		   const struct cpulist *want, const char *mems, bool exclusive,
		   struct vc_err *err);

/* bpf.c: returns whether this process may load such programs. */
bool cg_bpf_usable(void);
/* See cg_deny_nodes() and cg_deny_has_nodes(); 0 or -errno. */
int cg_bpf_deny(const struct cg_hier *hier, const char *group, const struct device_node *nodes,
		size_t n);
bool cg_bpf_denies(const struct cg_hier *hier, const char *group, const struct device_node *nodes,
		   size_t n);

/* lib.c. Errors are -errno with a text. */
int cg_lib_discover(struct cg *cg, struct vc_err *err);
/* Returns whether the hierarchy is mounted with an option. */
bool cg_lib_mount_has_option(const struct cg_hier *hier, const char *option);
int cg_lib_make(struct cg *cg, const struct cg_hier *hier, const char *group, struct vc_err *err);
int cg_lib_set(struct cg *cg, const struct cg_hier *hier, const char *group, const char *file,
	       const char *value, struct vc_err *err);
int cg_lib_delete(struct cg *cg, const struct cg_hier *hier, const char *group);

#endif
