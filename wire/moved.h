/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * moved.h - the record of a move as JSON
 *
 * A line of moves.jsonl, "vcmove --json" and "vcstat moves --json" have the same fields; vcmove(1)
 * describes them. Times are in microseconds, except "at", which is in seconds since 1970.
 */
#ifndef VC_WIRE_MOVED_H
#define VC_WIRE_MOVED_H

#include <jansson.h>
#include <stddef.h>

#include "wire/vc.pb-c.h"

/* Returns the record as an object that the caller owns; NULL: out of memory. */
json_t *moved_to_json(const Vc__Moved *moved);

/*
 * Reads a line of moves.jsonl without its steps and its estimate. Returns NULL if the line is not
 * such a record, or if memory is short. The caller frees the result with
 * vc__moved__free_unpacked().
 */
Vc__Moved *moved_from_json(const char *line, size_t len);

#endif
