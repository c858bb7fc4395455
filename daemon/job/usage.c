// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * usage.c - the memory that a job is expected to use
 *
 * A placement that no sample shows yet must count as some amount of memory. The best value is the
 * caller's (vcrun --memory). Else it is the amount that the same command line of the same user used
 * before, or the same program with other arguments. An unknown program counts as 0: a mean over all
 * jobs would be wrong for most of them, because one large job makes it large.
 *
 * A job is measured when it is a quarter of a second old, and again each time when its age has
 * doubled. That finds out its growth, and costs little for many jobs. A job that uses more than is
 * known of its kind counts at once; a job that has ended with less counts by half.
 */
#include "daemon/job/usage.h"

#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/job/job.h"
#include "partition/partition.h"
#include "wire/args.h"

#define USAGE_FIRST_USEC 250000

static uint64_t usage_hash(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *byte = data;

	while (len-- > 0)
		hash = (hash ^ *byte++) * 1099511628211u; /* FNV-1a */
	return hash;
}

/* Hashes a user's command line, or only its program: n is 1. */
static uint64_t usage_kind(uid_t uid, const ProtobufCBinaryData *args, size_t n)
{
	uint64_t hash = usage_hash(14695981039346656037u, &uid, sizeof(uid));

	for (size_t i = 0; i < n; i++) {
		hash = usage_hash(hash, &args[i].len, sizeof(args[i].len));
		hash = usage_hash(hash, args[i].data, args[i].len);
	}
	return hash;
}

uint64_t usage_expect(const struct daemon *daemon, uid_t uid, uint64_t asked_bytes,
		      const ProtobufCBinaryData *argv, size_t n_argv)
{
	uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	ProtobufCBinaryData args[ARGS_MAX];
	size_t n = args_cut(argv, n_argv, args);
	uint64_t bytes = asked_bytes;

	if (bytes == 0 && n > 0)
		bytes = board_usage(daemon->board, usage_kind(uid, args, n));
	if (bytes == 0 && n > 0)
		bytes = board_usage(daemon->board, usage_kind(uid, args, 1));
	return bytes < machine ? bytes : machine;
}

uint64_t usage_now(const struct job *job)
{
	const struct daemon *daemon = job->daemon;
	struct cg_memory memory = { 0 };
	char group[64];

	partition_job_group(daemon->name, job->state->job, group, sizeof(group));
	cg_memory_read(daemon->cg, group, &memory);
	return memory.used_bytes;
}

static void usage_learn(const struct job *job, bool ended)
{
	const Vc__JobState *state = job->state;
	const size_t lengths[] = { state->n_argv, 1 };

	for (size_t i = 0; state->n_argv > 0 && i < 2; i++) {
		uint64_t kind = usage_kind(state->uid, state->argv, lengths[i]);
		uint64_t known = board_usage(job->daemon->board, kind);
		uint64_t used = job->usage.most_bytes;

		if (used < known)
			used = ended ? (used + known) / 2 : known;
		if (used != known)
			board_set_usage(job->daemon->board, kind, used);
	}
}

void usage_look(struct job *job, uint64_t now_usec)
{
	struct job_usage *usage = &job->usage;
	uint64_t used;

	if (usage->since_usec == 0)
		*usage = (struct job_usage){ .since_usec = now_usec,
					     .next_usec = now_usec + USAGE_FIRST_USEC };
	if (now_usec < usage->next_usec)
		return;
	usage->next_usec = now_usec + (now_usec - usage->since_usec);
	used = usage_now(job);
	if (used <= usage->most_bytes)
		return;
	usage->most_bytes = used;
	usage_learn(job, false);
}

void usage_end(const struct job *job)
{
	if (job->usage.most_bytes > 0)
		usage_learn(job, true);
}
