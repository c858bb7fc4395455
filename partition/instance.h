/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * instance.h - one vcrun on this machine: its state directory and its configuration
 *
 * common/statedir.h lists the files of the directory.
 *
 * instance.json is written by vcctl up and by every change of a partition, and read by
 * daemons, shims and commands; it is world-readable, and only root can write it.
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
	bool found;              /* dir was there before; not written down */
	struct config *config;   /* with parts filled in, from a file or from the topology */
	ino_t read_ino;          /* of the instance.json that was read; a changed one is another */
	struct timespec read_at; /* its mtime */
};

/* "vcrun" for the default directory, else "vcrun-" and 8 hex digits of its canonical
 * path's hash. The directory need not exist yet, its parent must. */
int instance_group_name(const char *dir, char *ret, size_t size);

/* Reads instance.json. -ENOENT: "vcrun is not up (no DIR/instance.json): run 'vcctl
 * up'"; -EINVAL: it is damaged. What an older vcrun did not write has its default. */
int instance_open(const char *dir, struct instance **ret, struct vc_err *err);
/* The same from an instance.json of any version, and no more than what ends it: cgroup_base,
 * own_mount, the partitions' names. */
int instance_open_remains(const char *dir, struct instance **ret, struct vc_err *err);
void instance_free(struct instance *in);
DEFINE_CLEANUP(struct instance *, instance_freep, instance_free);
/* Writes instance.json atomically, mode 0644. */
int instance_save(const struct instance *in, struct vc_err *err);

/* Takes the partitions over from an instance.json that has changed since it was read;
 * pointers into config->parts are void then. 1: they changed, 0: not, or -errno and as before. */
int instance_refresh(struct instance *in, struct vc_err *err);

/* Index of a partition by name, -1 when there is none. */
int instance_find(const struct instance *in, const char *name);

/* The pid of the process that holds STATE-DIR/NAME/vcd.lock; 0: no daemon lives ("": never). Not
 * for the daemon about itself: POSIX locks do not show to their owner. */
pid_t instance_daemon_pid(const struct instance *in, const char *partition);

#endif
