/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * args.h - the part of a program's arguments that identifies the program
 *
 * The arguments of each of a user's jobs can be megabytes. All files keep, show and compare the
 * same part of them.
 */
#ifndef VC_WIRE_ARGS_H
#define VC_WIRE_ARGS_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#define ARGS_MAX 256
#define ARGS_BYTES 4096

/* Returns the number of arguments in ret. They point into args; the last one may be cut. */
size_t args_cut(const ProtobufCBinaryData *args, size_t n, ProtobufCBinaryData ret[ARGS_MAX]);

#endif
