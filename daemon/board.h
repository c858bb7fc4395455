/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * board.h - the load board: every partition's last sample, in shared memory
 *
 * One slot a partition, written by that partition's daemon alone under a latched
 * seqlock; all daemons read all slots and never wait. The file is root's.
 *
 * Besides its sample a slot has a pending figure, which any daemon may raise:
 * the placements too recent to show in a sample. It is one 64-bit word (value
 * and time) changed by compare-and-swap, and decays with e^(-t/1 s). The same
 * law in every slot keeps their proportion, so that a burst of launches between
 * two samples spreads instead of herding.
 */
#ifndef VC_DAEMON_BOARD_H
#define VC_DAEMON_BOARD_H

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

/* One more placement underway to slot. */
void board_reserve(struct board *board, uint32_t slot, uint64_t now_usec);
/* A new job's id: 1, 2, 3 … over all daemons of the instance. */
uint32_t board_next_job(struct board *board);
/* The turn of a policy (by a hash of its name): 0, 1, 2 … over all daemons. */
uint64_t board_next_turn(struct board *board, const char *policy);

#endif
