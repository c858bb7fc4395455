// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hash.c - SipHash-2-4, so that users who choose names cannot choose hash buckets
 *
 * J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012.
 * Each table has its own key. Deviation: the result has 32 bits.
 */
#include "ipcmap/table/hash.h"

#include <string.h>

struct sip {
	uint64_t v[4];
};

static uint64_t sip_rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(struct sip *s)
{
	uint64_t *v = s->v;

	v[0] += v[1];
	v[2] += v[3];
	v[1] = sip_rotate(v[1], 13) ^ v[0];
	v[3] = sip_rotate(v[3], 16) ^ v[2];
	v[0] = sip_rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = sip_rotate(v[1], 17) ^ v[2];
	v[3] = sip_rotate(v[3], 21) ^ v[0];
	v[2] = sip_rotate(v[2], 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v[3] ^= word;
	sip_round(s);
	sip_round(s);
	s->v[0] ^= word;
}

uint32_t hash_bytes(const uint64_t key[2], const void *data, size_t len)
{
	struct sip s = { { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
			   key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u } };
	const unsigned char *bytes = data;
	uint64_t word, last = (uint64_t)len << 56;
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sip_word(&s, le64toh(word));
	}
	for (unsigned int shift = 0; i < len; i++, shift += 8)
		last |= (uint64_t)bytes[i] << shift;
	sip_word(&s, last);
	s.v[2] ^= 0xff;
	for (int round = 0; round < 4; round++)
		sip_round(&s);
	last = s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
	return (uint32_t)(last ^ last >> 32);
}
