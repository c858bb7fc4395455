/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stop.h - stops restored processes that were stopped (the module's own)
 */
#ifndef VC_LIBMIG_MODULE_STOP_H
#define VC_LIBMIG_MODULE_STOP_H

#include <sys/types.h>

/* Stops a process whose threads this process traces and has stopped, if a stop signal is pending.
 * No instruction of it runs, and it stays stopped when it is released. Returns the signal; 0: none
 * is pending; -errno. */
int stop_process(pid_t pid);

#endif
