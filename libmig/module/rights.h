/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rights.h - what criu may do (of the module that criu loads)
 */
#ifndef VC_LIBMIG_MODULE_RIGHTS_H
#define VC_LIBMIG_MODULE_RIGHTS_H

/* Set in criu's environment: the capabilities that it keeps, in hexadecimal. */
#define RIGHTS_ENV "VCRUN_CRIU_CAPS"

/* Gives up all other capabilities, but leaves them in the bounding set, which restored processes
 * may need to have. 0 or -errno. */
int rights_drop(void);

/* From here on criu can read the resource limits of every process, also without CAP_SYS_RESOURCE.
 */
void rights_answer_limits(void);

#endif
