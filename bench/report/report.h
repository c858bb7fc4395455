/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.h - the page that tells what vcbench found
 *
 *	report.c            the page: its head, the machine, the raw figures
 *	report-html.[ch]    escaping, tables, numbers
 *	report-plot.[ch]    the two kinds of pictures, as SVG
 *	lock.c              section: locks; law.c: the curve carried on
 *	interfere.c         section: neighbours
 *	noise.c             how quiet it was, for these two
 *	cost.c              sections: starting, moving, changing partitions
 *	ipc.c               section: talking across partitions
 *	other.c             tables of whatever was measured
 *
 * Everything on it is made from the JSON alone, the sentences too, so that a page can
 * be made again from saved figures. It fetches nothing.
 */
#ifndef VC_BENCH_REPORT_H
#define VC_BENCH_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "common/err.h"

/* Replaces the file. */
int report_write(const json_t *results, const char *path, struct vc_err *err);

/* The sections: each prints nothing when its benchmark has not run. */
void report_lock(FILE *out, const json_t *lock);
void report_law(FILE *out, const json_t *lock);
void report_interfere(FILE *out, const json_t *interfere);
void report_spawn(FILE *out, const json_t *spawn);
void report_move(FILE *out, const json_t *move);
void report_reshape(FILE *out, const json_t *reshape);
void report_ipc(FILE *out, const json_t *ipc);
/* A paragraph on the noise of a benchmark (bench_noise_json()); nothing when none is known. */
void report_noise(FILE *out, const json_t *noise);
/* Says that the measurements of these were disturbed or too few; nothing if the list is empty. */
struct html_list;
void report_unsaid(FILE *out, struct html_list *names);
/* The figures of any benchmark as tables; name: as a section of its own, or NULL. */
void report_other(FILE *out, const char *name, const json_t *figures);

#endif
