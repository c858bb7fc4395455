/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcctl.h - the administrator's command, seen by its own files
 *
 * Each subcommand is a file: vcctl-up.c, vcctl-down.c, vcctl-check.c, vcctl-list.c,
 * vcctl-kill.c, vcctl-ipc.c. vcctl-trial.c is of check, vcctl-ipcdir.c of up and down.
 */
#ifndef VC_CLI_VCCTL_H
#define VC_CLI_VCCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "partition/cgroup.h"
#include "partition/instance.h"

struct vcctl {
	const char *state_dir;
	const char *config; /* NULL: /etc/vcrun/vcrun.conf if it is there */
	size_t split;       /* 0: not given */
	bool force, json, policies;
	const char *signal; /* kill: NULL is SIGTERM */
	const char *kind;   /* ipc: of this kind only; NULL: any */
	char **words;       /* behind the subcommand, ended by NULL */
};

/* Each returns the command's exit status. */
int vcctl_up(const struct vcctl *opts);
int vcctl_down(const struct vcctl *opts);
int vcctl_list(const struct vcctl *opts);
int vcctl_check(const struct vcctl *opts);
int vcctl_ipc(const struct vcctl *opts);
int vcctl_kill(const struct vcctl *opts);

/* vcctl-trial.c: moves a process of its own, with a thread and a listening socket, by libmig;
 * nothing of it is left in any case. -EINTR: given up because of *ret_signal. */
int vcctl_trial(uint64_t *ret_downtime_usec, int *ret_signal, struct vc_err *err);

/* vcctl-down.c: what down does, for an up that fails halfway or finds remains.
 * Ends daemons and shims, removes groups, files and mounts. Jobs must have ended. */
int vcctl_clear(struct instance *in, struct cg *cg, struct vc_err *err);

/* vcctl-ipcdir.c: the table of IPC objects and the place for their files, made and removed. */
int vcctl_make_ipc(const struct instance *in, struct vc_err *err);
int vcctl_clear_ipc(const struct instance *in, struct vc_err *err);

/* The jobs that have living processes, by their groups, and those that are parked:
 * for when no daemon is there to ask. The caller frees *ret. */
struct vcctl_job {
	char partition[PARTITION_NAME_MAX];
	unsigned int id;
};
int vcctl_jobs(const struct instance *in, struct cg *cg, struct vcctl_job **ret, size_t *ret_n,
	       struct vc_err *err);

#endif
