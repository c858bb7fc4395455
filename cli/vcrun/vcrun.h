/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcrun.h - one call of vcrun, shared by its files
 */
#ifndef VC_CLI_VCRUN_H
#define VC_CLI_VCRUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/client.h"
#include "cli/vcrun/ipc.h"
#include "cli/vcrun/tty.h"

struct vcrun {
	const char *state_dir, *policy, *on, *name;
	uint64_t memory_bytes; /* that the program is expected to use; 0: not given */
	struct ipc_how ipc;
	bool detach;
	char **argv;
	int argc;
	struct tty tty;
	struct wire *wire;
	int stdio[4];     /* the program's three descriptors and its directory */
	sigset_t blocked; /* when vcrun started; the program's */
	int signal_fd;
	bool started;
	int ended_by; /* a signal that came before the program started; 0: none */
	uint64_t give_up_usec;
};

/* order.c: chooses a partition, unless the user has, and sends the order to run the program. From
 * then on signals are read from run->signal_fd. */
int order_start(struct vcrun *run, struct vc_err *err);
/* wait.c: passes signals and terminal data until the program ends. Returns vcrun's exit status. */
int wait_loop(struct vcrun *run);

#endif
