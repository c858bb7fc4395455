// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cancel.c - how Ctrl-C reaches an operation
 *
 * An operation is never interrupted between two of its steps. It looks for signals where it waits,
 * and then undoes what it has done.
 */
#include "admin/priv.h"

static const int cancel_signals[] = { SIGHUP, SIGINT, SIGTERM };
static volatile sig_atomic_t cancel_noted;

static void cancel_on_signal(int signal)
{
	cancel_noted = 1;
}

void cancel_catch(void)
{
	const struct sigaction action = { .sa_handler = cancel_on_signal };

	for (size_t i = 0; i < ARRAY_SIZE(cancel_signals); i++)
		sigaction(cancel_signals[i], &action, NULL);
	/* A stopped process would keep the lock. */
	signal(SIGTSTP, SIG_IGN);
}

bool cancel_wanted(void)
{
	bool wanted = cancel_noted;
	sigset_t set;

	if (sigpending(&set) == 0)
		for (size_t i = 0; i < ARRAY_SIZE(cancel_signals); i++)
			wanted |= sigismember(&set, cancel_signals[i]) == 1;
	return wanted;
}

const volatile sig_atomic_t *cancel_flag(void)
{
	return &cancel_noted;
}
