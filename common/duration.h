/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * duration.h - durations as people write them: "500ms", "2s", "1min 30s"
 */
#ifndef VC_COMMON_DURATION_H
#define VC_COMMON_DURATION_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads numbers, each with a unit: us, ms, s (sec), min (m), h. Fractions are allowed ("1.5s"). A
 * single number without a unit is seconds. Returns 0, -EINVAL, or -ERANGE for more than a hundred
 * years.
 */
int duration_parse(const char *text, uint64_t *ret_usec);

/* Writes "350 ms", "4 s", "3 min", with the precision of an estimate. Returns buf. */
const char *duration_about(uint64_t usec, char *buf, size_t size);

#endif
