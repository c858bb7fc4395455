/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * request.h - what the requests about IPC objects share
 */
#ifndef VC_DAEMON_REQ_IPC_H
#define VC_DAEMON_REQ_IPC_H

#include "daemon/ipc/ipc.h"
#include "wire/wire.h"

/* The object: by kind and name, or by id. */
struct ipc_key {
	uint32_t kind; /* 0 with an id: any */
	bool has_name;
	ProtobufCBinaryData name;
	uint64_t id;
};

/* -EINVAL, -ENAMETOOLONG */
int ipc_check_key(const struct ipc_key *key, struct vc_err *err);
/* With the table locked. -ENOENT. -EPROTOTYPE: *ret_id is of another kind. The caller may know that
 * only if ipc_may() allows it; err is not set then. */
int ipc_find(struct ipc *ipc, const struct ipc_key *key, uint64_t *ret_id, struct vc_err *err);
/* bits: 4 to read, 2 to write, 6 both. */
bool ipc_may(const struct conn *conn, const struct table_object *object, const struct stat *st,
	     unsigned int bits);
/* -EACCES, -EPROTOTYPE */
int ipc_refused(struct vc_err *err);
int ipc_wrong_kind(const struct table_object *object, struct vc_err *err);

#endif
