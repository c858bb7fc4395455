/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * board.h - the load board: the last sample of each partition, in shared memory
 *
 * Each partition has a slot. Only that partition's daemon writes its sample, under a latched
 * seqlock; all daemons read all slots and never wait. The file belongs to root.
 *
 * A slot also has two pending values, which any daemon may change: the placements that are too
 * recent to show in a sample, and the memory that they are expected to use. Each is one 64-bit word
 * (value and time), is changed by compare-and-swap, and decays with e^(-t/1 s). The same decay in
 * every slot keeps their proportion, so a burst of launches between two samples spreads over the
 * partitions. The rest of a placement is subtracted when its job has ended or moved.
 *
 * The board also has data that all daemons share: turns of policies, where jobs have moved to, and
 * the memory that jobs of a kind used.
 */
#ifndef VC_POLICY_BOARD_H
#define VC_POLICY_BOARD_H

#include <stdint.h>

#include "common/err.h"
#include "policy/vc-policy.h"

struct board;

/* A daemon's sample of its partition. */
struct board_sample {
	uint64_t at_usec;     /* CLOCK_MONOTONIC of the sample; 0: never */
	uint32_t period_msec; /* older than three of these: late */
	uint32_t exclusive;   /* enum cg_exclusive */
	struct vc_load load;
};

/* Makes the file "board" in dirfd for n partitions. It replaces an existing one, which processes
 * that have mapped it keep. */
int board_create(int dirfd, uint32_t n, struct vc_err *err);
/* Maps it for reading and writing. -EPROTO: magic, version or size is wrong. */
int board_open(int dirfd, struct board **ret, struct vc_err *err);
void board_free(struct board *board);

uint32_t board_count(const struct board *board);
void board_publish(struct board *board, uint32_t slot, const struct board_sample *sample);
/* Returns a consistent copy of the last complete sample, also if the writer is writing the next one
 * or has died in it. Sets VC_LOAD_UP if the sample is younger than three periods; alive_look()
 * tells whether the daemon lives. load.pending has decayed to now. Percentages are within 0..100,
 * whatever the file contains. A slot that does not exist has no sample. */
void board_read(const struct board *board, uint32_t slot, uint64_t now_usec,
		struct board_sample *ret);
/* Marks a slot down at once, when its daemon ends. */
void board_retire(struct board *board, uint32_t slot);

/* Adds a pending placement of a job that is expected to use so many bytes (0: not known). */
void board_reserve(struct board *board, uint32_t slot, uint64_t now_usec, uint64_t mem_bytes);
/* Subtracts the rest that is left at now_usec of a placement that was added at since_usec. */
void board_release(struct board *board, uint32_t slot, uint64_t since_usec, uint64_t now_usec,
		   uint64_t mem_bytes);
/* Returns the number of a new job: 1, 2, 3 … over all daemons of the instance. */
uint32_t board_next_job(struct board *board);
/* Returns the turn of a policy: 0, 1, 2 … over all daemons. leaving: counts its moves out of the
 * partition of that slot; -1: counts its placements. */
uint64_t board_next_turn(struct board *board, const char *policy, int32_t leaving);

/* Records that a job has moved to slot. */
void board_note_moved(struct board *board, uint32_t job, uint32_t slot);
/* Returns the slot of a job's last move, also after its end; -1: it has not moved, or another job
 * has overwritten the record. */
int32_t board_moved_to(const struct board *board, uint32_t job);

/* The bytes that jobs of a kind (a hash) used; 0: not known. Another kind can overwrite it. */
void board_set_usage(struct board *board, uint64_t kind, uint64_t mem_bytes);
uint64_t board_usage(const struct board *board, uint64_t kind);

#endif
