/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * duration.h - lengths of time as people write them: "500ms", "2s", "1min 30s"
 */
#ifndef VC_COMMON_DURATION_H
#define VC_COMMON_DURATION_H

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers, each with a unit: us, ms, s (sec), min (m), h. A fraction may be given ("1.5s"). A
 * single number without a unit is seconds. 0 and *ret_usec, or -EINVAL; -ERANGE: more
 * than a hundred years.
 */
int duration_parse(const char *text, uint64_t *ret_usec);

/* "350 ms", "4 s", "3 min": as exact as an estimate should look. Returns buf. */
const char *duration_about(uint64_t usec, char *buf, size_t size);

#endif
