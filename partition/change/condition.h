/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * condition.h - the load of a partition as the condition of an event: "vc0.cpu > 90% for 30s"
 *
 *	PARTITION.FIGURE > | < NUMBER[%] [for NUMBER[s|min|h]]
 *
 *	cpu       share of its CPUs that its jobs use, percent
 *	cpus      utilisation of its CPUs by all processes, percent
 *	memory    in use, without page cache, percent of its size, or of the machine's
 *	jobs      in it
 *	runnable  threads that run or wait for a CPU
 */
#ifndef VC_PARTITION_CONDITION_H
#define VC_PARTITION_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "partition/spec.h"

#define CONDITION_METRICS(X)                                                                       \
	X(CPU, "cpu")                                                                              \
	X(CPUS, "cpus")                                                                            \
	X(MEMORY, "memory")                                                                        \
	X(JOBS, "jobs")                                                                            \
	X(RUNNABLE, "runnable")

enum condition_metric {
#define X(id, name) CONDITION_##id,
	CONDITION_METRICS(X)
#undef X
		CONDITION_N_METRICS,
};

struct condition {
	char partition[PARTITION_NAME_MAX];
	enum condition_metric metric;
	bool above; /* > if true, else < */
	double than;
	uint64_t for_usec; /* how long it must hold; 0: no time */
};

/* State between two calls of condition_met(); zeroed at first. */
struct condition_watch {
	uint64_t since_usec; /* when it began to hold; 0: it does not hold */
	bool told;           /* condition_met() has returned true, and it still holds */
};

/* Returns 0, or -EINVAL with the reason in the error. */
int condition_parse(const char *text, struct condition *ret, struct vc_err *err);
/* Checks the condition at a time (CLOCK_MONOTONIC, not 0). Returns true once each time that it has
 * held for long enough. */
bool condition_met(const struct condition *condition, struct condition_watch *watch, double value,
		   uint64_t now_usec);

#endif
