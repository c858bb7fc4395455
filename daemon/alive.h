/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * alive.h - whether a partition's daemon lives
 */
#ifndef VC_DAEMON_ALIVE_H
#define VC_DAEMON_ALIVE_H

#include <stdint.h>

struct board_sample;
struct daemon;

enum alive {
	ALIVE_DOWN,   /* its daemon does not run */
	ALIVE_SILENT, /* its daemon runs, but is stopped or has published nothing for long */
	ALIVE_UP,     /* its daemon works; its sample can be late */
};

/* Reads the last sample of a partition, and returns the state of its daemon. Sets VC_LOAD_UP in
 * the sample exactly for ALIVE_UP. Policies, moves, events and vcstat all use this answer. */
enum alive alive_look(struct daemon *daemon, uint32_t slot, struct board_sample *ret);
const char *alive_name(enum alive alive);

#endif
