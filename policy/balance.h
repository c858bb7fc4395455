/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * balance.h - which job of a partition should move, and whether the move pays
 *
 * Pure decisions: no I/O, no clock, no cgroups. The daemon (daemon/balancer.c) measures jobs and
 * carries decisions out; a simulator can do the same for jobs that do not exist.
 */
#ifndef VC_POLICY_BALANCE_H
#define VC_POLICY_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "policy/vc-policy.h"

#define BALANCE_USEC_PER_MIB 2000.0 /* of a move, before any was measured */

/* The balancer's state of a job. Zero, with advice -1, when the job comes to the partition. */
struct balance_job {
	uint64_t at_usec;      /* CLOCK_MONOTONIC of the last look; 0: none */
	uint64_t cpu_usec;     /* balance_facts::cpu_usec then */
	double cpus;           /* kept busy since the look before */
	int wanted;            /* the policy's choice at the last look; -1: stay */
	double gain_usec;      /* of a move there */
	double cost_usec;      /* likewise */
	int advice;            /* wanted, if the move pays; -1: stay */
	unsigned int agreed;   /* so many looks in sequence had this advice */
	uint64_t ordered_usec; /* CLOCK_MONOTONIC of the last order to move it; 0: none */
	uint64_t moving_usec;  /* CLOCK_MONOTONIC of the first look at which it was being moved; 0:
				  it is not */
};

/* The measurements of a job at a look. */
struct balance_facts {
	uint64_t cpu_usec;      /* CPU time since it came to the partition */
	uint64_t cpu_base_usec; /* CPU time before that */
	uint64_t mem_bytes;
	unsigned int threads;   /* runnable */
	uint64_t moved_usec;    /* CLOCK_MONOTONIC of its last move; 0: none */
	uint64_t downtime_usec; /* of its last move; 0: none */
	bool running;
	bool moving;
};

/* One look at all jobs of a partition. The caller sets the first three members. */
struct balance_look {
	const struct vc_policy *policy; /* NULL: all jobs stay */
	struct vc_view *view; /* its current is the partition; its loads are of this look */
	double usec_per_mib;  /* of a move, from balance_learn() */
	bool moving;          /* a job is being moved; for the others it counts for a minute */
	struct balance_job *chosen;
};

/*
 * Looks at one job. The caller has set the view's members for this job (parent, random);
 * job_cpus and job_mem_bytes are set here. A fault of the policy is written to err (code set), and
 * the job stays.
 */
void balance_look_at(struct balance_look *look, struct balance_job *job,
		     const struct balance_facts *facts, struct vc_err *err);
/* Returns the job to move to job->advice after a look at all; NULL: none. */
struct balance_job *balance_choose(const struct balance_look *look);
/* The caller has ordered the move of a job at this CLOCK_MONOTONIC. */
void balance_note_order(struct balance_job *job, uint64_t now_usec);
/* Returns the new usec_per_mib after a move with this downtime and these images. */
double balance_learn(double usec_per_mib, uint64_t downtime_usec, uint64_t image_bytes);

#endif
