// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * table.c - the shared table's file: made, mapped, locked
 */
#include "ipcmap/table/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/trust.h"
#include "ipcmap/table/layout.h"

#define TABLE_FIRST_BUCKETS 1024
#define TABLE_PROCS_MIN 1024
#define TABLE_PROCS_MAX (1u << 22) /* as many PIDs as Linux can have */
#define TABLE_OPENS_PER_ENTRY 4
#define TABLE_LOCK_SEC 5

/* Each part begins on a page. */
static size_t table_round(size_t size)
{
	return (size + 4095) & ~(size_t)4095;
}

static uint32_t table_power(uint32_t n)
{
	uint32_t power = TABLE_FIRST_BUCKETS;

	while (power < n)
		power *= 2;
	return power;
}

static uint32_t table_bits(uint32_t n_entries)
{
	uint32_t bits = 4;

	while (1u << bits < n_entries)
		bits++;
	return bits;
}

void table_lay_out(struct table *table, uint32_t n_columns, uint32_t n_entries)
{
	uint32_t procs = n_entries < TABLE_PROCS_MIN   ? TABLE_PROCS_MIN
			 : n_entries > TABLE_PROCS_MAX ? TABLE_PROCS_MAX
						       : n_entries;
	struct item_geometry *g = table->geometry;
	size_t at = table_round(sizeof(struct table_header));

	g[ITEM_ENTRY] = (struct item_geometry){ .item_size = sizeof(struct table_entry),
						.capacity = n_entries };
	g[ITEM_OPEN] = (struct item_geometry){ .item_size = sizeof(struct table_open),
					       .capacity = TABLE_OPENS_PER_ENTRY * n_entries };
	g[ITEM_PROC] =
		(struct item_geometry){ .item_size = sizeof(struct table_proc), .capacity = procs };
	g[ITEM_USER] = (struct item_geometry){ .item_size = sizeof(struct table_user),
					       .capacity = n_entries + procs };
	for (int i = 0; i < ITEM_KINDS; i++) {
		g[i].max_buckets = table_power(g[i].capacity);
		g[i].items_at = at;
		at += table_round((size_t)g[i].capacity * g[i].item_size);
		g[i].buckets_at = at;
		at += table_round(g[i].max_buckets * sizeof(uint32_t));
	}
	table->columns_at = at;
	at += table_round((size_t)n_entries * n_columns * sizeof(struct table_column));
	table->size = at;
	table->n_columns = n_columns;
	table->n_entries = n_entries;
	table->index_bits = table_bits(n_entries);
}

static bool table_is_in_range(uint32_t n_columns, uint32_t n_entries)
{
	return n_columns >= 1 && n_columns <= TABLE_COLUMNS_MAX && n_entries >= TABLE_ENTRIES_MIN &&
	       n_entries <= TABLE_ENTRIES_MAX;
}

int table_back(struct table *table, size_t at, size_t size)
{
	int r;

	do
		r = fallocate(table->fd, 0, (off_t)at, (off_t)size);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int table_init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int r = pthread_mutexattr_init(&attr);

	if (r == 0)
		r = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (r == 0)
		r = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (r == 0)
		r = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -r;
}

/* Fills a file that is all zero. */
static int table_init(struct table *table)
{
	struct table_header *map = table->map;
	int r = table_back(table, 0, sizeof(*map));

	if (r < 0)
		return r;
	map->version = TABLE_VERSION;
	map->n_columns = table->n_columns;
	map->n_entries = table->n_entries;
	map->size = table->size;
	map->first_idle = TABLE_NONE;
	if (getrandom(map->key, sizeof(map->key), 0) < 0)
		return -errno;
	for (int i = 0; i < ITEM_KINDS; i++) {
		r = table_back(table, table->geometry[i].buckets_at,
			       TABLE_FIRST_BUCKETS * sizeof(uint32_t));
		if (r < 0)
			return r;
		map->pools[i].n_buckets = TABLE_FIRST_BUCKETS;
		item_rebuild(table, (enum item_kind)i);
	}
	r = table_init_lock(&map->lock);
	map->magic = TABLE_MAGIC;
	return r;
}

static int table_map(struct table *table)
{
	void *map = mmap(NULL, table->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			 table->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	table->map = map;
	return 0;
}

int table_create(int dirfd, const char *path, uint32_t n_columns, uint32_t n_entries,
		 struct vc_err *err)
{
	struct table table = { .fd = -1 };
	char fresh[256];
	int r = 0;

	if (!table_is_in_range(n_columns, n_entries))
		return err_set(err, EINVAL,
			       "table of IPC objects with %u columns and %u entries: 1 to %d and "
			       "%d to %u are possible",
			       n_columns, n_entries, TABLE_COLUMNS_MAX, TABLE_ENTRIES_MIN,
			       TABLE_ENTRIES_MAX);
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return err_sys(err, ENAMETOOLONG, "table of IPC objects %s", path);
	table_lay_out(&table, n_columns, n_entries);
	table.fd = openat(dirfd, fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (table.fd < 0)
		return err_sys(err, errno, "table of IPC objects %s", fresh);
	if (ftruncate(table.fd, (off_t)table.size) < 0)
		r = -errno;
	if (r == 0)
		r = table_map(&table);
	if (r == 0) {
		r = table_init(&table);
		munmap(table.map, table.size);
	}
	if (r == 0 && renameat(dirfd, fresh, dirfd, path) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, fresh, 0);
	close(table.fd);
	return r < 0 ? err_sys(err, -r, "make the table of IPC objects %s", path) : 0;
}

/* The two numbers that everything is computed from, and whether the rest is as they say. */
static int table_check_header(const struct table_header *header, size_t size, struct table *table,
			      struct vc_err *err)
{
	if (header->magic != TABLE_MAGIC)
		return err_set(err, EPROTO, "it is no table of IPC objects");
	if (header->version != TABLE_VERSION)
		return err_set(
			err, EPROTO,
			"it has version %u, this is %u: restart vcrun (vcctl down, vcctl up)",
			header->version, TABLE_VERSION);
	if (!table_is_in_range(header->n_columns, header->n_entries))
		return err_set(err, EPROTO, "it is damaged: %u columns, %u entries",
			       header->n_columns, header->n_entries);
	table_lay_out(table, header->n_columns, header->n_entries);
	if (header->size != table->size || size != table->size)
		return err_set(err, EPROTO, "it is torn: %zu bytes, expected %zu", size,
			       table->size);
	return 0;
}

static int table_open_fd(struct table *table, struct vc_err *err)
{
	struct table_header header;
	struct stat st;
	ssize_t n;
	int r;

	if (fstat(table->fd, &st) < 0)
		return err_sys(err, errno, "look at it");
	n = S_ISREG(st.st_mode) ? pread(table->fd, &header, sizeof(header), 0) : 0;
	if (n != (ssize_t)sizeof(header))
		return err_set(err, EPROTO, "it is no table of IPC objects");
	r = table_check_header(&header, (size_t)st.st_size, table, err);
	if (r < 0)
		return r;
	r = table_map(table);
	return r < 0 ? err_sys(err, -r, "map it") : 0;
}

int table_open(int dirfd, const char *path, struct table **ret, struct vc_err *err)
{
	struct table *table = calloc(1, sizeof(*table));
	int r;

	if (!table)
		return err_sys(err, ENOMEM, "table of IPC objects");
	table->fd = trust_openat(dirfd, path, O_RDWR, 0);
	r = table->fd < 0 ? err_sys(err, -table->fd, "open it") : table_open_fd(table, err);
	if (r < 0) {
		table_close(table);
		err_add(err, "table of IPC objects %s", path);
		return r;
	}
	*ret = table;
	return 0;
}

void table_close(struct table *table)
{
	if (!table)
		return;
	if (table->map)
		munmap(table->map, table->size);
	closep(&table->fd);
	free(table);
}

int table_lock(struct table *table, struct vc_err *err)
{
	struct table_header *map = table->map;
	struct timespec until;
	int r = pthread_mutex_trylock(&map->lock);

	/* A holder that is stopped must not stop all daemons. */
	if (r == EBUSY) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += TABLE_LOCK_SEC;
		r = pthread_mutex_clocklock(&map->lock, CLOCK_MONOTONIC, &until);
	}
	if (r == ETIMEDOUT)
		return err_set(
			err, ETIMEDOUT,
			"the daemon with pid %u holds the table of IPC objects for more than "
			"%d s; end it, 'vcctl up' starts it anew",
			map->holder, TABLE_LOCK_SEC);
	if (r != 0 && r != EOWNERDEAD)
		return err_sys(err, r, "lock the table of IPC objects");
	map->holder = (uint32_t)getpid();
	if (r == EOWNERDEAD || map->damaged)
		repair_table(table);
	if (r == EOWNERDEAD)
		pthread_mutex_consistent(&map->lock);
	return 0;
}

void table_unlock(struct table *table)
{
	pthread_mutex_unlock(&table->map->lock);
}

int table_damaged(struct table *table)
{
	table->map->damaged = 1;
	return -EUCLEAN;
}

uint64_t table_repairs(const struct table *table)
{
	return table->map->repairs;
}

uint32_t table_columns(const struct table *table)
{
	return table->n_columns;
}

void table_note_done(struct table *table, uint64_t token, uint64_t id)
{
	if (token)
		table->map->done[table->map->n_done++ % TABLE_DONE] =
			(struct table_done){ .token = token, .id = id };
}

bool table_was_done(const struct table *table, uint64_t token, uint64_t *ret_id)
{
	for (size_t i = 0; token && i < TABLE_DONE; i++)
		if (table->map->done[i].token == token) {
			*ret_id = table->map->done[i].id;
			return true;
		}
	return false;
}

void table_usage(const struct table *table, uint32_t *ret_used, uint32_t *ret_capacity)
{
	*ret_used = table->map->pools[ITEM_ENTRY].used;
	*ret_capacity = table->n_entries;
}

uint64_t table_changes(const struct table *table, uint32_t column)
{
	return column < table->n_columns
		       ? __atomic_load_n(&table->map->changes[column], __ATOMIC_RELAXED)
		       : 0;
}
