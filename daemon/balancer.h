/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * balancer.h - moves jobs automatically
 */
#ifndef VC_DAEMON_BALANCER_H
#define VC_DAEMON_BALANCER_H

#include "wire/wire.h"

struct daemon;

/* Learns the cost of moves from a job that has arrived. */
void balancer_learn(struct daemon *daemon, const Vc__JobState *state);

#endif
