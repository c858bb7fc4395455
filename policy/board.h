/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * board.h - the load board: every partition's last sample, in shared memory
 *
 * One slot a partition, written by that partition's daemon alone under a latched
 * seqlock; all daemons read all slots and never wait. The file is root's.
 *
 * Besides its sample a slot has two pending figures, which any daemon may change:
 * the placements too recent to show in a sample, and the memory that they are expected
 * to take. Each is one 64-bit word (value and time) changed by compare-and-swap, and decays
 * with e^(-t/1 s). The same law in every slot keeps their proportion, so that a burst of
 * launches between two samples spreads instead of herding. What is left of a placement is
 * taken back when its job has ended or gone elsewhere.
 *
 * And it has what all daemons should know alike: turns, where jobs have moved to, what jobs
 * of a kind used.
 */
#ifndef VC_POLICY_BOARD_H
#define VC_POLICY_BOARD_H

#include <stdint.h>

#include "common/err.h"
#include "policy/vc-policy.h"

struct board;

/* What a daemon publishes of its partition. */
struct board_sample {
	uint64_t at_usec;     /* CLOCK_MONOTONIC of the sample; 0: never */
	uint32_t period_msec; /* not refreshed for three of these: late */
	uint32_t exclusive;   /* enum cg_exclusive */
	struct vc_load load;
};

/* Makes the file "board" in dirfd, for n partitions (replacing what was there; who
 * has that one mapped keeps it). */
int board_create(int dirfd, uint32_t n, struct vc_err *err);
/* Maps it read-write; checks magic, version and size: a foreign or torn file is
 * -EPROTO, never a crash. */
int board_open(int dirfd, struct board **ret, struct vc_err *err);
void board_free(struct board *board);

uint32_t board_count(const struct board *board);
void board_publish(struct board *board, uint32_t slot, const struct board_sample *sample);
/* A consistent copy: of the last sample that was published whole, also when the
 * writer is in the middle of the next one, or died there; then it ages. Sets VC_LOAD_UP
 * while it is younger than three periods, which alone does not say whether the daemon lives:
 * see alive_look(). Sets load.pending by decay, as of now. Percentages are within 0..100
 * whatever stands in the file. A slot that does not exist has no sample. */
void board_read(const struct board *board, uint32_t slot, uint64_t now_usec,
		struct board_sample *ret);
/* Marks a slot down at once (orderly shutdown). */
void board_retire(struct board *board, uint32_t slot);

/* One more placement underway to slot, of a job that is expected to use so much memory (0: not
 * known). */
void board_reserve(struct board *board, uint32_t slot, uint64_t now_usec, uint64_t mem_bytes);
/* Takes back what is left at now_usec of a placement that was reserved at since_usec. */
void board_release(struct board *board, uint32_t slot, uint64_t since_usec, uint64_t now_usec,
		   uint64_t mem_bytes);
/* A new job's id: 1, 2, 3 … over all daemons of the instance. */
uint32_t board_next_job(struct board *board);
/* The turn of a policy: 0, 1, 2 … over all daemons. leaving: of its moves out of the partition
 * of that slot; -1: of its placements. */
uint64_t board_next_turn(struct board *board, const char *policy, int32_t leaving);

/* A job has moved to slot. */
void board_note_moved(struct board *board, uint32_t job, uint32_t slot);
/* Where it has moved to last, also after its end; -1: it has not moved, or so many jobs have since
 * that this one is forgotten. */
int32_t board_moved_to(const struct board *board, uint32_t job);

/* What jobs of a kind (any hash) used, in bytes; 0: not known. Kinds that come rarely are forgotten
 * for others. */
void board_set_usage(struct board *board, uint64_t kind, uint64_t mem_bytes);
uint64_t board_usage(const struct board *board, uint64_t kind);

#endif
