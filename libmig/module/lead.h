/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lead.h - restored session leaders get their terminals back (the module's own)
 *
 * A process inherits the controlling terminal of its parent. Only a session leader can take one, so
 * the leader must have it before its children are created. CRIU gives it to the leader later, and
 * has no hook at the right moment, which is the return of setsid(2). So the module replaces this
 * function.
 */
#ifndef VC_LIBMIG_HOLD_LEAD_H
#define VC_LIBMIG_HOLD_LEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Returns whether setsid(2) of this criu can be replaced. */
bool lead_is_possible(void);
/* Makes the process take the kept terminal with that id when it creates its session. Returns 0 or
 * -errno. */
int lead_add(pid_t leader, uint32_t id);

#endif
