// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * app.c - a store: a hash table and a log under the application's own lock
 *
 * A domain is one store under one lock: a mutex, a spinlock, or a rwlock. All
 * domains together hold as many keys and as much log, however many there are. Of
 * ten operations eight look a key up and copy its value out, two replace the value
 * and append it to the log, under the lock; request and answer are made and
 * verified outside it. An answer that is not whole means that the lock did not lock.
 *
 * The wait is timed only when the lock is not free, so the free lock costs no clock.
 */
#include "bench/work/work.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STORE_KEYS (1u << 16) /* of all domains together */
#define STORE_LOG (1u << 15)  /* records, likewise */
#define STORE_WORDS 16        /* of a value: 128 bytes */
#define STORE_WRITES_PCT 20

struct value {
	uint64_t words[STORE_WORDS];
	uint64_t sum;
};

struct entry {
	struct entry *next;
	uint64_t key;
	struct value value;
};

struct record {
	uint64_t sequence, key;
	struct value value;
};

enum lock_kind { LOCK_MUTEX, LOCK_SPIN, LOCK_RWLOCK };

struct store {
	_Alignas(64) union {
		pthread_mutex_t mutex;
		pthread_spinlock_t spin;
		pthread_rwlock_t rwlock;
	} lock;
	_Alignas(64) size_t n_keys, n_buckets, n_records;
	struct entry **buckets, *entries;
	struct record *log;
	uint64_t sequence;
};

/* FNV-1a by words. */
static uint64_t value_sum(const struct value *value)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < STORE_WORDS; i++)
		sum = (sum ^ value->words[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static void value_fill(struct value *value, uint64_t seed)
{
	for (uint64_t i = 0; i < STORE_WORDS; i++)
		value->words[i] = seed + i * UINT64_C(0x9e3779b97f4a7c15);
	value->sum = value_sum(value);
}

static size_t store_bucket(const struct store *store, uint64_t key)
{
	return (key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (store->n_buckets - 1);
}

static void store_close(void *domain)
{
	struct store *store = domain;

	free(store->buckets);
	free(store->entries);
	free(store->log);
	free(store);
}

static int store_open(const struct domain_args *args, void **ret)
{
	struct store *store = aligned_alloc(64, sizeof(*store));

	if (!store)
		return -ENOMEM;
	memset(store, 0, sizeof(*store));
	store->n_keys = STORE_KEYS / args->n_domains;
	store->n_records = STORE_LOG / args->n_domains;
	for (store->n_buckets = 1; store->n_buckets < store->n_keys;)
		store->n_buckets *= 2;
	store->buckets = calloc(store->n_buckets, sizeof(struct entry *));
	store->entries = calloc(store->n_keys, sizeof(struct entry));
	store->log = calloc(store->n_records, sizeof(struct record));
	if (!store->buckets || !store->entries || !store->log) {
		store_close(store);
		return -ENOMEM;
	}
	for (size_t key = 0; key < store->n_keys; key++) {
		struct entry *entry = &store->entries[key];
		size_t bucket = store_bucket(store, key);

		*entry = (struct entry){ .next = store->buckets[bucket], .key = key };
		value_fill(&entry->value, key);
		store->buckets[bucket] = entry;
	}
	*ret = store;
	return 0;
}

static int store_trylock(struct store *store, enum lock_kind kind, bool write)
{
	if (kind == LOCK_MUTEX)
		return pthread_mutex_trylock(&store->lock.mutex);
	if (kind == LOCK_SPIN)
		return pthread_spin_trylock(&store->lock.spin);
	return write ? pthread_rwlock_trywrlock(&store->lock.rwlock)
		     : pthread_rwlock_tryrdlock(&store->lock.rwlock);
}

static int store_wait(struct store *store, enum lock_kind kind, bool write)
{
	if (kind == LOCK_MUTEX)
		return pthread_mutex_lock(&store->lock.mutex);
	if (kind == LOCK_SPIN)
		return pthread_spin_lock(&store->lock.spin);
	return write ? pthread_rwlock_wrlock(&store->lock.rwlock)
		     : pthread_rwlock_rdlock(&store->lock.rwlock);
}

static void store_lock(struct worker *worker, enum lock_kind kind, bool write)
{
	struct store *store = worker->domain;
	uint64_t began;
	int r;

	if (store_trylock(store, kind, write) == 0)
		return;
	began = work_now_nsec();
	r = store_wait(store, kind, write);
	if (r != 0)
		work_die("lock", r);
	worker->figures->wait_nsec += work_now_nsec() - began;
	worker->figures->waits++;
}

static void store_unlock(struct store *store, enum lock_kind kind)
{
	if (kind == LOCK_MUTEX)
		pthread_mutex_unlock(&store->lock.mutex);
	else if (kind == LOCK_SPIN)
		pthread_spin_unlock(&store->lock.spin);
	else
		pthread_rwlock_unlock(&store->lock.rwlock);
}

static struct entry *store_find(struct store *store, uint64_t key)
{
	struct entry *entry = store->buckets[store_bucket(store, key)];

	while (entry && entry->key != key)
		entry = entry->next;
	return entry;
}

static void store_replace(struct store *store, uint64_t key, const struct value *value)
{
	struct entry *entry = store_find(store, key);
	uint64_t sequence = store->sequence++;

	entry->value = *value;
	store->log[sequence % store->n_records] =
		(struct record){ .sequence = sequence, .key = key, .value = *value };
}

static uint64_t store_once(struct worker *worker, enum lock_kind kind)
{
	struct store *store = worker->domain;
	uint64_t random = work_random(worker), key = random % store->n_keys;
	bool write = (random >> 40) % 100 < STORE_WRITES_PCT;
	struct value value;

	if (write) {
		value_fill(&value, random);
		store_lock(worker, kind, true);
		store_replace(store, key, &value);
		store_unlock(store, kind);
		return 0;
	}
	store_lock(worker, kind, false);
	value = store_find(store, key)->value;
	store_unlock(store, kind);
	if (value_sum(&value) != value.sum)
		work_die("a value was read while it was written: the lock does not lock", EIO);
	return 0;
}

/* A store with its kind of lock. */
#define STORE(name, kind, init)                                                                    \
	static int name##_open(const struct domain_args *args, void **ret)                         \
	{                                                                                          \
		int r = store_open(args, ret);                                                     \
                                                                                                   \
		return r < 0 ? r : -init(&((struct store *)*ret)->lock.name, 0);                   \
	}                                                                                          \
	static uint64_t name##_once(struct worker *worker)                                         \
	{                                                                                          \
		return store_once(worker, kind);                                                   \
	}                                                                                          \
	WORK(name, .open = name##_open, .close = store_close, .once = name##_once)

STORE(mutex, LOCK_MUTEX, pthread_mutex_init);
STORE(spin, LOCK_SPIN, pthread_spin_init); /* PTHREAD_PROCESS_PRIVATE is 0 */
STORE(rwlock, LOCK_RWLOCK, pthread_rwlock_init);
