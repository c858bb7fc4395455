/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * owner.h - which partition owns a device
 *
 * A device has one owner, because its interrupts can go to one partition only. Different names are
 * not enough, because several names can mean the same interrupt or node.
 */
#ifndef VC_PARTITION_OWNER_H
#define VC_PARTITION_OWNER_H

#include "common/err.h"

struct partition_spec;

/* Checks the devices that a partition owns and shares. Returns 0, -ENODEV or -EINVAL, with the
 * devices in the error. */
int owner_check_devices(const struct partition_spec *spec, struct vc_err *err);
/* Returns -EINVAL when it shares what it owns. */
int owner_check_shares(const struct partition_spec *spec, struct vc_err *err);
/* Returns -EINVAL when two partitions own the same device, or parts of one. */
int owner_check_pair(const struct partition_spec *a, const struct partition_spec *b,
		     struct vc_err *err);

#endif
