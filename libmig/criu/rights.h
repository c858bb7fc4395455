/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rights.h - the capabilities that the criu of a job works with
 */
#ifndef VC_LIBMIG_RIGHTS_H
#define VC_LIBMIG_RIGHTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * For an ordinary user's job: those by which CRIU carries a job, and those that the job's processes
 * have themselves, as they cannot be restored with more than criu has. 0, for root's: all.
 */
uint64_t rights_for(uid_t uid, const pid_t *pids, size_t n_pids);

#endif
