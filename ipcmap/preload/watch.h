/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch.h - unblocks signals and sleeps without missing a handler in between
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
 * puts the mask of the time before that into *blocked. It does not sleep after a handler has run.
 * deadline_usec: as in futex_wait(). Returns 0: the caller checks its condition again. -EINTR: a
 * handler interrupted it. -ETIMEDOUT. -ENOSYS: this machine or kernel cannot do it, and it has not
 * slept.
 */
int watch_sleep(uint64_t *blocked, uint32_t *word, uint32_t value, uint64_t deadline_usec,
		struct watch *ret);

#endif
