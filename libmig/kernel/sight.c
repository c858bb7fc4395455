// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sight.c - the process's reader of the kernel's data
 *
 * It is handed over to other programs as a descriptor that stays open over exec, and a line in the
 * environment.
 */
#include "libmig/kernel/sight.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/kernel/peek.h"
#include "libmig/kernel/sandbox.h"

#define SIGHT_VARIABLE "VCRUN_SIGHT"
/* The descriptor, the level, two flags, then values of the kernel. */
#define SIGHT_FORMAT "%d %u %d %d %llx %llx %llx %llx %llx %llx %llx"
#define SIGHT_NUMBERS 11

static struct sight sight;
static bool sight_known;

static bool sight_take_over(void)
{
	const char *text = getenv(SIGHT_VARIABLE);
	struct peek *peek = NULL;
	unsigned long long n[7];
	unsigned int level;
	int fd, off, sees;

	if (!text || sscanf(text, SIGHT_FORMAT, &fd, &level, &off, &sees, &n[0], &n[1], &n[2],
			    &n[3], &n[4], &n[5], &n[6]) != SIGHT_NUMBERS)
		return false;
	unsetenv(SIGHT_VARIABLE);
	if (fd >= 0 && peek_take_over(fd, level, &peek) < 0)
		return false;
	sight.peek = peek;
	sight.landlock_off = off;
	sight.sees_landlock = sees;
	sight.our_domain = n[0];
	sight.mdwe = n[1];
	sight.waits = (struct waits_signs){
		.sleep = n[2], .cpu_sleep = n[3], .alarm_sleep = n[4], .poll = n[5], .futex = n[6]
	};
	if (!peek)
		err_set(&sight.why, EOPNOTSUPP, "the daemon's log says why");
	return true;
}

static bool sight_read_domain(const struct peek *peek, uint64_t *ret)
{
	struct peek_task task;

	if (peek_thread(peek, getpid(), &task, &sight.why) < 0)
		return false;
	*ret = task.lsm[0];
	return task.lsm_known;
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
	waits_learn(peek, &sight.waits);
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
	char text[256];
	uint32_t level = 0;
	int fd = sight.peek ? peek_hand_over(sight.peek, &level) : -1;

	snprintf(text, sizeof(text), SIGHT_FORMAT, fd, level, sight.landlock_off,
		 sight.sees_landlock, (unsigned long long)sight.our_domain,
		 (unsigned long long)sight.mdwe, (unsigned long long)sight.waits.sleep,
		 (unsigned long long)sight.waits.cpu_sleep,
		 (unsigned long long)sight.waits.alarm_sleep, (unsigned long long)sight.waits.poll,
		 (unsigned long long)sight.waits.futex);
	if (sight_known)
		setenv(SIGHT_VARIABLE, text, 1);
}
