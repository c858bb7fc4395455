/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decide.h - loads -> policy -> checked decision
 */
#ifndef VC_DAEMON_DECIDE_H
#define VC_DAEMON_DECIDE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "wire/wire.h"

struct conn;
struct daemon;
struct job;

/* Chooses a partition for a new job of the caller, and counts the placement there as pending.
 * Returns the partition's index, or -errno. ret_note: "", or a message for the user (a policy
 * failed). */
int decide_place(const struct conn *conn, const Vc__Place *place, char *ret_note, size_t note_size,
		 struct vc_err *err);
/* Chooses a target for a job of this partition. Returns this partition if the policy wants the job
 * to stay. */
int decide_move(struct daemon *daemon, const char *policy, const struct job *job, char *ret_note,
		size_t note_size, struct vc_err *err);
/* Asks the policy where a job of this partition with that demand should be. Returns -1 if it
 * should stay. */
int decide_rebalance(const struct job *job, double job_cpus, uint64_t job_mem_bytes);

#endif
