/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * victim.h - the file through which vcbench watches the program that it has moved
 *
 * Mapped shared by both, so it needs no system call on either side, and the
 * victim's view of it is not part of what a move has to carry.
 */
#ifndef VC_BENCH_VICTIM_H
#define VC_BENCH_VICTIM_H

#include <stdatomic.h>
#include <stdint.h>

#define VICTIM_MAGIC 0x76637664
#define VICTIM_GAP_USEC 1000 /* shorter gaps are not noted */
#define VICTIM_GAPS 4096     /* the last so many are kept */

/* What vcbench wants of the victim. */
enum victim_order {
	VICTIM_RUN,   /* turn, as fast as its short sleeps allow */
	VICTIM_IDLE,  /* turn rarely: another victim is being measured */
	VICTIM_CHECK, /* read all of the memory once, then go on as VICTIM_RUN */
	VICTIM_END,
};

struct victim_gap {
	uint64_t at_usec; /* CLOCK_REALTIME of its end */
	uint64_t usec;
};

struct victim_log {
	uint32_t magic; /* written last, when the memory is filled */
	int32_t pid;
	_Atomic uint32_t order;
	_Atomic uint64_t turns;
	_Atomic uint64_t checks;    /* VICTIM_CHECK orders obeyed */
	_Atomic uint64_t bad_pages; /* pages found with other content than written */
	_Atomic uint64_t n_gaps;    /* ever noted; number i is gaps[i % VICTIM_GAPS] */
	struct victim_gap gaps[VICTIM_GAPS];
};

#endif
