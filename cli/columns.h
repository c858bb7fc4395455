/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * columns.h - tables of text, and how sizes and times are written
 */
#ifndef VC_CLI_COLUMNS_H
#define VC_CLI_COLUMNS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct columns;

/* Headings are separated by '|'. A column whose heading begins with '>' is aligned to the right;
 * with
 * '<', it is cut at the edge of a terminal. Exits without memory, as columns_add() does. */
struct columns *columns_new(const char *headings);
void columns_free(struct columns *table);
/* Adds the next cell, row by row. Control characters become '?'. */
void columns_add(struct columns *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void columns_print(const struct columns *table, FILE *out);

/* "64M", "1.5G" */
const char *columns_bytes(uint64_t bytes, char *buf, size_t size);
/* "850us", "18.2ms", "1.40s" */
const char *columns_usec(uint64_t usec, char *buf, size_t size);

#endif
