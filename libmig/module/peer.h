/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer.h - criu accepts connections only from processes that it traces (the module's own)
 */
#ifndef VC_LIBMIG_MODULE_PEER_H
#define VC_LIBMIG_MODULE_PEER_H

#include <stdbool.h>

/* To be called at the start of a dump, in criu. */
void peer_accept_traced(void);

/* Makes criu's system call if it is a wait on a futex, and closes the connections of others.
 * Returns false for other calls. */
bool peer_wait(long number, const long args[6], long *ret);

#endif
