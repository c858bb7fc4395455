/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * namespace.h - the job's own namespaces, kept from one life to the next (libmig's own)
 */
#ifndef VC_LIBMIG_NAMESPACE_H
#define VC_LIBMIG_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"

struct namespaces {
	int uts, ipc; /* -1: not kept; CRIU makes a new one if the job has its own */
	int remade;   /* the IPC namespace that will be made anew; -1: none */
};

/* What a move can keep of the tree of root: its UTS namespace, and its IPC
 * namespace when no System V object is in it. Not where they are the caller's too.
 * -EOPNOTSUPP, with err: the IPC namespace can be neither kept nor made anew. */
int namespaces_open(pid_t root, struct namespaces *ret, struct vc_err *err);
/* Whether the IPC namespace of root would be another one after a move. */
bool namespaces_is_remade(pid_t root);
void namespaces_close(struct namespaces *ns);

/* Enters those kept; in a child between fork and exec. 0 or -errno. */
int namespaces_enter(const struct namespaces *ns);

/* Makes a network namespace that nobody is in, open at this number; likewise. 0 or -errno. */
int namespaces_make_empty_net(int number);

/* For a frozen tree: whether keeping is still right. 0, or -EAGAIN or -EOPNOTSUPP with err. */
int namespaces_check(const struct namespaces *ns, struct vc_err *err);

#endif
