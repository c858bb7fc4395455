/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failure.h - when a partition has failed
 *
 * One table, for all that is done because of it. A daemon that is dead or stopped is no failure:
 * the partition's jobs run on. Nothing here depends on how fast anybody answers, so a busy machine
 * is no failure either.
 *
 * What is a state is read from the kernel at each look (CPUs, freezer). What happens once is noted
 * in the file STATE/failures by whoever sees it, the daemon of the partition or a job's shim, and
 * taken from there by whoever watches; so it is neither lost nor taken twice when the watch goes
 * from one daemon to another.
 *
 * That all processes of a group were killed leaves no trace in the kernel, and a user may kill all
 * his own. So each partition has a witness (daemon/witness.c): a process of root's that sleeps in a
 * group of its own below the partition's. Whoever kills the partition's group kills it, and users
 * cannot.
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
 *	freeze  its group is frozen, for longer than a given time
 *	kill    its group was killed: its witness was
 *	oom     a job of it has ended, in which the OOM killer had killed something
 *	crash   a program in it was ended by a signal that dumps core
 *
 * id, word, whether it counts unless something else is said, and by what function it is a state
 * (failure.c); NULL: it happens, and is noted.
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

/* Those that count unless something else is said. */
unsigned int failure_default_kinds(void);
const char *failure_name(enum failure_kind kind);
/* -EINVAL. */
int failure_parse(const char *word, enum failure_kind *ret);

/* --- what is noted ------------------------------------------------------------------------- */

struct failure_notes;

/* Makes the file if it is missing, and maps it. */
int failure_notes_open(int dirfd, struct failure_notes **ret, struct vc_err *err);
void failure_notes_free(struct failure_notes *notes);
/* One more failure of the partition of that index. */
void failure_note(struct failure_notes *notes, uint32_t slot, enum failure_kind kind);
/* The same for who has nothing open; what cannot be noted is logged. */
void failure_note_at(int dirfd, uint32_t slot, enum failure_kind kind);

/* The partition's witness; pid 0: it has none, and none is missed. */
void failure_set_witness(struct failure_notes *notes, uint32_t slot, pid_t pid);
/* The witness, if it lives; 0: it does not. One that has died without having been let go is noted
 * as FAILURE_KILL, once, whoever asks. */
pid_t failure_witness(struct failure_notes *notes, uint32_t slot);

/* --- who watches ---------------------------------------------------------------------------- */

struct failure_look {
	int root; /* "/"; a test may have another */
	struct cg *cg;
	struct failure_notes *notes;
	unsigned int kinds; /* bits of those that count */
	uint64_t freeze_usec;
};

/* What is remembered of a partition from look to look; zeroed at first. */
struct failure_watch {
	unsigned int so;                /* bits of the states that there were at the last look */
	uint64_t frozen_usec;           /* since when it is frozen; 0: it is not */
	uint32_t seen[FAILURE_N_KINDS]; /* of what is noted, so many */
	bool begun;
};

/* The bits of what has begun or happened since the last look, of the kinds that count; at the first
 * look: what is so, and what nobody has dealt with. */
unsigned int failure_since(const struct failure_look *look, const struct partition_spec *spec,
			   uint32_t slot, struct failure_watch *watch, uint64_t now_usec);
/* What the watch has seen is dealt with; the next one who watches begins there. */
void failure_taken(struct failure_notes *notes, uint32_t slot, const struct failure_watch *watch);

#endif
