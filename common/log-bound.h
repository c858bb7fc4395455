/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log-bound.h - how large a log can get; for log.c
 */
#ifndef VC_COMMON_LOG_BOUND_H
#define VC_COMMON_LOG_BOUND_H

#include <stdbool.h>

#include "common/log.h"

/* Whether there is room for a message. *ret_left_out: how many of its level had none before. */
bool log_bound_admits(enum log_level level, unsigned int *ret_left_out);
/* Copies and empties the log if it is too large. */
void log_bound_file(void);

#endif
