// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sight.c - what this process can see of the kernel's own data
 *
 * It is handed over as a descriptor, which stays open over exec, and a line in the environment.
 */
#include "libmig/sight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/sandbox.h"
#include "libmig/peek.h"

#define SIGHT_VARIABLE "VCRUN_SIGHT"
#define SIGHT_FORMAT "%d %" PRIu32 " %d %d %" PRIx64 " %" PRIx64

DEFINE_CLEANUP(struct peek *, peek_freep, peek_free);

static struct sight sight;
static bool sight_known;

static bool sight_take_over(void)
{
	const char *text = getenv(SIGHT_VARIABLE);
	struct peek *peek = NULL;
	int fd, off, sees;
	uint32_t level;

	if (!text || sscanf(text, "%d %" SCNu32 " %d %d %" SCNx64 " %" SCNx64, &fd, &level, &off,
			    &sees, &sight.our_domain, &sight.mdwe) != 6)
		return false;
	if (fd >= 0 && peek_take_over(fd, level, &peek) < 0)
		return false;
	sight.peek = peek;
	sight.landlock_off = off;
	sight.sees_landlock = sees;
	if (!peek)
		err_set(&sight.why, EOPNOTSUPP, "the daemon's log says why");
	return true;
}

static bool sight_read_domain(const struct peek *peek, uint64_t *ret)
{
	_cleanup_free_ struct peek_task *tasks = NULL;
	size_t n;

	if (peek_process(peek, getpid(), &tasks, &n, &sight.why) < 0)
		return false;
	*ret = tasks[0].lsm[0];
	return tasks[0].lsm_known;
}

static void sight_learn(void)
{
	_cleanup_(peek_freep) struct peek *whole = NULL;
	struct sandbox_signs signs = { .word = -1 };
	struct peek *peek;

	sight.landlock_off = sandbox_no_landlock();
	if (peek_new(&whole, &sight.why) < 0)
		return;
	sandbox_learn(whole, &signs);
	if (peek_narrow(whole, signs.word < 0 ? 0 : (unsigned int)signs.word, &peek, &sight.why) <
	    0)
		return;
	sight.peek = peek;
	sight.mdwe = signs.mdwe;
	sight.sees_landlock = signs.word >= 0 && sight_read_domain(peek, &sight.our_domain);
	if (!sight.sees_landlock)
		err_set(&sight.why, EOPNOTSUPP,
			"where the kernel keeps Landlock domains was not found");
}

const struct sight *sight_get(void)
{
	if (!sight_known && !sight_take_over())
		sight_learn();
	sight_known = true;
	return &sight;
}

void sight_hand_over(void)
{
	char text[128];
	uint32_t level = 0;
	int fd = sight.peek ? peek_hand_over(sight.peek, &level) : -1;

	snprintf(text, sizeof(text), SIGHT_FORMAT, fd, level, sight.landlock_off,
		 sight.sees_landlock, sight.our_domain, sight.mdwe);
	if (sight_known)
		setenv(SIGHT_VARIABLE, text, 1);
}
