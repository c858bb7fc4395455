/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * owner.h - whose a device is
 *
 * A device has one owner, since its interrupts can go to one partition only. That it is
 * not named twice is not enough: an interrupt, or a node in /dev, can be reached by several
 * names.
 */
#ifndef VC_PARTITION_OWNER_H
#define VC_PARTITION_OWNER_H

#include "common/err.h"

struct partition_spec;

/* Whether a partition could have the devices that it owns and shares: -ENODEV, -EINVAL, with
 * those that name what is wrong with which. */
int owner_check_devices(const struct partition_spec *spec, struct vc_err *err);
/* -EINVAL: it shares what it owns. */
int owner_check_shares(const struct partition_spec *spec, struct vc_err *err);
/* -EINVAL: two partitions own the same, or parts of the same. */
int owner_check_pair(const struct partition_spec *a, const struct partition_spec *b,
		     struct vc_err *err);

#endif
