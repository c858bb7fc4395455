/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine.h - the ways to move a job: a table of functions for each
 *
 *	move.c         what all engines share: groups, barred regions, steps, hooks, records
 *	engine.c       the list of engines, and the choice of one
 *	engine-live.c  the processes run on and change their groups
 *	engine-criu.c  ends the job's processes and makes them again from images, by CRIU
 *
 * A new engine is one file, a declaration here and a row in engine.c. CONTRIBUTING.md lists the
 *other places that know its name.
 */
#ifndef VC_SHIM_ENGINE_H
#define VC_SHIM_ENGINE_H

#include <linux/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "libmig/mig.h"
#include "partition/region.h"
#include "shim/shim.h"

#define MOVE_STEPS_MAX 16

/* One end of a move: the job's group in a partition. */
struct move_place {
	struct shim *shim;
	const char *partition;
	char group[64];
	char cpus[1024];
	char mems[256];
	struct cg_entry *entry;
};

/* The files of the regions that are not given to the target. */
struct move_barred {
	struct inventory_barred list[REGIONS_MAX];
	char what[REGIONS_MAX][PARTITION_NAME_MAX + 16];
	char why[128];
	size_t n;
};

struct move_step {
	const char *name;
	uint64_t usec;
};

struct move_report {
	enum mig_result result;
	uint64_t downtime_usec; /* an upper bound of the gap that the job saw */
	uint64_t total_usec;
	uint64_t image_bytes;
	uint64_t lien_bytes; /* memory of the job that stays charged to the source, as an estimate
			      * expects it; after a move move.c sets it */
	struct move_step steps[MOVE_STEPS_MAX]; /* all of the engine's, in order */
	size_t n_steps;
	struct mig_estimate estimate; /* all 0: none was made */
	struct vc_err lost;           /* attributes that a job has lost that runs; code 0: none */
};

/* A move under way. A parked job keeps it; command and request are NULL then. */
struct move {
	struct shim *shim;
	const struct engine *engine;
	char why[256]; /* this engine; "": it was ordered */
	struct move_place source, target;
	struct wire *command; /* gets a Progress for each step; NULL: nobody */
	const Vc__Move *request;
	struct move_barred barred;
	struct move_report report;
	void *state; /* the engine's; NULL: not prepared */
};

struct engine {
	const char *name; /* on the wire and in records */
	bool runs_on;     /* its memory stays what it is, and may stay charged to the source */
	/* Makes move->state. The job is not touched. The places are open. 0 or -errno. */
	int (*prepare)(struct move *move, struct vc_err *err);
	/* Looks whether the engine can move the job, and fills move->report.estimate as far as it
	 * is known, also on failure. 0, or -errno: err says why it cannot. */
	int (*estimate)(struct move *move, struct vc_err *err);
	/* Moves the job and fills move->report. 0: it runs at the target. -errno: err says why not,
	 * and report.result where the job is. */
	int (*move)(struct move *move, struct vc_err *err);
	/* Tries to run a parked job at its source. 0 or -errno. */
	int (*undo)(struct move *move, struct vc_err *err);
	/* Frees move->state. A job that is still parked is lost. */
	void (*done)(struct move *move);
};

extern const struct engine engine_live, engine_criu;

/* Chooses the engine that the request names, and prepares it. 0, or -errno: there is none, or none
 * can move the job. */
int engine_choose(struct move *move, struct vc_err *err);
/* Frees what the engine has of the move. A job that is still parked is lost. */
void engine_drop(struct move *move);

/* move.c, for the engines */

/* How much memory a job can have there, besides what is used: page cache is reclaimed for it.
 * UINT64_MAX: no limit. */
uint64_t move_room(const struct move_place *place);

/* A step begins: logs it, tells the command, runs the hook. The PIDs are of CRIU's processes;
 * 0: none. */
void move_begin_step(struct move *move, const char *name, pid_t dump, pid_t restore);
/* Tells the command the estimate, before the job is touched. */
void move_tell_estimate(struct move *move);

#endif
