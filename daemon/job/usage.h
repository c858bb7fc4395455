/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage.h - the memory that a job is expected to use
 */
#ifndef VC_DAEMON_USAGE_H
#define VC_DAEMON_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/wire.h"

struct daemon;
struct job;

/* Returns the bytes that a job is expected to use: asked_bytes, or if that is 0, the bytes that
 * such a job of that user used; 0: not known. */
uint64_t usage_expect(const struct daemon *daemon, uid_t uid, uint64_t asked_bytes,
		      const ProtobufCBinaryData *argv, size_t n_argv);
/* Returns the bytes that a job uses now. */
uint64_t usage_now(const struct job *job);
/* Learns from a job if it is time for the next look at it. */
void usage_look(struct job *job, uint64_t now_usec);
/* Learns from a job that has ended. */
void usage_end(const struct job *job);

#endif
