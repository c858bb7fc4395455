/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sample.h - measures the partition, and notices changes of partitions
 */
#ifndef VC_DAEMON_SAMPLE_H
#define VC_DAEMON_SAMPLE_H

struct daemon;

/* Reads instance.json again if it has changed. Cheap otherwise. */
void sample_refresh(struct daemon *daemon);

#endif
