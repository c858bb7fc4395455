/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * threads.h - the CPU affinity of a job's threads, over a change of their cpuset
 */
#ifndef VC_LIBMIG_LIVE_THREADS_H
#define VC_LIBMIG_LIVE_THREADS_H

#include <stddef.h>
#include <sys/types.h>

struct threads;

/* Notes the threads of the processes, with their positions in a cpuset, which is a list of CPUs.
 * 0 and *ret, which the caller frees; or -errno. */
int threads_take(const pid_t *pids, size_t n, const char *cpus, struct threads **ret);
void threads_free(struct threads *threads);

/*
 * Gives the threads of the processes their positions in the cpuset that they are in now. A thread
 * that was not noted gets the affinity of its process, and a new process that of its parent.
 * 0, or -errno of the first thread that lives and could not be set.
 */
int threads_put(const struct threads *threads, const pid_t *pids, size_t n, const char *cpus);

#endif
