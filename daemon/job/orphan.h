/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * orphan.h - jobs whose shim was killed while it moved them live
 */
#ifndef VC_DAEMON_ORPHAN_H
#define VC_DAEMON_ORPHAN_H

struct daemon;

/* The connection of a shim with a job is lost: looks soon whether its job is in two partitions. */
void orphan_expect(const struct daemon *daemon);

#endif
