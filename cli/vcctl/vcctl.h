/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcctl.h - the administrator's command, seen by its own files
 *
 * Each subcommand is a file: up.c, down.c, check.c, list.c,
 * set.c, add.c, event.c, kill.c, ipc.c. trial.c is of check,
 * ipccheck.c of ipc, ipcdir.c of up and down, daemons.c of up and add,
 * devices.c of up and check; shape.c shows and makes a change of partitions.
 */
#ifndef VC_CLI_VCCTL_H
#define VC_CLI_VCCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "partition/cgroup/cgroup.h"
#include "partition/change/reshape.h"
#include "partition/instance.h"

struct vcctl {
	const char *state_dir;
	const char *config; /* NULL: /etc/vcrun/vcrun.conf if it is there */
	size_t split;       /* 0: not given */
	bool force, json, policies, dry_run;
	const char *signal; /* kill: NULL is SIGTERM */
	const char *kind;   /* ipc: of this kind only; NULL: any */
	/* set, add: NULL: leave it */
	const char *cpus, *mems, *memory, *cpu, *memory_mode;
	const char *devices, *share; /* separated by commas */
	unsigned int deadline_msec;  /* 0: not given */
	char **words;                /* behind the subcommand, ended by NULL */
};

/* Each returns the command's exit status. */
int vcctl_up(const struct vcctl *opts);
int vcctl_down(const struct vcctl *opts);
int vcctl_list(const struct vcctl *opts);
int vcctl_check(const struct vcctl *opts);
int vcctl_set(const struct vcctl *opts);
int vcctl_add(const struct vcctl *opts);
int vcctl_remove(const struct vcctl *opts);
int vcctl_event(const struct vcctl *opts);
int vcctl_failover(const struct vcctl *opts);

/* The board has so many slots, and the table of IPC objects so many columns, more than there are
 * partitions: for those to be added. */
#define VCCTL_SPARE_SLOTS 16

/* daemons.c: starts the daemons that do not run, all at once, and waits for their word. If
 * one fails, those that this call started are ended. */
int vcctl_start_daemons(const struct instance *in, size_t *ret_started, struct vc_err *err);
/* down.c: ends a daemon, if there is one; its jobs live on. */
int vcctl_end_daemon(const struct instance *in, const char *partition, struct vc_err *err);

/* set.c: what --cpus and its like say, put into a spec. */
int vcctl_apply_options(const struct vcctl *opts, struct partition_spec *spec, struct vc_err *err);

/* shape.c */
/* The instance with the lock on its partitions' shape held. The caller frees; *ret_lock is a
 * descriptor that ends the lock when it is closed, with the process at the latest. */
int vcctl_open_shape(const struct vcctl *opts, const struct reshape_claim *claim,
		     struct instance **ret, struct cg **ret_cg, int *ret_lock, struct vc_err *err);
/* What a command claims of that lock, from now on: how long it waits for it, and for memory. */
void vcctl_claim(const struct vcctl *opts, struct reshape_claim *ret);
/* n partitions side by side: as they are wanted now, and then. */
int vcctl_print_shape(const struct instance *in, const struct partition_spec *after, size_t n,
		      struct vc_err *err);

/* What is to be changed: partitions, or an event's. */
struct vcctl_change {
	const struct partition_spec *after;
	size_t n;
	const char *cause;
	const struct plan_order *event; /* NULL: none; cause is then made from it */
	const struct reshape_claim *claim;
	int lock;
};

/* Makes the change, and shows what each partition had and what it has obtained, as the kernel
 * says. A dry run shows what is wanted. -ECANCELED: it gave way; to be done again from the start.
 */
int vcctl_reshape(const struct vcctl *opts, struct instance *in, struct cg *cg,
		  const struct vcctl_change *change, struct vc_err *err);
/* obtained.c: notes on what the kernel has not given to these as it was asked for. */
void vcctl_print_obtained(struct cg *cg, const struct partition_spec *specs, size_t n);
int vcctl_ipc(const struct vcctl *opts);
/* ipccheck.c: looks whether table, files and processes agree. The exit status. */
int vcctl_ipc_check(const struct vcctl *opts);
int vcctl_kill(const struct vcctl *opts);

/* devices.c: whether irqbalance runs, *ret_pid, and moves interrupts of partitions' devices:
 * 1, and two sentences. It fails nothing. */
int vcctl_irqbalance(const struct instance *in, pid_t *ret_pid, char *ret_found, size_t found_size,
		     char *ret_remedy, size_t remedy_size);

/* trial.c: moves a process of its own, with a thread and a listening socket, by libmig;
 * nothing of it is left in any case. -EINTR: given up because of *ret_signal. */
int vcctl_trial(uint64_t *ret_downtime_usec, int *ret_signal, struct vc_err *err);

/* shape.c: whether SIGINT, SIGTERM or SIGHUP has come, caught or held back. */
bool vcctl_is_cancelled(void);
/* The same as a flag, once they are caught. */
const volatile sig_atomic_t *vcctl_cancel(void);

/* down.c: what down does, for an up that fails halfway or finds remains.
 * Ends daemons and shims, removes groups, files and mounts. Jobs must have ended. */
int vcctl_clear(struct instance *in, struct cg *cg, struct vc_err *err);
/* Unmounts what is mounted at name in the state directory, if anything is. */
int vcctl_unmount(const struct instance *in, const char *name, int flags, struct vc_err *err);

/* ipcdir.c: the table of IPC objects and the place for their files, made and removed. */
int vcctl_make_ipc(const struct instance *in, struct vc_err *err);
int vcctl_clear_ipc(const struct instance *in, struct vc_err *err);
/* The openers that count in a partition without being in its jobs, which nobody watches any more
 * when its daemon has ended, come to another one. */
int vcctl_hand_over_ipc(const struct instance *in, const char *partition, struct vc_err *err);

/* The jobs that have living processes, by their groups, and those that are parked:
 * for when no daemon is there to ask. The caller frees *ret. */
struct vcctl_job {
	char partition[PARTITION_NAME_MAX];
	unsigned int id;
	bool ending; /* its program is not there any more */
};
int vcctl_jobs(const struct instance *in, struct cg *cg, struct vcctl_job **ret, size_t *ret_n,
	       struct vc_err *err);

#endif
