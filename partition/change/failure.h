/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failure.h - when a partition has failed
 *
 * One table has all kinds of failure. A dead or stopped daemon is not a failure, because the
 * partition's jobs run on. No kind depends on how fast a process answers, so a busy machine is not
 * a failure either.
 *
 * A state (CPUs, freezer) is read from the kernel at each check. A single occurrence is noted in
 * the file STATE/failures by the process that sees it, the partition's daemon or a job's shim. The
 * daemon that watches takes it from there. So no failure is lost or counted twice when another
 * daemon takes over the watch.
 *
 * The kernel does not show that all processes of a group were killed, and a user may kill all of
 * his own. So each partition has a witness (daemon/event/witness.c): a process of root that sleeps
 * in a group of its own below the partition's. It dies when the partition's group is killed, and
 * users cannot kill it.
 */
#ifndef VC_PARTITION_FAILURE_H
#define VC_PARTITION_FAILURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "partition/spec.h"

struct cg;

/*
 *	cpus    none of its CPUs is online
 *	freeze  its group is frozen for longer than a given time
 *	kill    its group was killed, because its witness was
 *	oom     a job has ended in which the OOM killer had killed a process
 *	crash   a signal that dumps core has ended a program in it
 *
 * Each row has the id, the word, whether it counts by default, and the function that reads the
 * state (failure.c). NULL: it is an occurrence, which is noted.
 */
#define FAILURE_KINDS(X)                                                                           \
	X(CPUS, "cpus", true, failure_cpus_are_gone)                                               \
	X(FREEZE, "freeze", true, failure_is_frozen_long)                                          \
	X(KILL, "kill", true, NULL)                                                                \
	X(OOM, "oom", false, NULL)                                                                 \
	X(CRASH, "crash", false, NULL)

enum failure_kind {
#define X(id, word, counts, state) FAILURE_##id,
	FAILURE_KINDS(X)
#undef X
		FAILURE_N_KINDS,
};

#define FAILURE_BIT(kind) (1u << (kind))

/* Returns the kinds that count by default. */
unsigned int failure_default_kinds(void);
const char *failure_name(enum failure_kind kind);
/* Returns 0 or -EINVAL. */
int failure_parse(const char *word, enum failure_kind *ret);

/* --- what is noted ------------------------------------------------------------------------- */

struct failure_notes;

/* Maps the file, and makes it if it is missing. Returns 0 or -errno. */
int failure_notes_open(int dirfd, struct failure_notes **ret, struct vc_err *err);
void failure_notes_free(struct failure_notes *notes);
/* Notes a failure of the partition with that index. */
void failure_note(struct failure_notes *notes, uint32_t slot, enum failure_kind kind);
/* Does the same for a process without the file. Logs an error. */
void failure_note_at(int dirfd, uint32_t slot, enum failure_kind kind);

/* Notes the partition's witness; pid 0: it has none, and none is expected. */
void failure_set_witness(struct failure_notes *notes, uint32_t slot, pid_t pid);
/* Returns the PID of the witness if it lives, else 0. If a witness has died that was still
 * expected, this notes FAILURE_KILL once, whichever process asks. */
pid_t failure_witness(struct failure_notes *notes, uint32_t slot);

/* --- who watches ---------------------------------------------------------------------------- */

struct failure_look {
	int root; /* "/", or a directory of a test */
	struct cg *cg;
	struct failure_notes *notes;
	unsigned int kinds; /* FAILURE_BIT() of the kinds that count */
	uint64_t freeze_usec;
};

/* State of a partition between two checks; zeroed at first. */
struct failure_watch {
	unsigned int so;                /* the states at the last check, as bits */
	uint64_t frozen_usec;           /* when it was frozen; 0: it is not */
	uint32_t seen[FAILURE_N_KINDS]; /* how many failures of each kind were noted */
	bool begun;
};

/* Returns the kinds that count and have begun or occurred since the last check, as bits. At the
 * first check these are all present states, and all failures that no daemon has handled. */
unsigned int failure_since(const struct failure_look *look, const struct partition_spec *spec,
			   uint32_t slot, struct failure_watch *watch, uint64_t now_usec);
/* Notes that all failures so far are handled; the next watching daemon begins after them. */
void failure_taken(struct failure_notes *notes, uint32_t slot, const struct failure_watch *watch);

#endif
