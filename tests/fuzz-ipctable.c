// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * fuzz-ipctable.c - a damaged table of IPC objects, as a daemon meets it
 *
 * A good table with some objects and openers is made once. The input is a list of places
 * (3 bytes), lengths (1 byte) and bytes to be put there. A daemon then maps it, looks
 * things up, changes them, checks, repairs, and does it all again: it may be told -EUCLEAN
 * or anything else, and must neither crash, nor read elsewhere, nor go round for ever. The lock's
 * own bytes are the C library's business and are left alone. Build with ./configure CC=clang
 * --enable-fuzzers.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipcmap/kind.h"
#include "ipcmap/table/layout.h"

#define FUZZ_COLUMNS 3
#define FUZZ_ENTRIES 32
#define FUZZ_OBJECTS 12
#define FUZZ_PIDS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char fuzz_path[64];
static uint8_t *good, *file; /* the good table, and the file that is mapped by the daemon */
static size_t good_size;

static size_t fuzz_name(char *buf, unsigned int i)
{
	return (size_t)sprintf(buf, "name-%u", i);
}

static void fuzz_fill(struct table *table)
{
	for (unsigned int i = 0; i < FUZZ_OBJECTS; i++) {
		struct table_object object = { .kind = i % 3 ? IPC_KIND_SEM : IPC_KIND_POSIX_MQ,
					       .persistent = i % 4 == 0,
					       .cuid = i % 2 };
		uint64_t id;

		object.name_len = i % 5 ? fuzz_name(object.name, i) : 0;
		if (entry_make(table, &object, TABLE_UNLIMITED, &id, NULL) < 0)
			abort();
		if (i != 7) /* whose maker has died */
			entry_made(table, id);
		for (unsigned int k = 0; i != 7 && k < i % 4; k++) {
			struct table_opener who = { .pid = (pid_t)(1 + (i + k) % FUZZ_PIDS),
						    .column = (i + k) % FUZZ_PIDS % FUZZ_COLUMNS };

			opener_count_in(table, id, &who, 1 + k, 0, TABLE_UNLIMITED, NULL);
		}
	}
}

static void fuzz_prepare(void)
{
	struct table *table;
	int fd;

	snprintf(fuzz_path, sizeof(fuzz_path), "/dev/shm/fuzz-ipctable.%d", (int)getpid());
	if (table_create(AT_FDCWD, fuzz_path, FUZZ_COLUMNS, FUZZ_ENTRIES, NULL) < 0 ||
	    table_open(AT_FDCWD, fuzz_path, &table, NULL) < 0 || table_lock(table, NULL) < 0)
		abort();
	fuzz_fill(table);
	table_unlock(table);
	good_size = table->size;
	table_close(table);
	fd = open(fuzz_path, O_RDWR | O_CLOEXEC);
	good = malloc(good_size);
	file = mmap(NULL, good_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || !good || file == MAP_FAILED)
		abort();
	memcpy(good, file, good_size);
	close(fd);
}

/* Two bytes choose a place, one byte the part of the table where it is. */
static size_t fuzz_place(const struct table *layout, const uint8_t *data)
{
	unsigned int part = data[2] % (2 * ITEM_KINDS + 2);
	size_t base = 0, at = ((size_t)data[0] | (size_t)data[1] << 8) % 16384;

	if (part < ITEM_KINDS)
		base = layout->geometry[part].items_at;
	else if (part < 2 * ITEM_KINDS)
		base = layout->geometry[part - ITEM_KINDS].buckets_at;
	else if (part == 2 * ITEM_KINDS)
		base = layout->columns_at;
	return (base + at) % good_size;
}

static void fuzz_damage(const uint8_t *data, size_t size)
{
	size_t lock = offsetof(struct table_header, lock);
	struct table layout;

	table_lay_out(&layout, FUZZ_COLUMNS, FUZZ_ENTRIES);
	memcpy(file, good, good_size);
	while (size > 4) {
		size_t at = fuzz_place(&layout, data), n = data[3] % 64;

		data += 4;
		size -= 4;
		n = n < size ? n : size;
		n = n < good_size - at ? n : good_size - at;
		memcpy(file + at, data, n);
		data += n;
		size -= n;
	}
	memcpy(file + lock, good + lock, sizeof(pthread_mutex_t));
}

static void fuzz_look(struct table *table, uint64_t id)
{
	struct table_object object;
	struct table_column column;

	entry_get(table, id, &object);
	for (uint32_t c = 0; c <= FUZZ_COLUMNS; c++)
		entry_get_column(table, id, c, &column);
	entry_find_id(table, id, &id);
	entry_find_id(table, id & INT32_MAX, &id);
}

static void fuzz_read(struct table *table)
{
	struct table_opener opener;
	uint64_t id, cursor = 0;
	uint32_t at = 0, count;
	char name[32];

	for (unsigned int i = 0; i < FUZZ_OBJECTS; i++) {
		size_t len = fuzz_name(name, i);

		if (entry_find(table, i % 3 ? IPC_KIND_SEM : IPC_KIND_POSIX_MQ, name, len, &id) ==
		    0)
			fuzz_look(table, id);
	}
	while (entry_next(table, &cursor, &id) == 0)
		fuzz_look(table, id);
	while (opener_next(table, &at, &opener) == 0)
		opener_find(table, opener.pid, &opener);
	for (pid_t pid = 0; pid <= FUZZ_PIDS; pid++) {
		/* A damaged list may be a ring; who walks it counts, as daemon/ipc/ipc.c does. */
		cursor = 0;
		for (int i = 0; i < FUZZ_ENTRIES; i++)
			if (opener_next_object(table, pid, &cursor, &id, &count) < 0)
				break;
	}
}

static void fuzz_change(struct table *table)
{
	struct table_opener who = { .pid = 3, .column = 1 };
	struct table_object object = { .kind = IPC_KIND_SEM, .name_len = 3, .name = "new" };
	uint64_t cursor = 0, id;
	unsigned int i = 0;

	if (entry_make(table, &object, TABLE_UNLIMITED, &id, NULL) == 0)
		entry_made(table, id);
	while (entry_next(table, &cursor, &id) == 0) {
		who.pid = (pid_t)(i++ % FUZZ_PIDS + 1);
		opener_count_in(table, id, &who, 1, 0, 5, NULL);
		opener_count_out(table, id, (pid_t)(i % FUZZ_PIDS), 0);
		if (i % 3 == 0)
			entry_unlink(table, id);
	}
	opener_move(table, 1, 2, 9, 9);
	opener_move(table, 2, 0, 9, 9);
	opener_drop(table, 3);
	cursor = 0;
	while (entry_next_idle(table, &cursor, 9, 9, &id) == 0)
		entry_remove(table, id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table *table;
	struct vc_err err;

	if (!good)
		fuzz_prepare();
	fuzz_damage(data, size);
	if (table_open(AT_FDCWD, fuzz_path, &table, &err) < 0)
		return 0;
	for (int i = 0; i < 3; i++) {
		if (table_lock(table, &err) < 0)
			abort();
		fuzz_read(table);
		fuzz_change(table);
		check_table(table, &err);
		/* The second time as after a daemon's death. */
		if (i == 0)
			repair_table(table);
		if (i == 0 && size == 0 && check_table(table, &err) < 0)
			abort();
		fuzz_read(table);
		table_unlock(table);
	}
	table_close(table);
	return 0;
}
