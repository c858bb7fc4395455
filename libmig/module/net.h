/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * net.h - hides the sockets of a restore from other users (of the module that criu loads)
 */
#ifndef VC_LIBMIG_MODULE_NET_H
#define VC_LIBMIG_MODULE_NET_H

/* To be called at the start of a restore, in criu. */
void net_hide_sockets(void);

#endif
