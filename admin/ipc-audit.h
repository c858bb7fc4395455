/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc-audit.h - do the table of IPC objects, their files and their openers agree?
 *
 * For a live instance. The table is locked as daemons lock it, for one walk over it and for a
 * moment for each thing that looks wrong: files and processes are looked at without the lock,
 * come and go meanwhile, and only what is wrong under the lock too is wrong. What a daemon is
 * about to put right (an opener that has just ended, an object half removed by one that was
 * killed) has AUDIT_SETTLE_USEC to be put right. Nothing is changed, but for noting a
 * contradiction.
 */
#ifndef VC_ADMIN_IPC_AUDIT_H
#define VC_ADMIN_IPC_AUDIT_H

#include "ipcmap/table/table.h"
#include "partition/instance.h"

#define AUDIT_EXAMPLES 5
#define AUDIT_SETTLE_USEC 3000000u

/* How many are wrong in the same way, and the first of them. */
struct wrong {
	size_t n;
	char examples[256];
};

void wrong_add(struct wrong *wrong, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What is found. */
struct ipc_audit {
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
	struct wrong foreign, strays;
	/* What may be about to be put right: */
	uint64_t *missing; /* ids of entries without a file */
	size_t n_missing;
	struct table_opener *ended;
	size_t n_ended;
};

/* Looks; ipc_audit_done() frees what was found, in any case. */
int ipc_audit(const struct instance *in, struct ipc_audit *ret, struct vc_err *err);
void ipc_audit_done(struct ipc_audit *audit);

#endif
