/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jobfile.h - job.json, which a job's shim writes, for processes that cannot ask a daemon
 */
#ifndef VC_PARTITION_JOBFILE_H
#define VC_PARTITION_JOBFILE_H

#include <stdbool.h>
#include <sys/types.h>

struct cg;

struct jobfile {
	pid_t shim, program;
};

/* Reads the file of a job from the state directory dirfd. Returns 0, or -ENOENT when there is no
 * such job. Before the shim has written the file, it returns 0 and both PIDs are 0. */
int jobfile_read(int dirfd, unsigned int job, struct jobfile *ret);

/* Returns whether the shim lives. */
bool jobfile_has_shim(const struct jobfile *file, struct cg *cg);

/* Returns whether processes of the job may exist in its images only. Images are never restored
 * after their shim has ended. */
bool jobfile_is_away(int dirfd, struct cg *cg, unsigned int job);

#endif
