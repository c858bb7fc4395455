/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * instance.h - one vcrun on this machine: its state directory and its configuration
 *
 * common/statedir.h lists the files of the directory.
 *
 * "vcctl up" and every change of a partition write instance.json. Daemons, shims and commands read
 * it. Everyone can read it; only root can write it.
 */
#ifndef VC_PARTITION_INSTANCE_H
#define VC_PARTITION_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "partition/config/config.h"

struct instance {
	char *dir;               /* absolute, canonical */
	int dirfd;               /* O_PATH; -1: not open yet (instance_free() closes it) */
	char *cgroup_base;       /* cg_base() of the creator */
	bool own_mount;          /* vcctl up mounted a tmpfs at dir; down unmounts it */
	bool found;              /* dir existed before; not saved */
	struct config *config;   /* the partitions come from a file or from the topology */
	ino_t read_ino;          /* of the instance.json that was read */
	struct timespec read_at; /* its mtime */
};

/* Writes "vcrun" for the default directory, else "vcrun-" and 8 hex digits of a hash of its
 * canonical path. The directory need not exist, but its parent must. */
int instance_group_name(const char *dir, char *ret, size_t size);

/* Reads instance.json. Returns 0; -ENOENT when vcrun is not up; -EINVAL when the file is damaged.
 * Fields that an older vcrun did not write get their default. The caller frees *ret with
 * instance_free(). */
int instance_open(const char *dir, struct instance **ret, struct vc_err *err);
/* Does the same with an instance.json of any version, but reads only cgroup_base, own_mount and the
 * names of the partitions. */
int instance_open_remains(const char *dir, struct instance **ret, struct vc_err *err);
void instance_free(struct instance *in);
DEFINE_CLEANUP(struct instance *, instance_freep, instance_free);
/* Writes instance.json atomically, mode 0644. */
int instance_save(const struct instance *in, struct vc_err *err);

/* Reads the partitions again if instance.json has changed. Returns 1 if it has, which makes
 * pointers into config->parts invalid; 0; or -errno without a change. */
int instance_refresh(struct instance *in, struct vc_err *err);

/* Returns the index of a partition by name, or -1. */
int instance_find(const struct instance *in, const char *name);

/* Returns the PID of the process that holds STATE-DIR/NAME/vcd.lock; 0: no daemon runs. A daemon
 * cannot ask for itself, because a process does not see its own POSIX locks. */
pid_t instance_daemon_pid(const struct instance *in, const char *partition);

#endif
