/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lead.h - restored session leaders get their terminals back (the module's own)
 *
 * A process has a controlling terminal from its parent, at birth; only a session leader can
 * take one. So the leader must have it before its children are born. CRIU gives it to the
 * leader later, and has no hook at the right moment; but that moment is the return of its call of
 * setsid(2). So the module leads that call here, by criu's table of library functions.
 */
#ifndef VC_LIBMIG_HOLD_LEAD_H
#define VC_LIBMIG_HOLD_LEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether this criu's call can be led here. */
bool lead_is_possible(void);
/* When this process makes its session, it takes the terminal that is kept under this id. 0 or
 * -errno. */
int lead_add(pid_t leader, uint32_t id);

#endif
