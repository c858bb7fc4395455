/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * balance.h - moves jobs automatically
 */
#ifndef VC_DAEMON_BALANCE_H
#define VC_DAEMON_BALANCE_H

#include "wire/wire.h"

struct daemon;

/* Learns the cost of moves from a job that has arrived. */
void balance_learn(struct daemon *daemon, const Vc__JobState *state);

#endif
