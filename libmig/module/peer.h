/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer.h - to whom criu speaks (of the module that criu loads)
 */
#ifndef VC_LIBMIG_MODULE_PEER_H
#define VC_LIBMIG_MODULE_PEER_H

#include <stdbool.h>

/* From here on criu accepts connections only of processes that it traces. */
void peer_accept_traced(void);

/* Makes criu's system call if it is a wait in which others are to be turned away; false: it is not.
 */
bool peer_wait(long number, const long args[6], long *ret);

#endif
