/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * launch.h - starts a job's program as the caller would have started it
 */
#ifndef VC_SHIM_LAUNCH_H
#define VC_SHIM_LAUNCH_H

#include <sys/types.h>

#include "common/err.h"
#include "wire/vc.pb-c.h"

struct launch {
	const Vc__Start *start;
	int stdio[3]; /* as the caller handed them over; terminals are replaced by the pty */
	int cwd;
	int client;         /* the caller's socket */
	int unified;        /* the job's group on v2, to be born in; -1: this process is in it */
	const char *vcinit; /* path of the init */
};

struct launched {
	pid_t root; /* vcinit */
	pid_t program;
	int report_fd; /* struct report comes here */
	int master_fd; /* of the job's pty; -1: it has none */
};

/*
 * Forks vcinit, which forks the program: in IPC and UTS namespaces of its own, in
 * this process's cgroups, as the caller's user with the caller's groups, limits,
 * capability bounding set, niceness, directory, umask and signal state. Returns when
 * the program has been executed. On failure *ret_exit_status is what vcrun should
 * exit with: 127 not found, 126 not executable, 125 anything else.
 */
int launch_job(const struct launch *how, struct launched *ret, unsigned int *ret_exit_status,
	       struct vc_err *err);

#endif
