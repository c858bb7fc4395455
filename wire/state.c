// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * state.c - the names of a job's states
 */
#include "wire/state.h"

#include "common/cleanup.h"

const char *state_name(Vc__State state)
{
	static const char *const names[] = {
		[VC__STATE__IDLE] = "idle",           [VC__STATE__STARTING] = "starting",
		[VC__STATE__RUNNING] = "running",     [VC__STATE__STOPPED] = "stopped",
		[VC__STATE__LINGERING] = "lingering", [VC__STATE__MOVING] = "moving",
		[VC__STATE__PARKED] = "parked",       [VC__STATE__ENDED] = "ended",
	};

	return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}
