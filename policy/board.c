// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * board.c - the load board: the last sample of each partition, in shared memory
 *
 * A slot keeps two copies of its sample and a count of those published:
 *
 *	slot   | count | copy 0 | copy 1 | pending |
 *	                 valid while count is even; 1: while it is odd
 *
 * The writer fills the invalid copy and then increments the count. A reader has a consistent sample
 * if the count has not changed while it copied. That is Linux's latched seqlock. With a plain one,
 * readers wait while the writer writes, and here a writer can be preempted or killed: then the last
 * complete sample remains, and ages.
 *
 * Memory order: H.-J. Boehm, "Can seqlocks get along with programming language
 * memory models?", MSPC 2012. The copies are read and written as relaxed atomic words, so there is
 * no data race, also if a reader must try again.
 */
#include "policy/board.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/statedir.h"
#include "common/trust.h"

#define BOARD_MAGIC 0x6472616f62637600u /* "\0vcboard" */
#define BOARD_VERSION 3
#define SLOTS_MAX 4096
#define TURNS 1024  /* 256 partitions, and some policies */
#define MOVED 8192  /* jobs */
#define USAGES 4096 /* kinds of jobs */
#define READ_TRIES 1000

#define WORDS (sizeof(struct board_sample) / sizeof(uint64_t))
_Static_assert(sizeof(struct board_sample) % sizeof(uint64_t) == 0, "a sample is whole words");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics work between processes");

struct slot {
	alignas(64) _Atomic uint64_t count;
	_Atomic uint64_t copy[2][WORDS];
	/* On another cache line: all daemons write here, only one writes above. */
	alignas(64) _Atomic uint64_t pending;
	_Atomic uint64_t pending_mem;
};

struct turn {
	_Atomic uint64_t hash; /* 0: free */
	_Atomic uint64_t turn;
};

struct layout {
	uint64_t magic;
	uint32_t version;
	uint32_t n;
	uint64_t size;
	_Atomic uint32_t last_job;
	struct turn turns[TURNS + 1];  /* the last one is for all that found no place */
	_Atomic uint64_t moved[MOVED]; /* job and slot + 1, at the job's number modulo MOVED */
	_Atomic uint64_t usages[USAGES];
	struct slot slots[];
};

struct board {
	struct layout *map;
	size_t size;
	uint32_t n; /* as checked; the value in the map can change */
};

static size_t board_size(uint32_t n)
{
	return sizeof(struct layout) + n * sizeof(struct slot);
}

int board_create(int dirfd, uint32_t n, struct vc_err *err)
{
	_cleanup_free_ struct layout *layout = NULL;
	size_t size = board_size(n);
	int r;

	if (n == 0 || n > SLOTS_MAX)
		return err_set(err, EINVAL, "load board for %u partitions: 1 to %d are possible", n,
			       SLOTS_MAX);
	layout = aligned_alloc(alignof(struct layout), size);
	if (!layout)
		return err_sys(err, ENOMEM, "load board");
	memset(layout, 0, size);
	layout->magic = BOARD_MAGIC;
	layout->version = BOARD_VERSION;
	layout->n = n;
	layout->size = size;
	r = file_replace(dirfd, STATE_BOARD, layout, size, 0600);
	if (r < 0)
		return err_sys(err, -r, "write load board");
	return 0;
}

static int board_check(const struct layout *map, size_t size, struct vc_err *err)
{
	if (map->magic != BOARD_MAGIC)
		return err_set(err, EPROTO, "file '" STATE_BOARD "' is no load board");
	if (map->version != BOARD_VERSION)
		return err_set(err, EPROTO,
			       "load board has version %u, this is %u: restart vcrun (vcctl down, "
			       "vcctl up)",
			       map->version, BOARD_VERSION);
	if (map->n == 0 || map->n > SLOTS_MAX || map->size != size || board_size(map->n) != size)
		return err_set(err, EPROTO, "load board is torn: %zu bytes for %u partitions", size,
			       map->n);
	return 0;
}

int board_open(int dirfd, struct board **ret, struct vc_err *err)
{
	_cleanup_close_ int fd = trust_openat(dirfd, STATE_BOARD, O_RDWR, 0);
	struct board *board;
	struct stat st;
	void *map;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, fd < 0 ? -fd : errno, "load board");
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct layout) ||
	    st.st_size > (off_t)board_size(SLOTS_MAX))
		return err_set(err, EPROTO, "file '" STATE_BOARD "' is no load board");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(err, errno, "map load board");
	r = board_check(map, (size_t)st.st_size, err);
	board = r < 0 ? NULL : calloc(1, sizeof(*board));
	if (!board) {
		munmap(map, (size_t)st.st_size);
		return r < 0 ? r : err_sys(err, ENOMEM, "load board");
	}
	board->map = map;
	board->size = (size_t)st.st_size;
	board->n = board->map->n;
	if (board_size(board->n) > board->size) /* changed after the check */
		board->n = 0;
	*ret = board;
	return 0;
}

void board_free(struct board *board)
{
	if (!board)
		return;
	munmap(board->map, board->size);
	free(board);
}

uint32_t board_count(const struct board *board)
{
	return board->n;
}

static struct slot *board_slot(const struct board *board, uint32_t slot)
{
	return slot < board->n ? &board->map->slots[slot] : NULL;
}

void board_publish(struct board *board, uint32_t slot, const struct board_sample *sample)
{
	struct slot *s = board_slot(board, slot);
	uint64_t words[WORDS], count;

	if (!s)
		return;
	memcpy(words, sample, sizeof(words));
	count = atomic_load_explicit(&s->count, memory_order_relaxed) + 1;
	/* A reader that sees one of the following words also sees the present count. */
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < WORDS; i++)
		atomic_store_explicit(&s->copy[count % 2][i], words[i], memory_order_relaxed);
	atomic_store_explicit(&s->count, count, memory_order_release);
}

static bool slot_copy(struct slot *s, struct board_sample *ret)
{
	uint64_t words[WORDS];

	for (int try = 0; try < READ_TRIES; try++) {
		uint64_t count = atomic_load_explicit(&s->count, memory_order_acquire);

		for (size_t i = 0; i < WORDS; i++)
			words[i] =
				atomic_load_explicit(&s->copy[count % 2][i], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&s->count, memory_order_relaxed) == count) {
			memcpy(ret, words, sizeof(words));
			return true;
		}
	}
	return false;
}

/*
 * A pending word: the upper 40 bits are milliseconds since boot (34 years), the lower 24 the
 * value: placements in 1/1024, memory in units of 64 KiB.
 */
#define PENDING_BITS 24
#define PENDING_MAX ((1u << PENDING_BITS) - 1)
#define PENDING_ONE 1024
#define PENDING_MEM_UNIT 65536

static double pending_decay(uint64_t then_msec, uint64_t now_msec)
{
	/* Another daemon's time can be a little later than ours. */
	return now_msec <= then_msec ? 1 : exp(-(double)(now_msec - then_msec) / 1000);
}

/* The value of a word at a time. */
static double pending_at(uint64_t word, uint64_t now_msec)
{
	return (double)(word & PENDING_MAX) * pending_decay(word >> PENDING_BITS, now_msec);
}

static void pending_add(_Atomic uint64_t *word, uint64_t now_msec, double change)
{
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed), msec, value;

	do {
		double sum = pending_at(old, now_msec) + change + 0.5;

		msec = old >> PENDING_BITS > now_msec ? old >> PENDING_BITS : now_msec;
		value = sum < 0 ? 0 : sum > PENDING_MAX ? PENDING_MAX : (uint64_t)sum;
	} while (!atomic_compare_exchange_weak_explicit(word, &old, msec << PENDING_BITS | value,
							memory_order_relaxed,
							memory_order_relaxed));
}

void board_reserve(struct board *board, uint32_t slot, uint64_t now_usec, uint64_t mem_bytes)
{
	struct slot *s = board_slot(board, slot);

	if (!s)
		return;
	pending_add(&s->pending, now_usec / 1000, PENDING_ONE);
	pending_add(&s->pending_mem, now_usec / 1000, (double)mem_bytes / PENDING_MEM_UNIT);
}

void board_release(struct board *board, uint32_t slot, uint64_t since_usec, uint64_t now_usec,
		   uint64_t mem_bytes)
{
	struct slot *s = board_slot(board, slot);
	double left = pending_decay(since_usec / 1000, now_usec / 1000);

	if (!s)
		return;
	pending_add(&s->pending, now_usec / 1000, -left * PENDING_ONE);
	pending_add(&s->pending_mem, now_usec / 1000, -left * (double)mem_bytes / PENDING_MEM_UNIT);
}

static double fraction_of(double pct)
{
	/* NaN counts as busy. */
	return pct >= 0 && pct <= 100 ? pct : pct < 0 ? 0 : 100;
}

static bool is_fresh(const struct board_sample *sample, uint64_t now_usec)
{
	uint64_t patience_usec = (uint64_t)sample->period_msec * 1000 * 3;

	if (sample->at_usec == 0)
		return false;
	return now_usec < sample->at_usec || now_usec - sample->at_usec <= patience_usec;
}

void board_read(const struct board *board, uint32_t slot, uint64_t now_usec,
		struct board_sample *ret)
{
	struct slot *s = board_slot(board, slot);
	struct board_sample sample = { .at_usec = 0 };

	if (s && slot_copy(s, &sample)) {
		struct vc_load *load = &sample.load;
		uint64_t now_msec = now_usec / 1000;

		load->cpu_pct = fraction_of(load->cpu_pct);
		load->group_cpu_pct = fraction_of(load->group_cpu_pct);
		load->mem_stall_pct = fraction_of(load->mem_stall_pct);
		load->pending = pending_at(atomic_load_explicit(&s->pending, memory_order_relaxed),
					   now_msec) /
				PENDING_ONE;
		load->pending_mem_bytes =
			pending_at(atomic_load_explicit(&s->pending_mem, memory_order_relaxed),
				   now_msec) *
			PENDING_MEM_UNIT;
	}
	sample.load.flags &= ~VC_LOAD_UP;
	if (is_fresh(&sample, now_usec))
		sample.load.flags |= VC_LOAD_UP;
	*ret = sample;
}

void board_retire(struct board *board, uint32_t slot)
{
	struct slot *s = board_slot(board, slot);
	struct board_sample sample = { .at_usec = 0 };

	if (!s)
		return;
	/* The values stay for vcstat. Without a time they do not count. */
	slot_copy(s, &sample);
	sample.at_usec = 0;
	board_publish(board, slot, &sample);
}

uint32_t board_next_job(struct board *board)
{
	uint32_t id;

	do {
		id = atomic_fetch_add(&board->map->last_job, 1) + 1;
	} while (id == 0); /* after four thousand million jobs: 0 means none */
	return id;
}

uint64_t board_next_turn(struct board *board, const char *policy, int32_t leaving)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	struct turn *turn = &board->map->turns[TURNS];

	for (const char *c = policy; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	hash = (hash ^ (uint64_t)(leaving + 1)) * 1099511628211u;
	if (hash == 0)
		hash = 1;
	for (size_t i = 0; i < TURNS; i++) {
		struct turn *t = &board->map->turns[(hash + i) % TURNS];
		uint64_t found = 0;

		if (atomic_compare_exchange_strong(&t->hash, &found, hash) || found == hash) {
			turn = t;
			break;
		}
	}
	return atomic_fetch_add(&turn->turn, 1);
}

void board_note_moved(struct board *board, uint32_t job, uint32_t slot)
{
	atomic_store_explicit(&board->map->moved[job % MOVED], (uint64_t)job << 32 | (slot + 1),
			      memory_order_relaxed);
}

int32_t board_moved_to(const struct board *board, uint32_t job)
{
	uint64_t word = atomic_load_explicit(&board->map->moved[job % MOVED], memory_order_relaxed);
	uint32_t slot = (uint32_t)word - 1;

	return word >> 32 == job && slot < board->n ? (int32_t)slot : -1;
}

/* A usage word: the upper 32 bits are those of the kind, the lower ones pages of 4 KiB. */
#define USAGE_BITS 32
#define USAGE_MAX ((UINT64_C(1) << USAGE_BITS) - 1)
#define USAGE_UNIT 4096

void board_set_usage(struct board *board, uint64_t kind, uint64_t mem_bytes)
{
	uint64_t pages = mem_bytes / USAGE_UNIT + (mem_bytes % USAGE_UNIT != 0);

	if (pages > USAGE_MAX)
		pages = USAGE_MAX;
	atomic_store_explicit(&board->map->usages[kind % USAGES],
			      kind >> USAGE_BITS << USAGE_BITS | pages, memory_order_relaxed);
}

uint64_t board_usage(const struct board *board, uint64_t kind)
{
	uint64_t word =
		atomic_load_explicit(&board->map->usages[kind % USAGES], memory_order_relaxed);

	return word >> USAGE_BITS == kind >> USAGE_BITS ? (word & USAGE_MAX) * USAGE_UNIT : 0;
}
