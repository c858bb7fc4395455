/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc.h - vcrun's --ipc: whether and how the program's IPC is mapped
 */
#ifndef VC_CLI_VCRUN_IPC_H
#define VC_CLI_VCRUN_IPC_H

#include <stdbool.h>

#include "common/err.h"

struct ipc_how {
	bool map;    /* the program's IPC goes through the instance's table */
	bool strict; /* a program for which that is impossible does not run */
};

/* Parses the argument of --ipc. Returns false, after a message, if it is wrong. */
bool ipc_parse(const char *how, struct ipc_how *ret);

/*
 * Puts the interposer into the environment, after the libraries that are preloaded already, with
 * the instance that it asks. If the interposer cannot reach the program, prints a warning, or
 * returns -EACCES with strict.
 */
int ipc_prepare(const struct ipc_how *how, const char *state_dir, const char *program,
		struct vc_err *err);

/* Removes the interposer of a calling job from the environment, for a job with private IPC. */
void ipc_clear(void);

#endif
