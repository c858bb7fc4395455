/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * moves.h - the last moves
 */
#ifndef VC_DAEMON_MOVES_H
#define VC_DAEMON_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/wire.h"

struct daemon;

/* Reads a piece of the new lines of moves.jsonl. Returns false when nothing is left to read. */
bool moves_read(struct daemon *daemon);
/* Returns the move of that number, or the next known one. *number becomes the number after it.
 * NULL: there are no more. Numbers grow. */
const Vc__Moved *moves_next(const struct daemon *daemon, uint64_t *number);

#endif
