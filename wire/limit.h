/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * limit.h - how much work a frame may make
 */
#ifndef VC_WIRE_LIMIT_H
#define VC_WIRE_LIMIT_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Counts the fields of a packed message before it is unpacked. Returns 0, or -EPROTO if there are
 * too many. */
int limit_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
		struct vc_err *err);

#endif
