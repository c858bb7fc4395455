// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * io-victim.c - a process that is under I/O all the time, and looks where its pages are
 *
 *	io-victim MEBIBYTES DIRECTORY
 *
 * It has so much memory, each page with words of its own, which it compares and replaces. Beside
 * that some pages are
 *	- written to a file in DIRECTORY, and read back, without the page cache, by pwrite(2) and
 *pread(2);
 *	- the same by Linux's asynchronous I/O, of which SLOTS pieces are always under way;
 *	- in a pipe, by vmsplice(2), for HOLD_MSEC in each PERIOD_MSEC: I/O as slow as one likes.
 *
 * For each line it reads, the number of a node, it lets all I/O end, asks for the node of every
 * page, and writes a line: its pages, how many of them are elsewhere, the words found wrong, and,
 *since the line before, its turns and the longest one in milliseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096u
#define SLOTS 8u /* asynchronous; one more is synchronous */
#define SLOT_BYTES (16 * PAGE)
#define HELD_BYTES (16 * PAGE) /* what a pipe holds */
#define HOLD_MSEC 400
#define PERIOD_MSEC 800
#define PAGES_A_TURN 64

/* A piece of the file, and of the memory: written, then read. */
struct slot {
	char *at;
	uint64_t version;
	bool reading;
	struct iocb iocb;
};

static char *arena; /* all of it: the memory, the slots, what the pipe holds */
static size_t arena_pages, memory_pages;
static uint64_t *versions; /* of each page of the memory */
static struct slot slots[SLOTS + 1];
static aio_context_t aio;
static unsigned int under_way;
static int file, pipe_in, pipe_out;
static char *held;
static uint64_t held_version, held_since_msec;
static bool holding;
static unsigned long wrong;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_msec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- words: of an address and a version, so that no two pages are alike ----------------------- */

static uint64_t word(const char *at, uint64_t version, size_t i)
{
	return ((uintptr_t)at + version + 1) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static void fill(char *at, size_t size, uint64_t version)
{
	for (size_t i = 0; i < size / 8; i++)
		((uint64_t *)at)[i] = word(at, version, i);
}

/* Whether data are what fill() put at this address. */
static void compare(const char *data, const char *at, size_t size, uint64_t version)
{
	for (size_t i = 0; i < size / 8; i++)
		wrong += ((const uint64_t *)data)[i] != word(at, version, i);
}

/* --- each kind of I/O ------------------------------------------------------------------------- */

static void submit(struct slot *slot)
{
	struct iocb *iocb = &slot->iocb;

	*iocb = (struct iocb){
		.aio_data = (uintptr_t)slot,
		.aio_lio_opcode = slot->reading ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
		.aio_fildes = (uint32_t)file,
		.aio_buf = (uintptr_t)slot->at,
		.aio_nbytes = SLOT_BYTES,
		.aio_offset = (slot - slots) * (long)SLOT_BYTES,
	};
	if (syscall(SYS_io_submit, aio, 1, &iocb) != 1)
		die("io_submit");
	under_way++;
}

/* What was written is read next, into memory that has something else. */
static void turn_round(struct slot *slot)
{
	if (slot->reading) {
		compare(slot->at, slot->at, SLOT_BYTES, slot->version);
		fill(slot->at, SLOT_BYTES, ++slot->version);
	} else {
		memset(slot->at, 0, SLOT_BYTES);
	}
	slot->reading = !slot->reading;
}

static void reap(bool go_on)
{
	struct io_event events[SLOTS];
	long n = syscall(SYS_io_getevents, aio, 1, SLOTS, events, NULL);

	if (n < 0 && errno != EINTR)
		die("io_getevents");
	for (long i = 0; i < n; i++) {
		struct slot *slot = (struct slot *)(uintptr_t)events[i].data;

		under_way--;
		if (events[i].res != SLOT_BYTES) {
			errno = events[i].res < 0 ? (int)-events[i].res : EIO;
			die("asynchronous I/O");
		}
		turn_round(slot);
		if (go_on)
			submit(slot);
	}
}

static void go_through_synchronous(void)
{
	struct slot *slot = &slots[SLOTS];
	off_t offset = (off_t)SLOTS * SLOT_BYTES;
	ssize_t n = slot->reading ? pread(file, slot->at, SLOT_BYTES, offset)
				  : pwrite(file, slot->at, SLOT_BYTES, offset);

	if (n != SLOT_BYTES)
		die(slot->reading ? "pread" : "pwrite");
	turn_round(slot);
}

static void hold(void)
{
	struct iovec iov = { .iov_base = held, .iov_len = HELD_BYTES };

	fill(held, HELD_BYTES, ++held_version);
	if (vmsplice(pipe_in, &iov, 1, 0) != HELD_BYTES)
		die("vmsplice");
	holding = true;
	held_since_msec = now_msec();
}

static void let_go(void)
{
	static uint64_t copy[HELD_BYTES / 8];

	if (!holding)
		return;
	if (read(pipe_out, copy, HELD_BYTES) != HELD_BYTES)
		die("read from the pipe");
	compare((char *)copy, held, HELD_BYTES, held_version);
	compare(held, held, HELD_BYTES, held_version);
	holding = false;
}

static void go_through_memory(void)
{
	static size_t page;

	for (unsigned int i = 0; i < PAGES_A_TURN; i++) {
		char *at = arena + page * PAGE;

		compare(at, at, PAGE, versions[page]);
		fill(at, PAGE, ++versions[page]);
		page = (page + 1) % memory_pages;
	}
}

static void take_turn(void)
{
	uint64_t since = now_msec() - held_since_msec;

	reap(true);
	go_through_synchronous();
	if (holding && since >= HOLD_MSEC)
		let_go();
	else if (!holding && since >= PERIOD_MSEC)
		hold();
	go_through_memory();
}

/* --- where its pages are ---------------------------------------------------------------------- */

static size_t count_elsewhere(int node)
{
	void **pages = calloc(arena_pages, sizeof(*pages));
	int *nodes = calloc(arena_pages, sizeof(*nodes));
	size_t n = 0;

	if (!pages || !nodes)
		die("calloc");
	for (size_t i = 0; i < arena_pages; i++)
		pages[i] = arena + i * PAGE;
	if (syscall(SYS_move_pages, 0, arena_pages, pages, NULL, nodes, 0) < 0)
		die("move_pages");
	for (size_t i = 0; i < arena_pages; i++)
		n += nodes[i] != node;
	free(pages);
	free(nodes);
	return n;
}

static void answer(int node, unsigned long turns, uint64_t longest_msec)
{
	while (under_way > 0)
		reap(false);
	let_go();
	for (size_t i = 0; i < memory_pages; i++)
		compare(arena + i * PAGE, arena + i * PAGE, PAGE, versions[i]);
	printf("%zu %zu %lu %lu %lu\n", arena_pages, count_elsewhere(node), wrong, turns,
	       (unsigned long)longest_msec);
	fflush(stdout);
	for (unsigned int i = 0; i < SLOTS; i++)
		submit(&slots[i]);
}

static void set_up(size_t size, const char *dir)
{
	size_t all = size + (SLOTS + 1) * SLOT_BYTES + HELD_BYTES;
	char path[4096];
	int ends[2];

	arena = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory_pages = size / PAGE;
	arena_pages = all / PAGE;
	versions = calloc(memory_pages, sizeof(*versions));
	if (arena == MAP_FAILED || !versions)
		die("memory");
	snprintf(path, sizeof(path), "%s/io-victim.XXXXXX", dir);
	file = mkostemp(path, O_DIRECT | O_CLOEXEC);
	if (file < 0 || unlink(path) < 0 || pipe(ends) < 0)
		die(path);
	pipe_out = ends[0];
	pipe_in = ends[1];
	if (syscall(SYS_io_setup, SLOTS, &aio) < 0)
		die("io_setup");
	for (size_t i = 0; i < memory_pages; i++)
		fill(arena + i * PAGE, PAGE, versions[i]);
	for (unsigned int i = 0; i <= SLOTS; i++) {
		slots[i].at = arena + size + i * SLOT_BYTES;
		fill(slots[i].at, SLOT_BYTES, 0);
		if (i < SLOTS)
			submit(&slots[i]);
	}
	held = arena + size + (SLOTS + 1) * SLOT_BYTES;
	hold();
}

int main(int argc, char **argv)
{
	size_t size = argc == 3 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t longest_msec = 0;
	unsigned long turns = 0;
	char line[64];

	if (size == 0)
		return 2;
	set_up(size, argv[2]);
	for (;;) {
		uint64_t took, began = now_msec();

		take_turn();
		took = now_msec() - began;
		longest_msec = took > longest_msec ? took : longest_msec;
		turns++;
		if (poll(&input, 1, 0) <= 0)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return 0;
		answer(atoi(line), turns, longest_msec);
		turns = 0;
		longest_msec = 0;
	}
}
