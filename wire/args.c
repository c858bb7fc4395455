// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * args.c - the part of a program's arguments that identifies the program
 */
#include "wire/args.h"

size_t args_cut(const ProtobufCBinaryData *args, size_t n, ProtobufCBinaryData ret[ARGS_MAX])
{
	size_t kept = 0, left = ARGS_BYTES;

	for (; kept < n && kept < ARGS_MAX && left > 0; kept++) {
		ret[kept] = args[kept];
		if (ret[kept].len > left)
			ret[kept].len = left;
		left -= ret[kept].len;
	}
	return kept;
}
