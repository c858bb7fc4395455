/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcctl.h - the administrator's command: its options, and a function for each subcommand
 *
 * cli/vcctl/ parses options and prints; admin/ does the work.
 */
#ifndef VC_CLI_VCCTL_H
#define VC_CLI_VCCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "admin/admin.h"
#include "cli/client.h"

struct vcctl {
	struct admin admin;
	struct admin_wish wish; /* set, add */
	const char *config;     /* NULL: vcrun.conf if it exists */
	size_t split;           /* 0: not given */
	bool force, json, policies;
	const char *signal; /* kill: NULL is SIGTERM */
	const char *kind;   /* ipc: only objects of this kind; NULL: all */
	char **words;       /* the arguments after the subcommand, ended by NULL */
};

/* Each returns the command's exit status. */
int vcctl_up(const struct vcctl *opts);
int vcctl_down(const struct vcctl *opts);
int vcctl_list(const struct vcctl *opts);
int vcctl_check(const struct vcctl *opts);
int vcctl_set(const struct vcctl *opts);
int vcctl_add(const struct vcctl *opts);
int vcctl_remove(const struct vcctl *opts);
int vcctl_event(const struct vcctl *opts);
int vcctl_failover(const struct vcctl *opts);
int vcctl_kill(const struct vcctl *opts);
int vcctl_ipc(const struct vcctl *opts);
int vcctl_ipc_check(const struct vcctl *opts);

/* Prints the error of an operation that returned r < 0. Returns the exit status. */
int vcctl_result(int r, const struct vc_err *err);
/* list.c: the table of partitions */
void vcctl_print_partitions(const struct instance *in);
/* shape.c: makes an operation print what it tells. */
void vcctl_listen(struct admin *admin);

#endif
