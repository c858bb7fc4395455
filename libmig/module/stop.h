/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stop.h - restored processes that are to be stopped are stopped (module.c's own)
 */
#ifndef VC_LIBMIG_MODULE_STOP_H
#define VC_LIBMIG_MODULE_STOP_H

#include <sys/types.h>

/* Stops a process, whose threads this process traces and has stopped, by the stop signal that waits
 * for it, without an instruction of it being run. It stays stopped when it is let go. The signal;
 * 0: none waits; -errno. */
int stop_process(pid_t pid);

#endif
