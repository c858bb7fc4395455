// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * victim.c - the program that vcbench moves; it measures how long it was stopped
 *
 *	victim MIB LOG
 *
 * Fills MIB MiB with numbers that can be neither compressed nor shared, then loops: it reads the
 *clock, reads a part of the memory, and sleeps a quarter of a millisecond. The difference of
 *CLOCK_REALTIME between two loops shows for how long the program was stopped. It writes to LOG only
 *(victim.h) and has only its standard descriptors.
 */
#include "bench/victim.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"

#define PAGE_WORDS 512
#define TURN_USEC 250
#define IDLE_USEC 20000
#define TURN_PAGES 8

/* splitmix64 (Steele, Lea, Flood 2014) as a function of the position. */
static uint64_t victim_word(uint64_t position)
{
	uint64_t z = (position + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static bool victim_page_is_good(const uint64_t *memory, uint64_t page)
{
	for (uint64_t i = page * PAGE_WORDS; i < (page + 1) * PAGE_WORDS; i++)
		if (memory[i] != victim_word(i))
			return false;
	return true;
}

static void victim_check(struct victim_log *log, const uint64_t *memory, uint64_t first, uint64_t n)
{
	for (uint64_t page = first; page < first + n; page++)
		if (!victim_page_is_good(memory, page))
			log->bad_pages++;
}

static void victim_note(struct victim_log *log, uint64_t last, uint64_t now)
{
	uint64_t n = log->n_gaps;

	if (now < last + VICTIM_GAP_USEC)
		return;
	log->gaps[n % VICTIM_GAPS] = (struct victim_gap){ .at_usec = now, .usec = now - last };
	log->n_gaps = n + 1;
}

static void victim_loop(struct victim_log *log, const uint64_t *memory, uint64_t pages)
{
	uint64_t last = clock_real_usec(), page = 0;

	for (;;) {
		uint64_t now = clock_real_usec(), n = pages < TURN_PAGES ? pages : TURN_PAGES;
		uint32_t order = log->order;

		if (order == VICTIM_END)
			return;
		if (order != VICTIM_IDLE)
			victim_note(log, last, now);
		last = now;
		log->turns++;
		if (order == VICTIM_CHECK) {
			victim_check(log, memory, 0, pages);
			log->checks++;
			log->order = VICTIM_RUN;
			last = clock_real_usec();
		}
		victim_check(log, memory, page, n);
		page = page + 2 * n <= pages ? page + n : 0;
		clock_sleep_usec(order == VICTIM_IDLE ? IDLE_USEC : TURN_USEC);
		if (order == VICTIM_IDLE)
			last = clock_real_usec();
	}
}

int main(int argc, char **argv)
{
	uint64_t pages = argc == 3 ? strtoull(argv[1], NULL, 10) << 8 : 0;
	struct victim_log *log = MAP_FAILED;
	uint64_t *memory;
	int fd = argc == 3 ? open(argv[2], O_RDWR | O_CLOEXEC) : -1;

	if (fd >= 0)
		log = mmap(NULL, sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pages == 0 || log == MAP_FAILED) {
		fputs("Usage: victim MIB LOG; vcbench starts it\n", stderr);
		return 2;
	}
	close(fd);
	memory = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED) {
		perror("victim: memory");
		return 1;
	}
	for (uint64_t i = 0; i < pages * PAGE_WORDS; i++)
		memory[i] = victim_word(i);
	log->pid = getpid();
	atomic_thread_fence(memory_order_release);
	log->magic = VICTIM_MAGIC;
	victim_loop(log, memory, pages);
	return log->bad_pages > 0;
}
