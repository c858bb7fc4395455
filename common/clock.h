/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clock.h - the time, in microseconds
 */
#ifndef VC_COMMON_CLOCK_H
#define VC_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_usec(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Returns the time since boot, which is never set back: for intervals and deadlines. */
static inline uint64_t clock_mono_usec(void)
{
	return clock_read_usec(CLOCK_MONOTONIC);
}

/* Returns the time since 1970, UTC: for people. */
static inline uint64_t clock_real_usec(void)
{
	return clock_read_usec(CLOCK_REALTIME);
}

static inline void clock_sleep_usec(uint64_t usec)
{
	struct timespec ts = { .tv_sec = (time_t)(usec / 1000000),
			       .tv_nsec = (long)(usec % 1000000) * 1000 };

	nanosleep(&ts, NULL);
}

#endif
