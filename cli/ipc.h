/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc.h - IPC objects as commands show them, for vcctl ipc and vcstat ipc
 */
#ifndef VC_CLI_IPC_H
#define VC_CLI_IPC_H

#include <jansson.h>
#include <stddef.h>

#include "cli/client.h"

/* Objects, from any daemon: each knows all of them. */
struct ipc_objects {
	struct wire_msg *answers;
	size_t n_answers;
	Vc__IpcEntry **entries; /* by kind and name */
	size_t n;
	uint64_t used, capacity;
};

/* Gets the objects that the caller may read, or only those with a name. The caller calls
 * ipc_objects_done() in any case. */
int ipc_objects_get(const char *state_dir, const char *name, struct ipc_objects *ret,
		    struct vc_err *err);
/* Gets the object with a handle in a partition; NULL: in the partition of the caller's job.
 * -ENOENT, -EACCES; -EINVAL: the caller is in no job. */
int ipc_objects_get_handle(const char *state_dir, const char *partition, uint32_t handle,
			   struct ipc_objects *ret, struct vc_err *err);
void ipc_objects_done(struct ipc_objects *objects);

/* "sem", or the number of a kind that this command does not know. Returns buf. */
const char *ipc_kind_text(uint32_t kind, char *buf, size_t size);
/* The name, or "id:..." without one. Returns buf. */
const char *ipc_name_text(const Vc__IpcEntry *entry, char *buf, size_t size);
/* "persistent", "unlinked", "inherited" or "-". Returns buf. */
const char *ipc_state_text(const Vc__IpcEntry *entry, char *buf, size_t size);

void ipc_print_table(const struct ipc_objects *objects);
json_t *ipc_json(const struct ipc_objects *objects);

#endif
