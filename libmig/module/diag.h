/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * diag.h - a dump without a list of all sockets (of the module that criu loads)
 */
#ifndef VC_LIBMIG_MODULE_DIAG_H
#define VC_LIBMIG_MODULE_DIAG_H

/* Makes CRIU list no sockets. To be called at the start of a dump, in criu. */
void diag_list_no_sockets(void);

#endif
