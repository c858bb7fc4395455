/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config.h - vcrun.conf, read by libconfuse
 *
 *	policy = "leastcpu"            # used when vcrun names none
 *	sample-interval-msec = 250
 *	exclusive = true               # ask for CPUs as a partition's own
 *	overcommit = false             # partitions may have more memory in all than the machine
 *	max-jobs-per-user = 1000
 *	move-max-stop = "30s"          # refuse moves expected to take longer
 *	images-per-user = "8G"         # of jobs being moved or parked; default: half of the memory
 *	ipc-entries = 1048576          # objects that the table of IPC objects has room for
 *	ipc-objects-per-user = 100000
 *	balance = "off"                # "advise", "on": move jobs when it pays
 *	engine = "auto"                # of moves; "live", "criu"
 *	criu = "/usr/sbin/criu"
 *	policy-path = "/usr/lib/vcrun/policy"
 *	partition vc0 {
 *		cpus = "0-3"
 *		mems = "0"             # default: the nodes nearest to cpus
 *		memory = "8G"          # default: no limit
 *		exclusive = false      # overrides the global one
 *		devices = {"block:vdb"}  # their interrupts go to its CPUs, nobody else opens them
 *		share = {"block:vdc"}  # its jobs may open it though another one owns it
 *		memory-mode = "fixed"  # default: pageable
 *	}
 *	region frames {
 *		size = "64M"           # of vc0's memory
 *		owner = "vc0"
 *		share = {"vc1"}        # who has it besides
 *		mode = "0660"
 *		user = "root"
 *		group = "video"        # default: the user's
 *	}
 *	event night {
 *		at = "22:00"           # or when = "vc0.cpu > 90% for 30s", failover = "vc1"
 *		revert-at = "06:00"    # or revert-when
 *		failover-on = {"kill"} # what is a failure (partition/change/failure.h)
 *		failover-freeze = 10   # seconds
 *		deadline = 30          # seconds for waiting and for shrinking memory
 *		retry = 60             # try again so many seconds after a failure; 0: do not
 *		hold = 5               # seconds in which no load changes its partitions again
 *		before vc0 { ... }     # as in a partition; what it goes back to
 *		after vc0 { ... }
 *	}
 */
#ifndef VC_PARTITION_CONFIG_H
#define VC_PARTITION_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "partition/change/plan.h"
#include "partition/spec.h"

struct region_spec;

#define PARTITIONS_MAX 256
#define CONFIG_DEFAULT_IPC_ENTRIES (1 << 20)
#define CONFIG_DEFAULT_IPC_PER_USER 100000
#define CONFIG_DEFAULT_ENGINE "criu"

enum config_balance { BALANCE_OFF, BALANCE_ADVISE, BALANCE_ON, BALANCE_N_MODES };

/* Returns "off", "advise" or "on". */
const char *config_balance_name(enum config_balance balance);
/* Returns 0 or -EINVAL. */
int config_parse_balance(const char *text, enum config_balance *ret);

struct config {
	char *policy;
	char *engine;      /* of moves */
	char *criu;        /* NULL: libmig searches for it */
	char *policy_path; /* NULL: the built-in directory */
	unsigned int sample_interval_msec;
	unsigned int max_jobs_per_user;
	unsigned int ipc_entries;          /* of all users together */
	unsigned int ipc_objects_per_user; /* root has no limit */
	uint64_t move_max_stop_usec;       /* 0: no limit */
	uint64_t images_per_user_bytes;    /* 0: half of the memory; root has no limit */
	enum config_balance balance;
	bool exclusive;
	bool overcommit;
	struct plan *plan;            /* the events; NULL when read from instance.json */
	struct partition_spec *parts; /* in the file's order, then in that of vcctl add; a removed
					 one leaves a free slot; n_parts may be 0 */
	size_t n_parts;
	struct region_spec *regions; /* see region.h */
	size_t n_regions;
};

/*
 * Reads a file. Every error begins with "FILE:LINE:" and says what would be right. Errors are:
 * syntax, an unknown option, a bad or double name, CPUs that do not exist or are in two exclusive
 * partitions, a bad size, more memory than the machine has, a device that does not exist or has two
 * owners. path NULL: all defaults. Returns 0 or -errno. The caller frees with config_free().
 */
int config_read(const char *path, struct config **ret, struct vc_err *err);
void config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_freep, config_free);
/* Returns the index of a partition by name, or -1. */
int config_find(const struct config *config, const char *name);

/* Checks the name of a partition. Returns 0, or -EINVAL with the reason. */
int config_partition_check_name(const char *name, struct vc_err *err);

/* Reads "64M", "1.5G", "123456" (bytes); K M G T are powers of 1024; "max" is CG_NO_LIMIT. Returns
 * 0 or -EINVAL. */
int config_size_parse(const char *text, uint64_t *ret_bytes);
/* Writes "64M", "1.5G" with at most 4 significant digits; "max" for CG_NO_LIMIT. Returns buf. */
char *config_size_format(uint64_t bytes, char *buf, size_t size);

#endif
