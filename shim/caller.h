/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caller.h - who asked for the program, as the kernel says
 */
#ifndef VC_SHIM_CALLER_H
#define VC_SHIM_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "common/err.h"

struct launch;

struct caller {
	struct rlimit limits[RLIM_NLIMITS];
	bool limit_known[RLIM_NLIMITS];
	int nice;
	int ioprio;
	char oom_score_adj[16];
	bool no_new_privs;
	uint64_t bounding; /* capabilities */
};

/*
 * Looks at the caller's process, which must still wait for the answer and be wholly of its user.
 * -EPERM: not, or it is in namespaces or under a confinement that the program would not be in.
 * Takes as long as that user likes (common/proc.h).
 */
int caller_read(const struct launch *how, struct caller *ret, struct vc_err *err);

#endif
