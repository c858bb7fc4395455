/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * victim.h - the file through which vcbench watches the program that it moves
 *
 * Both map it shared, so neither side needs a system call, and a move does not copy it.
 */
#ifndef VC_BENCH_VICTIM_H
#define VC_BENCH_VICTIM_H

#include <stdatomic.h>
#include <stdint.h>

#define VICTIM_MAGIC 0x76637664
#define VICTIM_GAP_USEC 1000 /* shorter gaps are ignored */
#define VICTIM_GAPS 4096     /* the number of gaps that are kept */

/* vcbench's order to the victim. */
enum victim_order {
	VICTIM_RUN,   /* loop with short sleeps */
	VICTIM_IDLE,  /* loop with long sleeps: the other victim is measured */
	VICTIM_CHECK, /* verify all memory once, then as VICTIM_RUN */
	VICTIM_END,
};

struct victim_gap {
	uint64_t at_usec; /* CLOCK_REALTIME of its end */
	uint64_t usec;
};

struct victim_log {
	uint32_t magic; /* written after the memory is filled */
	int32_t pid;
	_Atomic uint32_t order;
	_Atomic uint64_t turns;
	_Atomic uint64_t checks;    /* completed orders VICTIM_CHECK */
	_Atomic uint64_t bad_pages; /* pages with wrong contents */
	_Atomic uint64_t n_gaps;    /* all so far; number i is gaps[i % VICTIM_GAPS] */
	struct victim_gap gaps[VICTIM_GAPS];
};

#endif
