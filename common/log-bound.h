/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log-bound.h - limits the size of a log; for log.c
 */
#ifndef VC_COMMON_LOG_BOUND_H
#define VC_COMMON_LOG_BOUND_H

#include <stdbool.h>

#include "common/log.h"

/* Returns whether a message may be written. *ret_left_out is the number of earlier messages of its
 * level that were not. */
bool log_bound_admits(enum log_level level, unsigned int *ret_left_out);
/* Copies and empties the log if it is too large. */
void log_bound_file(void);

#endif
