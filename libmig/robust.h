/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * robust.h - keeps robust mutexes from being marked owner-died by a move
 */
#ifndef VC_LIBMIG_ROBUST_H
#define VC_LIBMIG_ROBUST_H

#include <stddef.h>
#include <sys/types.h>

/* Empties the robust lists of all threads of a frozen process that is about to be
 * killed. Its image, already taken, keeps them. Best effort. */
void robust_forget(const pid_t *pids, size_t n_pids);

#endif
