/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lease.h - which daemon watches the clock for all
 *
 * A stopped process keeps its locks, so the watch is a lease. The holder renews it; another daemon
 * takes it when it is overdue. The lease is one word of shared memory with holder, time and epoch,
 * changed by compare-and-swap. A holder that was stopped finds another word than its own when it
 * wakes up, and so knows that it has lost the lease before it acts. Its orders carry the epoch and
 * are not carried out when the epoch is over (lease_is_current()).
 *
 * Only root can write the file. A file with invalid content is a lease without a holder.
 */
#ifndef VC_PARTITION_LEASE_H
#define VC_PARTITION_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* A lease that was not renewed for so long can be taken. A holder renews it four times as often. */
#define LEASE_USEC 2000000u

struct lease;

/* Maps the file, and makes it if it is missing. Returns 0 or -errno. */
int lease_open(int dirfd, struct lease **ret, struct vc_err *err);
/* Frees the mapping. Does not give the lease back. */
void lease_free(struct lease *lease);

/* Takes the lease if it is free or overdue, or renews it. Returns the epoch, from 1 on, if the
 * caller holds it; another epoch than before means that it was lost in between. Returns 0 if
 * another daemon holds it. now is CLOCK_MONOTONIC. */
uint32_t lease_hold(struct lease *lease, uint8_t holder, uint64_t now_usec);
/* Gives the lease back, so that another daemon need not wait until it is overdue. */
void lease_give_back(struct lease *lease);
/* Returns whether no other daemon has taken the lease since that epoch began. */
bool lease_is_current(const struct lease *lease, uint32_t epoch);

/* The time (CLOCK_REALTIME) up to which the clock was watched, for the next holder; 0: never noted.
 */
uint64_t lease_noted(const struct lease *lease);
void lease_note(struct lease *lease, uint64_t usec);

#endif
