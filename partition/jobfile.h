/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jobfile.h - what a job's shim has written down, for those who cannot ask a daemon
 */
#ifndef VC_PARTITION_JOBFILE_H
#define VC_PARTITION_JOBFILE_H

#include <stdbool.h>
#include <sys/types.h>

struct cg;

struct jobfile {
	pid_t shim, program;
};

/* Reads the file of a job from the state directory dirfd. Returns 0, or -ENOENT without a job;
 * before the shim has written the file, it returns 0 and both PIDs are 0. */
int jobfile_read(int dirfd, unsigned int job, struct jobfile *ret);

/* Whether the shim lives. */
bool jobfile_has_shim(const struct jobfile *file, struct cg *cg);

/* Whether processes of a job may be in its images, and so exist though they do not run. Images
 * whose shim has ended are never restored. */
bool jobfile_is_away(int dirfd, struct cg *cg, unsigned int job);

#endif
