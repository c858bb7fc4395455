/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lease.h - which daemon watches the clock for all
 *
 * A lock that a process holds for life says nothing about a process that is stopped. So the watch
 * is a lease: its holder renews it, and who finds it overdue takes it. The lease is one word of
 * shared memory with holder, time and epoch, changed by compare-and-swap. A holder that was stopped
 * and wakes up finds another word there than the one it wrote, and so learns before it acts
 * that it is not the holder any more. What it has ordered in the meantime bears the epoch, and is
 * not carried out if that is over (lease_is_current()).
 *
 * The file is root's alone. A file with rubbish in it is a lease that nobody has.
 */
#ifndef VC_PARTITION_LEASE_H
#define VC_PARTITION_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* Not renewed for so long, it is another's to take. A holder renews it four times as often. */
#define LEASE_USEC 2000000u

struct lease;

/* Makes the file if it is missing, and maps it. */
int lease_open(int dirfd, struct lease **ret, struct vc_err *err);
/* Does not give the lease back. */
void lease_free(struct lease *lease);

/* Takes the lease if nobody has it, or renews it. The epoch, from 1 on: it is the caller's; another
 * one than before: it was lost in between. 0: another has it. now: CLOCK_MONOTONIC. */
uint32_t lease_hold(struct lease *lease, uint8_t holder, uint64_t now_usec);
/* The next one need not wait until it is overdue. */
void lease_give_back(struct lease *lease);
/* Whether nobody has taken the lease since that epoch began. */
bool lease_is_current(const struct lease *lease, uint32_t epoch);

/* Up to when the clock was watched, CLOCK_REALTIME; for the next holder. 0: never noted. */
uint64_t lease_noted(const struct lease *lease);
void lease_note(struct lease *lease, uint64_t usec);

#endif
