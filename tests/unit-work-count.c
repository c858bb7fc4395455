// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-work-count.c - what the kernel counts is counted; what the CPU does not is not known
 */
#include "bench/work/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SLEEPS 20
#define PAGES 100

static void assert_at_least(const char *what, int64_t got, int64_t least)
{
	if (got >= least)
		return;
	print_error("%s: got %ld, expected at least %ld\n", what, (long)got, (long)least);
	fail();
}

static void test_scale(void **state)
{
	assert_int_equal(count_scale(1000, 500, 500), 1000);
	assert_int_equal(count_scale(1000, 500, 250), 2000);
	assert_int_equal(count_scale(0, 500, 250), 0);
	assert_int_equal(count_scale(1000, 500, 0), -1);
	assert_int_equal(count_scale(0, 0, 0), -1);
	/* Beyond 32 bits: a second of cycles by nanoseconds. */
	assert_int_equal(count_scale(4000000000, 1000000000, 500000000), 8000000000);
}

static void touch_pages(void)
{
	char *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	assert_ptr_not_equal(pages, MAP_FAILED);
	madvise(pages, PAGES * 4096, MADV_NOHUGEPAGE);
	for (int i = 0; i < PAGES; i++)
		pages[i * 4096] = 1;
	munmap(pages, PAGES * 4096);
}

/* A child's, too: fork is one of the works. */
static void touch_pages_in_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		touch_pages();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_counts(void **state)
{
	int fds[N_COUNTERS];
	int64_t counts[N_COUNTERS];

	count_begin(fds);
	if (fds[COUNTER_SWITCHES] < 0) {
		print_message("skipped: perf_event_open(2) is not allowed here\n");
		skip();
	}
	for (int i = 0; i < SLEEPS; i++)
		usleep(1000);
	touch_pages();
	touch_pages_in_child();
	count_end(fds, counts);
	assert_at_least("context switches", counts[COUNTER_SWITCHES], SLEEPS);
	assert_at_least("page faults", counts[COUNTER_PAGE_FAULTS], 2 * PAGES);
	assert_at_least("migrations", counts[COUNTER_MIGRATIONS], 0);
	/* Either the CPU counts, and cannot have done nothing, or it is said not to. */
	for (int i = COUNTER_CYCLES; i <= COUNTER_INSTRUCTIONS; i++)
		assert_true(counts[i] == -1 || counts[i] > 100000);
	if (counts[COUNTER_CYCLES] == -1)
		assert_int_equal(counts[COUNTER_HITM], -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
