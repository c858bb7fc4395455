/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state.h - the names of a job's states
 */
#ifndef VC_WIRE_STATE_H
#define VC_WIRE_STATE_H

#include "wire/vc.pb-c.h"

/* Returns a name in lower case. The state can be any number that a peer has sent. */
const char *state_name(Vc__State state);

#endif
