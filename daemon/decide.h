/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decide.h - loads -> policy -> checked decision
 */
#ifndef VC_DAEMON_DECIDE_H
#define VC_DAEMON_DECIDE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "policy/vc-policy.h"
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

/* One question to a policy; the balancer asks it for each of its jobs. */
struct decide_question {
	struct vc_view view;
	struct vc_load *loads;
	const struct vc_policy *policy;
	struct vc_err fault; /* code set: why policy is not the one that was named */
};

/* Fills the view with the present loads. policy: a name; NULL or "": the configured one. Returns 0,
 * or -errno; then there is nothing to end. */
int decide_begin(struct decide_question *question, struct daemon *daemon, const char *policy,
		 struct vc_err *err);
void decide_end(struct decide_question *question);
/* Sets the view's parent (-1: outside of all partitions), and fresh random bits. */
void decide_set_parent(struct vc_view *view, int parent);

#endif
