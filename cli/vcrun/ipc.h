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

/* The argument of --ipc. False: it is none, and that has been printed. */
bool ipc_parse(const char *how, struct ipc_how *ret);

/*
 * Puts the interposer into the environment, behind what is preloaded already, with the instance
 * that it asks. program is looked up as it will be when it is started. If the interposer does
 * not reach it, that is printed; with strict it is -EACCES. 0 or the error.
 */
int ipc_prepare(const struct ipc_how *how, const char *state_dir, const char *program,
		struct vc_err *err);

/* For a job whose IPC is private: takes out of the environment what it has of a mapped job that
 * vcrun was called in. */
void ipc_clear(void);

#endif
