/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * condition.h - what a partition's load must be for an event: "vc0.cpu > 90% for 30s"
 *
 *	PARTITION.WHAT > | < NUMBER[%] [for NUMBER[s|min|h]]
 *
 *	cpu       the partition's own share of its CPUs, by its jobs, percent
 *	cpus      of the partition's CPUs, percent, whoever uses them
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
	bool above; /* > , else < */
	double than;
	uint64_t for_usec; /* how long it must hold; 0: once seen */
};

/* What is remembered of it from look to look; zeroed at first. */
struct condition_watch {
	uint64_t since_usec; /* it has held since; 0: it does not hold */
	bool told;           /* it has been said to be met, and still holds */
};

/* -EINVAL, and what is wrong. */
int condition_parse(const char *text, struct condition *ret, struct vc_err *err);
/* A look at a time (CLOCK_MONOTONIC, not 0): true once each time that it has come to
 * hold for long enough. */
bool condition_met(const struct condition *condition, struct condition_watch *watch, double value,
		   uint64_t now_usec);

#endif
