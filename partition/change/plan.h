/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan.h - the event table: what partitions become when something happens, and go back to
 *
 * JP06110715's table (its Fig. 9): for each event the partitions' sizes, CPUs, sharing and
 * memory mode before and after. The events are the configuration's; they are kept in
 * STATE-DIR/events.json together with which of them are in force. To fire an event, or to
 * revert it, is one change of partitions (partition/change/reshape.h).
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

/* Who or what orders an event, and which of two comes first (RESHAPE_RANK_...). */
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

/* What makes an event go one way, as the configuration has it; all NULL: only a command. */
struct plan_trigger {
	char *at;                 /* partition/change/calendar.h */
	char *when;               /* partition/change/condition.h */
	char *failover;           /* a partition that fails; not for reverting */
	unsigned int failures;    /* then: which kinds count, FAILURE_BIT() of each */
	unsigned int freeze_msec; /* and how long it is frozen until that is one */
};

/* How it went the last time. */
struct plan_last {
	uint64_t at_usec; /* CLOCK_REALTIME; 0: never */
	enum plan_way way;
	enum plan_cause cause;
	char reason[sizeof(((struct vc_err *)0)->text)]; /* why it failed; "": it did not */
	bool again;                                      /* it failed, and is to be tried again */
	bool put_off;                                    /* it waits for what comes first */
};

struct plan_event {
	char name[PARTITION_NAME_MAX];
	struct plan_trigger fire, revert;
	unsigned int deadline_msec;
	unsigned int retry_msec; /* after a failure; 0: not */
	/* After it has gone either way no load changes its partitions for so long. */
	unsigned int hold_msec;
	struct spec_patch *before, *after;
	size_t n_before, n_after;

	bool in_force;         /* fired, and not reverted since */
	enum plan_cause by;    /* while it is in force: what fired it */
	uint64_t changed_usec; /* CLOCK_REALTIME, when it last went either way; 0: never */
	/* What firing it changed, as it was found; to go back to where before says nothing. */
	struct spec_patch *found;
	size_t n_found;
	struct plan_last last;
};

struct plan {
	struct plan_event *events;
	size_t n;
};

void plan_event_done(struct plan_event *event);
void plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_freep, plan_free);

const char *plan_way_name(enum plan_way way);
/* NULL and err: there is none of that name. */
struct plan_event *plan_find(const struct plan *plan, const char *name, struct vc_err *err);

/* Reads events.json; missing: no events. The caller frees with plan_free(). */
int plan_json_read(const struct instance *in, struct plan **ret, struct vc_err *err);
int plan_json_write(const struct instance *in, const struct plan *plan, struct vc_err *err);
/* Its text; the caller frees. NULL without memory. */
char *plan_json_format(const struct plan *plan);

/*
 * The partitions that an event changes, as they would be after firing or reverting it
 * now. -EALREADY: it is not in force, and has nothing to go back to. The caller frees with
 * plan_free_specs().
 */
int plan_target(const struct instance *in, const struct plan_event *event, enum plan_way way,
		struct partition_spec **ret, size_t *ret_n, struct vc_err *err);
void plan_free_specs(struct partition_spec *specs, size_t n);

const char *plan_rank_cause_name(enum plan_cause cause);
/* An enum reshape_rank. */
int plan_rank(enum plan_cause cause);
/* -EINVAL. */
int plan_rank_parse_cause(const char *text, enum plan_cause *ret);
/* What an order claims of the lock, from now on: its rank, and until when it waits for the lock and
 * for memory, together. deadline_msec 0: the event's own. */
int plan_rank_claim(const struct instance *in, const struct plan_order *order,
		    unsigned int deadline_msec, struct reshape_claim *ret, struct vc_err *err);
/*
 * Whether an order may be carried out now. -EAGAIN: it is put off. An event in force that comes
 * first has set one of its partitions; or it is by load, and one of them was changed a short time
 * ago. A command is never put off. now: CLOCK_REALTIME.
 */
int plan_rank_may_go(const struct plan *plan, const struct plan_order *order, uint64_t now_usec,
		     struct vc_err *err);

/*
 * Makes an event go one way, with the lock of reshape_lock() held, and notes in events.json
 * how it went. Firing one that is in force does what is missing, if anything is. -EAGAIN: it is put
 * off, as plan_rank_may_go() says; -ECANCELED: it gave way, as reshape_run() says, and nothing is
 * noted.
 */
int plan_go(struct instance *in, struct cg *cg, const struct plan_order *order,
	    const struct reshape_how *how, struct reshape_report *ret, struct vc_err *err);

/* Notes, with the lock held, why an order was not carried out. plan_go() does so itself. */
void plan_note_failure(const struct instance *in, const struct plan_order *order,
		       const struct vc_err *why);
/* What a trigger has made go one way, and has failed, is to be tried again: notes that, if the
 * event wants it. Going either way anew ends that, reverting it too when it is not in force. */
void plan_note_again(const struct instance *in, const char *name);

/* Whether all its events could be, one by one, in a configuration: as before says, if it does,
 * then as after says. *ret_event is the first that could not. */
int plan_check(const struct instance *in, const struct plan *plan,
	       const struct plan_event **ret_event, struct vc_err *err);

#endif
