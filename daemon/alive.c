// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * alive.c - whether a partition's daemon lives
 *
 * On a busy machine a sample can be late although its daemon lives. Therefore a fresh sample shows
 * that a daemon lives, but an old one shows nothing: then the lock decides, which a daemon holds as
 * long as it lives. A daemon that lives but is stopped is neither up nor down.
 */
#include "daemon/alive.h"

#include "common/clock.h"
#include "common/proc.h"
#include "daemon/daemon.h"

#define ALIVE_SILENT_USEC 10000000u /* without a sample */

static enum alive alive_of_holder(pid_t pid, uint64_t age_usec)
{
	char state = 'S';

	if (pid == 0)
		return ALIVE_DOWN;
	if (age_usec > ALIVE_SILENT_USEC)
		return ALIVE_SILENT;
	if (pid > 0 && proc_look(pid, &state, NULL) == 0 && (state == 'T' || state == 't'))
		return ALIVE_SILENT;
	return ALIVE_UP;
}

enum alive alive_look(struct daemon *daemon, uint32_t slot, struct board_sample *ret)
{
	const struct config *config = daemon->instance->config;
	uint64_t now = clock_mono_usec();
	enum alive alive = ALIVE_UP;

	board_read(daemon->board, slot, now, ret);
	if (ret->at_usec == 0)
		alive = ALIVE_DOWN;
	else if (!(ret->load.flags & VC_LOAD_UP) && slot != daemon->slot && slot < config->n_parts)
		alive = alive_of_holder(
			instance_daemon_pid(daemon->instance, config->parts[slot].name),
			now - ret->at_usec);
	ret->load.flags &= ~VC_LOAD_UP;
	if (alive == ALIVE_UP)
		ret->load.flags |= VC_LOAD_UP;
	return alive;
}

const char *alive_name(enum alive alive)
{
	static const char *const names[] = {
		[ALIVE_DOWN] = "down",
		[ALIVE_SILENT] = "not answering",
		[ALIVE_UP] = "up",
	};

	return names[alive];
}
