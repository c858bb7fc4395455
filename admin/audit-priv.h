/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audit-priv.h - an audit under way
 */
#ifndef VC_ADMIN_AUDIT_PRIV_H
#define VC_ADMIN_AUDIT_PRIV_H

#include <signal.h>

#include "admin/audit.h"

struct cg;

struct audit {
	const struct instance *in;
	struct cg *cg;
	struct table *table;
	int files; /* STATE_IPC_OBJECTS */
	sigset_t signals;
	struct audit_report *found;
};

/* audit.c */
int audit_lock(struct audit *audit, struct vc_err *err);
void audit_unlock(struct audit *audit);
int audit_add_id(uint64_t **ids, size_t *n, uint64_t id);
int audit_compare_ids(const void *a, const void *b);

/* audit-files.c */
int audit_list_files(struct audit *audit, struct vc_err *err);
/* Fills in the entries without a file and the files without an entry. */
int audit_compare(struct audit *audit, struct vc_err *err);
/* Whether an id has an entry and a file now, under the lock. */
int audit_id(struct audit *audit, uint64_t id, bool *ret_entry, bool *ret_file, struct vc_err *err);

#endif
