/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan.h - the event table: the shapes of partitions before and after an event
 *
 * This is JP06110715's table (its Fig. 9): for each event the sizes, CPUs, sharing and memory mode
 * of partitions before and after. The configuration defines the events. STATE-DIR/events.json keeps
 * them and which are in force. Firing or reverting an event is one change of partitions
 * (partition/change/reshape.h).
 */
#ifndef VC_PARTITION_PLAN_H
#define VC_PARTITION_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "partition/spec.h"

struct cg;
struct instance;
struct reshape_claim;
struct reshape_how;
struct reshape_report;

#define PLAN_EVENTS_MAX 256

enum plan_way { PLAN_FIRE, PLAN_REVERT };

/* What orders an event, and so its rank (RESHAPE_RANK_...). */
#define PLAN_CAUSES(X)                                                                             \
	X(LOAD, "load", LOAD)                                                                      \
	X(TIME, "time", TIME)                                                                      \
	X(COMMAND, "command", TIME)                                                                \
	X(FAILOVER, "failover", FAILOVER)

enum plan_cause {
#define X(id, name, rank) PLAN_BY_##id,
	PLAN_CAUSES(X)
#undef X
};

struct plan_order {
	const char *event;
	enum plan_way way;
	enum plan_cause cause;
};

/* What makes an event go one way, as configured. All NULL: only a command. */
struct plan_trigger {
	char *at;                 /* partition/change/calendar.h */
	char *when;               /* partition/change/condition.h */
	char *failover;           /* the partition whose failure it is; not for reverting */
	unsigned int failures;    /* FAILURE_BIT() of each kind that counts */
	unsigned int freeze_msec; /* how long it must be frozen */
};

/* The result of the last time. */
struct plan_last {
	uint64_t at_usec; /* CLOCK_REALTIME; 0: never */
	enum plan_way way;
	enum plan_cause cause;
	char reason[sizeof(((struct vc_err *)0)->text)]; /* why it failed; "": it did not */
	bool again;                                      /* it failed and is tried again */
	bool put_off; /* it waits for an order of a higher rank */
};

struct plan_event {
	char name[PARTITION_NAME_MAX];
	struct plan_trigger fire, revert;
	unsigned int deadline_msec;
	unsigned int retry_msec; /* after a failure; 0: never */
	/* For this time after a change, load does not change its partitions again. */
	unsigned int hold_msec;
	struct spec_patch *before, *after;
	size_t n_before, n_after;

	bool in_force;         /* fired and not reverted */
	enum plan_cause by;    /* what fired it, while it is in force */
	uint64_t changed_usec; /* when it last changed (CLOCK_REALTIME); 0: never */
	/* The shapes that firing it found, to go back to where before says nothing. */
	struct spec_patch *found;
	size_t n_found;
	struct plan_last last;
};

struct plan {
	struct plan_event *events;
	size_t n;
};

void plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_freep, plan_free);

const char *plan_way_name(enum plan_way way);
/* Returns the event; NULL with an error when there is none of that name. */
struct plan_event *plan_find(const struct plan *plan, const char *name, struct vc_err *err);

/* Reads events.json; a missing file has no events. Returns 0 or -errno. The caller frees with
 * plan_free(). */
int plan_json_read(const struct instance *in, struct plan **ret, struct vc_err *err);
int plan_json_write(const struct instance *in, const struct plan *plan, struct vc_err *err);
/* Returns its text, which the caller frees; NULL without memory. */
char *plan_json_format(const struct plan *plan);

/*
 * Computes the partitions that an event would change now, as they would be afterwards. Returns 0,
 * or -EALREADY when it is not in force and has nothing to go back to. The caller frees with
 * plan_free_specs().
 */
int plan_target(const struct instance *in, const struct plan_event *event, enum plan_way way,
		struct partition_spec **ret, size_t *ret_n, struct vc_err *err);
void plan_free_specs(struct partition_spec *specs, size_t n);

const char *plan_rank_cause_name(enum plan_cause cause);
/* Returns an enum reshape_rank. */
int plan_rank(enum plan_cause cause);
/* Returns 0 or -EINVAL. */
int plan_rank_parse_cause(const char *text, enum plan_cause *ret);
/* Returns the claim of an order: its rank, and how long it waits from now on for the lock and for
 * memory together. deadline_msec 0: as the event is configured. */
int plan_rank_claim(const struct instance *in, const struct plan_order *order,
		    unsigned int deadline_msec, struct reshape_claim *ret, struct vc_err *err);
/*
 * Checks whether an order may be carried out now. Returns 0, or -EAGAIN when it is put off: an
 * event in force of a higher rank has set one of its partitions; or the order is by load, and one
 * of them was changed a short time ago. A command is never put off. now is CLOCK_REALTIME.
 */
int plan_rank_may_go(const struct plan *plan, const struct plan_order *order, uint64_t now_usec,
		     struct vc_err *err);

/*
 * Fires or reverts an event with the lock of reshape_lock() held, and notes the result in
 * events.json. Firing an event in force does what is missing. Returns 0; -EAGAIN when it is put
 * off, see plan_rank_may_go(); -ECANCELED when it gave way, see reshape_run(), and then notes
 * nothing.
 */
int plan_go(struct instance *in, struct cg *cg, const struct plan_order *order,
	    const struct reshape_how *how, struct reshape_report *ret, struct vc_err *err);

/* Notes, with the lock held, why an order was not carried out. plan_go() does it by itself. */
void plan_note_failure(const struct instance *in, const struct plan_order *order,
		       const struct vc_err *why);
/* Notes that a failed order of a trigger is tried again, if the event is configured so. The next
 * order for the event ends that. */
void plan_note_again(const struct instance *in, const char *name);

/* Checks for each event of a configuration whether its partitions could be as before says, if it
 * does, and then as after says. *ret_event is the first that could not. */
int plan_check(const struct instance *in, const struct plan *plan,
	       const struct plan_event **ret_event, struct vc_err *err);

#endif
