/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audit.h - do the table of IPC objects, their files and their openers agree?
 *
 * For an instance in use. The table is locked for one walk over it, and again for a moment for each
 * thing that looks wrong. Files and processes are read without the lock and change during the
 * audit. So only what is wrong under the lock counts. Daemons correct some differences themselves,
 * for example after an opener has ended; they have AUDIT_SETTLE_USEC for that. The audit changes
 * nothing, except that it notes a contradiction in the table, which the next request repairs.
 */
#ifndef VC_ADMIN_AUDIT_H
#define VC_ADMIN_AUDIT_H

#include "ipcmap/table/table.h"
#include "partition/instance.h"

#define AUDIT_EXAMPLES 5
#define AUDIT_SETTLE_USEC 3000000u

/* The number of things that are wrong in the same way, and the first of them. */
struct audit_wrong {
	size_t n;
	char examples[256];
};

void audit_add_wrong(struct audit_wrong *wrong, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct audit_report {
	bool repaired;
	struct vc_err contradiction; /* code 0: none */
	uint64_t *ids;               /* of the objects, ascending */
	size_t n_ids, persistent, idle;
	uint64_t *file_ids; /* ascending */
	size_t n_files;
	struct table_opener *openers;
	size_t n_openers, away;
	uint32_t used, capacity;
	uint64_t repairs;
	struct audit_wrong foreign, strays;
	uint64_t *missing; /* ids of entries without a file */
	size_t n_missing;
	struct table_opener *ended; /* still counted */
	size_t n_ended;
};

/* Returns 0, or an error if the audit cannot be made. The caller calls audit_report_done() in any
 * case. */
int audit_run(const struct instance *in, struct audit_report *ret, struct vc_err *err);
void audit_report_done(struct audit_report *report);

#endif
