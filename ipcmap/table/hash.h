/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hash.h - SipHash-2-4, so that users who choose names cannot choose hash buckets
 */
#ifndef VC_IPCMAP_TABLE_HASH_H
#define VC_IPCMAP_TABLE_HASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>

uint32_t hash_bytes(const uint64_t key[2], const void *data, size_t len);

#endif
