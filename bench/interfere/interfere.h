/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * interfere.h - vcbench interfere, seen by its own files
 *
 *	interfere.c               which victim with which neighbour, round by round
 *	ways.c                    which ways there are here; numad
 *	table.c                   the table, the JSON
 *
 * A victim and a neighbour make a pair. A pair is measured in each way once a round, one
 * after the other in an order drawn anew, alone among them, so that what is compared was
 * measured within seconds, and what drifts over minutes is not in the ratios.
 */
#ifndef VC_BENCH_BENCH_INTERFERE_H
#define VC_BENCH_BENCH_INTERFERE_H

#include "bench/bench.h"
#include "bench/crew.h"
#include "bench/estimate.h"
#include "bench/pace.h"
#include "bench/quiet.h"

/* SAID_NOISE: what others and the hypervisor had of the machine, in percent; not an estimate. */
enum { SAID_P50, SAID_P99, SAID_P999, SAID_RATE, SAID_NOISE, N_SAID };
enum { N_VICTIMS = 2, N_NOISES = 4 };
enum interfere_way {
	W_ALONE,
	W_TOGETHER,
	W_NUMAD,
	W_TASKSET,
	W_SYSTEMD,
	W_PARTITIONS,
	N_WAYS,
};

struct interfere_name {
	const char *name, *what;
};

extern const struct interfere_name interfere_victims[N_VICTIMS], interfere_noises[N_NOISES];
extern const char *const interfere_ways[N_WAYS];

struct interfere_pair {
	size_t victim, noise;
	size_t rounds;                /* measured so far */
	double *said[N_WAYS][N_SAID]; /* by round; NAN: not measured */
};

struct interfere {
	struct bench *bench;
	struct bench_pace pace;
	unsigned int n_cpus;
	struct crew_times times;
	struct bench_noise noise;
	char cpus[2][96];           /* the victim's, the neighbour's */
	const char *partitions[2];  /* likewise */
	char missing[N_WAYS][256];  /* why a way is not there; "": it is */
	char failed[N_NOISES][256]; /* why a noise cannot be made here */
	struct interfere_pair pairs[N_VICTIMS * N_NOISES];
};

/* ways.c: fills missing[]. */
void interfere_find_ways(struct interfere *interfere);
/* 0 or -errno; the second is to be called after the first has succeeded. */
int interfere_start_numad(struct vc_err *err);
void interfere_end_numad(void);

/* table.c */
/* How many times what it is in another way; compared within each round. */
struct estimate interfere_ratio(const struct interfere_pair *pair, enum interfere_way way,
				enum interfere_way other, int said);
json_t *interfere_json(struct interfere *interfere);
void interfere_print(struct interfere *interfere);

#endif
