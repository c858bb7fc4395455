/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.h - the page with the results of vcbench
 *
 *	report.c         the page: head, machine, raw results
 *	html.[ch]        escaping, tables, numbers
 *	plot.[ch]        the two kinds of pictures, as SVG
 *	lock.c           section: locks; law.c: the extrapolated curve
 *	interfere.c      section: neighbours
 *	noise.c          a paragraph about the noise, for these two
 *	cost.c           sections: starting, moving, changing partitions
 *	ipc.c            section: communication across partitions
 *	other.c          tables of any results
 *
 * The page, including its sentences, is made from the JSON alone, so it can be written again from
 *saved results. It loads nothing from the network.
 */
#ifndef VC_BENCH_REPORT_H
#define VC_BENCH_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "common/err.h"

/* Replaces the file. */
int report_write(const json_t *results, const char *path, struct vc_err *err);

/* The sections. Each prints nothing if its benchmark has not run. */
void report_lock(FILE *out, const json_t *lock);
void report_law(FILE *out, const json_t *lock);
void report_interfere(FILE *out, const json_t *interfere);
void report_spawn(FILE *out, const json_t *spawn);
void report_move(FILE *out, const json_t *move);
void report_reshape(FILE *out, const json_t *reshape);
void report_ipc(FILE *out, const json_t *ipc);
/* A paragraph about the noise (bench_noise_json()); nothing if it is not known. */
void report_noise(FILE *out, const json_t *noise);
/* Says that the measurements of these were disturbed or too few; nothing if the list is empty. */
struct html_list;
void report_unsaid(FILE *out, struct html_list *names);
/* The figures of any benchmark as tables; name: as a section of its own, or NULL. */
void report_other(FILE *out, const char *name, const json_t *figures);

#endif
