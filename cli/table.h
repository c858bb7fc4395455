/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * table.h - columns that are as wide as what stands in them
 */
#ifndef VC_CLI_TABLE_H
#define VC_CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct table;

/* Headings separated by '|'; one that begins with '>' is aligned to the right. */
struct table *table_new(const char *headings);
void table_free(struct table *table);
/* The next cell, row by row. Control characters are shown as '?'. */
void table_add(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_print(const struct table *table, FILE *out);

/* "64M", "1.5G" */
const char *table_bytes(uint64_t bytes, char *buf, size_t size);
/* "850us", "18.2ms", "1.40s" */
const char *table_usec(uint64_t usec, char *buf, size_t size);

#endif
