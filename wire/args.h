/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * args.h - as much of a program's arguments as says which program it is
 *
 * Arguments can be megabytes, of each of a user's jobs. What is kept, shown and compared of them
 * is the same everywhere.
 */
#ifndef VC_WIRE_ARGS_H
#define VC_WIRE_ARGS_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#define ARGS_MAX 256
#define ARGS_BYTES 4096

/* The first arguments, and of the last of these its beginning; they point into args. Returns how
 * many there are. */
size_t args_cut(const ProtobufCBinaryData *args, size_t n, ProtobufCBinaryData ret[ARGS_MAX]);

#endif
