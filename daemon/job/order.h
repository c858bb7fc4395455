/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * order.h - the order to move a job, sent to its shim
 */
#ifndef VC_DAEMON_ORDER_H
#define VC_DAEMON_ORDER_H

#include <stdint.h>

#include "common/err.h"
#include "wire/wire.h"

struct job;

/* -EBUSY: too many orders wait for the job's shim. */
int order_check(const struct job *job, struct vc_err *err);
/* Orders the job's shim to move it, and counts the placement there as pending. command: a socket
 * that waits for the answer; -1: none. request: the request that caused this; NULL: none. */
void order_move(struct job *job, uint32_t to, const char *note, const Vc__Move *request,
		int command);

#endif
