// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-lease.c - the lease of the watch: taken over when overdue, and a late holder notices
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/statedir.h"

#include "partition/change/lease.h"

#define SEC UINT64_C(1000000)
#define T0 (100 * SEC)

static char dir[64];
static int dirfd_;
static struct lease *a, *b;

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/vcrun-lease.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
	return lease_open(dirfd_, &a, NULL) || lease_open(dirfd_, &b, NULL);
}

static int teardown(void **state)
{
	lease_free(a);
	lease_free(b);
	unlinkat(dirfd_, STATE_LEASE, 0);
	close(dirfd_);
	return rmdir(dir);
}

/* Whose call at which time has which epoch; 0: not the holder. */
static void test_turns(void **state)
{
	static const struct {
		const char *what;
		char who;
		uint64_t at_usec;
		uint32_t epoch;
	} steps[] = {
		{ "nobody has had it", 'a', T0, 1 },
		{ "renewed", 'a', T0 + SEC, 1 },
		{ "another has it", 'b', T0 + 2 * SEC, 0 },
		{ "not overdue yet", 'b', T0 + 3 * SEC, 0 },
		{ "late, but before anybody took it", 'a', T0 + 4 * SEC, 1 },
		{ "overdue", 'b', T0 + 6 * SEC + 1000, 2 },
		{ "a late holder notices", 'a', T0 + 6 * SEC + 2000, 0 },
		{ "and again", 'a', T0 + 7 * SEC, 0 },
		{ "the new one renews", 'b', T0 + 8 * SEC, 2 },
		{ "back", 'a', T0 + 11 * SEC, 3 },
		{ "a clock a moment behind", 'b', T0 + 11 * SEC - 1000, 0 },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint32_t epoch = lease_hold(steps[i].who == 'a' ? a : b,
					    steps[i].who == 'a' ? 0 : 255, steps[i].at_usec);

		if (epoch != steps[i].epoch)
			fail_msg("%s: epoch %u, expected %u", steps[i].what, epoch, steps[i].epoch);
	}
}

/* What was ordered under an epoch counts until another takes the lease, and not for longer. */
static void test_orders(void **state)
{
	uint32_t epoch = lease_hold(a, 0, T0);

	assert_true(lease_is_current(b, epoch));
	assert_int_not_equal(lease_hold(b, 1, T0 + 3 * SEC), 0);
	assert_false(lease_is_current(a, epoch));
}

static void test_given_back(void **state)
{
	uint32_t epoch = lease_hold(a, 0, T0);

	lease_give_back(a);
	assert_true(lease_is_current(b, epoch));
	assert_int_equal(lease_hold(b, 1, T0 + 1000), epoch + 1);
	lease_give_back(a); /* what is not ours is not given back */
	assert_int_equal(lease_hold(a, 0, T0 + 2000), 0);
}

static void test_notes(void **state)
{
	lease_note(a, 1234567);
	assert_int_equal(lease_noted(b), 1234567);
}

/* Whatever stands in the file, the lease is to be had. */
static void test_rubbish(void **state)
{
	static const uint64_t words[] = { UINT64_MAX, UINT64_MAX >> 24, 1, UINT64_C(1) << 63 };
	int fd = openat(dirfd_, STATE_LEASE, O_RDWR);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(pwrite(fd, &words[i], sizeof(words[i]), 0), sizeof(words[i]));
		if (!lease_hold(a, 0, T0))
			fail_msg("not to be had over %llx", (unsigned long long)words[i]);
	}
	close(fd);
}

/* Of many who find it overdue in the same moment one has it. */
static void test_race(void **state)
{
	enum { PROCESSES = 4, ROUNDS = 500 };
	struct {
		pthread_barrier_t barrier;
		_Atomic unsigned int took[ROUNDS];
	} *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &attr, PROCESSES);
	for (int p = 0; p < PROCESSES; p++) {
		if (fork() > 0)
			continue;
		alarm(60);
		for (unsigned int i = 0; i < ROUNDS; i++) {
			struct lease *own;

			pthread_barrier_wait(&shared->barrier);
			if (lease_open(dirfd_, &own, NULL) < 0)
				abort();
			/* Each round is so late that the one before is overdue. */
			if (lease_hold(own, (uint8_t)p, T0 + i * 3 * SEC))
				shared->took[i]++;
			lease_free(own);
		}
		_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		int status;

		wait(&status);
		assert_int_equal(status, 0);
	}
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (shared->took[i] != 1)
			fail_msg("round %u: %u processes had it", i, shared->took[i]);
	}
	munmap(shared, sizeof(*shared));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rubbish, setup, teardown),
		cmocka_unit_test_setup_teardown(test_race, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
