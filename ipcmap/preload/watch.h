/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch.h - unblocks signals and sleeps, and misses no handler that runs in between
 */
#ifndef VC_IPCMAP_PRELOAD_WATCH_H
#define VC_IPCMAP_PRELOAD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
	bool handled;   /* a handler has run while signals were unblocked */
	bool restarted; /* it has interrupted the sleep itself, with SA_RESTART */
};

/*
 * Sets the thread's mask to *blocked, sleeps while *word is value, blocks all signals again and
 * puts into *blocked what was blocked before that. No sleep begins once a handler has run.
 * deadline_usec: as futex_wait()'s. 0: look again; -EINTR: a handler has interrupted it;
 * -ETIMEDOUT; -ENOSYS: not on this machine or kernel, and there was no sleep.
 */
int watch_sleep(uint64_t *blocked, uint32_t *word, uint32_t value, uint64_t deadline_usec,
		struct watch *ret);

#endif
