/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rights.h - the capabilities of criu (the module's own)
 */
#ifndef VC_LIBMIG_MODULE_RIGHTS_H
#define VC_LIBMIG_MODULE_RIGHTS_H

/* A variable in criu's environment: the capabilities that it keeps, in hexadecimal. */
#define RIGHTS_ENV "VCRUN_CRIU_CAPS"

/* Drops all other capabilities. The bounding set stays, because restored processes may need it.
 * Returns 0 or -errno. */
int rights_drop(void);

/* Lets criu read the resource limits of every process, also without CAP_SYS_RESOURCE. */
void rights_answer_limits(void);

#endif
