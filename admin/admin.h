/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * admin.h - brings an instance up and down, and changes its partitions
 *
 * These are the operations behind vcctl. They work on cgroups, mounts and the state directory,
 * need no daemon, and need root unless stated otherwise. They print nothing: an operation calls
 * the functions in struct admin. The operations use fork() and signals, so a process runs one of
 * them at a time.
 */
#ifndef VC_ADMIN_ADMIN_H
#define VC_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "partition/change/plan.h"
#include "partition/change/reshape.h"
#include "partition/instance.h"

/* A partition's resources, with the words for what it has. */
struct admin_shape {
	struct partition_spec spec;
	const char *mode, *sharing;
};

/* A change of n partitions. Without dry_run, it has been made and after is what the kernel says;
 * report is valid only then. */
struct admin_change {
	struct admin_shape *before, *after;
	size_t n;
	bool dry_run;
	struct reshape_report report;
};

struct admin {
	const char *state_dir;
	unsigned int deadline_msec; /* of a change; 0: the default, or the event's own */
	bool dry_run;               /* of a change: check it and show it, but do not make it */
	/* One line of progress, or a note, without a newline. */
	void (*say)(const char *text);
	void (*warn)(const char *text);
	void (*show_partitions)(const struct instance *in);
	void (*show_change)(const struct admin_change *change);
	/* Memory is being reclaimed. Called repeatedly. */
	void (*show_shrinking)(const char *partition, uint64_t used_bytes, uint64_t limit_bytes,
			       void *ctx);
};

/* The settings of a partition as the user wrote them; NULL: unchanged. */
struct admin_wish {
	const char *cpus, *mems, *memory, *cpu, *memory_mode;
	const char *devices, *share; /* separated by commas */
};

/* Only one up, down, check, add or remove runs at a time. Waits for its turn, and blocks the
 * signals that would interrupt it. Ends with the process, or with admin_unlock(). */
int admin_lock(const char *state_dir, struct vc_err *err);
void admin_unlock(void);

/* Makes the partitions and starts the daemons, or starts the daemons that have ended. The
 * partitions come from the file config, or are split equal ones; NULL and 0: from vcrun.conf if it
 * exists. On failure nothing remains. */
int admin_up(const struct admin *admin, const char *config, size_t split, struct vc_err *err);
/* Ends the daemons and removes the partitions. -EBUSY: jobs run, and force is false. */
int admin_down(const struct admin *admin, bool force, struct vc_err *err);

int admin_add(const struct admin *admin, const char *name, const struct admin_wish *wish,
	      struct vc_err *err);
/* -EBUSY: jobs run in it, it owns a region, or it is the only partition. */
int admin_remove(const struct admin *admin, const char *name, struct vc_err *err);

/* Change partitions while their jobs run. -EINTR: a signal came. After a failure nothing has
 * changed. Need no root for a dry run. */
int admin_set(const struct admin *admin, const char *name, const struct admin_wish *wish,
	      struct vc_err *err);
int admin_event(const struct admin *admin, const struct plan_order *order, struct vc_err *err);
/* Fires the events for the failure of a partition, in the order of the configuration. */
int admin_failover(const struct admin *admin, const char *partition, struct vc_err *err);
/* Calls show_change() for what n partitions would become. */
int admin_preview(const struct admin *admin, const struct instance *in,
		  const struct partition_spec *after, size_t n, struct vc_err *err);

/* Whether irqbalance runs, and moves interrupts of the partitions' devices: returns true then and
 * fills both texts. *ret_pid is 0 if it does not run. */
bool admin_irqbalance(const struct instance *in, pid_t *ret_pid, char *ret_found, size_t found_size,
		      char *ret_remedy, size_t remedy_size);

/* Moves a test process with a thread and a listening socket, and removes it in any case. -EINTR:
 * *ret_signal came; it is 0 otherwise. */
int admin_trial(uint64_t *ret_downtime_usec, int *ret_signal, struct vc_err *err);

#endif
