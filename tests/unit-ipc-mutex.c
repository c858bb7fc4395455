// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipc-mutex - robust mutexes: one holder at a time, and the death of each is told once
 */
#include "tests/ipc-test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"

#define THREADS 4
#define ROUNDS 20000

static vcipc_mutex *new_mutex(void)
{
	vcipc_mutex *mutex = vcipc_mutex_open(ipc_test_name(), VCIPC_CREATE, 0600);

	assert_non_null(mutex);
	return mutex;
}

static int try_in_child(void *arg)
{
	return vcipc_mutex_trylock(arg) < 0 ? errno : 0;
}

static int lock_in_child(void *arg)
{
	return vcipc_mutex_lock(arg) < 0 ? errno : 0;
}

static int lock_and_stay(void *arg)
{
	vcipc_mutex_lock(arg);
	pause();
	return 1;
}

static void test_alone(void **state)
{
	vcipc_mutex *mutex = new_mutex();
	struct timespec deadline;

	check_errno(vcipc_mutex_unlock(mutex), EPERM);
	check_errno(vcipc_mutex_lock(mutex), 0);
	check_errno(vcipc_mutex_lock(mutex), EDEADLK);
	check_errno(vcipc_mutex_trylock(mutex), EDEADLK);
	check_errno(vcipc_mutex_timedlock(mutex, vcipc_deadline(&deadline, 0)), EDEADLK);
	check_errno(vcipc_mutex_consistent(mutex), EINVAL);
	check_errno(vcipc_mutex_close(mutex), EBUSY);
	check_errno(vcipc_mutex_unlock(mutex), 0);
	check_errno(vcipc_mutex_timedlock(mutex, NULL), 0);
	check_errno(vcipc_mutex_unlock(mutex), 0);
	check_errno(vcipc_mutex_consistent(mutex), EINVAL);
	check_errno(vcipc_mutex_close(mutex), 0);
}

static int seen_held; /* by another thread, in each way */

static void *want_it(void *arg)
{
	struct timespec deadline;

	check_errno(vcipc_mutex_trylock(arg), EBUSY);
	check_errno(vcipc_mutex_unlock(arg), EPERM);
	check_errno(vcipc_mutex_timedlock(arg, vcipc_deadline(&deadline, 10000)), ETIMEDOUT);
	deadline = (struct timespec){ .tv_nsec = -1 };
	check_errno(vcipc_mutex_timedlock(arg, &deadline), EINVAL);
	__atomic_store_n(&seen_held, 1, __ATOMIC_RELEASE);
	check_errno(vcipc_mutex_lock(arg), 0);
	check_errno(vcipc_mutex_unlock(arg), 0);
	return NULL;
}

static void test_another_thread(void **state)
{
	vcipc_mutex *mutex = new_mutex();
	pthread_t thread;

	vcipc_mutex_lock(mutex);
	pthread_create(&thread, NULL, want_it, mutex);
	while (!__atomic_load_n(&seen_held, __ATOMIC_ACQUIRE))
		clock_sleep_usec(1000);
	clock_sleep_usec(20000); /* it waits */
	vcipc_mutex_unlock(mutex);
	pthread_join(thread, NULL);
	vcipc_mutex_close(mutex);
}

static void test_holder_exits(void **state)
{
	vcipc_mutex *mutex = new_mutex();

	check("child", ipc_test_wait(ipc_test_child(lock_in_child, mutex)), 0);
	check_errno(vcipc_mutex_lock(mutex), EOWNERDEAD);
	check_errno(vcipc_mutex_consistent(mutex), 0);
	check_errno(vcipc_mutex_consistent(mutex), EINVAL);
	check_errno(vcipc_mutex_unlock(mutex), 0);
	check("repaired", ipc_test_wait(ipc_test_child(lock_in_child, mutex)), 0);
	/* The one who should repair it dies as well. */
	check("told", ipc_test_wait(ipc_test_child(lock_in_child, mutex)), EOWNERDEAD);
	check_errno(vcipc_mutex_trylock(mutex), EOWNERDEAD);
	check_errno(vcipc_mutex_unlock(mutex), 0);
	check_errno(vcipc_mutex_lock(mutex), ENOTRECOVERABLE);
	check_errno(vcipc_mutex_trylock(mutex), ENOTRECOVERABLE);
	check("for all", ipc_test_wait(ipc_test_child(try_in_child, mutex)), ENOTRECOVERABLE);
	check_errno(vcipc_mutex_close(mutex), 0);
}

static void *lock_and_end(void *arg)
{
	vcipc_mutex_lock(arg);
	return NULL;
}

static void test_thread_ends(void **state)
{
	vcipc_mutex *mutex = new_mutex();
	pthread_t thread;

	pthread_create(&thread, NULL, lock_and_end, mutex);
	pthread_join(thread, NULL);
	check_errno(vcipc_mutex_lock(mutex), EOWNERDEAD);
	vcipc_mutex_consistent(mutex);
	vcipc_mutex_unlock(mutex);
	vcipc_mutex_close(mutex);
}

/* Who sleeps is woken by the death, at once and not by the next look. */
static void test_sleeper_learns_of_death(void **state)
{
	vcipc_mutex *mutex = new_mutex();
	pid_t holder = ipc_test_child(lock_and_stay, mutex), sleeper;
	uint64_t killed;

	while (vcipc_mutex_trylock(mutex) == 0)
		vcipc_mutex_unlock(mutex);
	sleeper = ipc_test_child(lock_in_child, mutex);
	check("sleeps", ipc_test_sleeps(sleeper), 1);
	killed = clock_mono_usec();
	kill(holder, SIGKILL);
	check("sleeper", ipc_test_wait(sleeper), EOWNERDEAD);
	check("within half a second", clock_mono_usec() - killed < 500000, 1);
	ipc_test_wait(holder);
	vcipc_mutex_lock(mutex);
	vcipc_mutex_consistent(mutex);
	vcipc_mutex_unlock(mutex);
	vcipc_mutex_close(mutex);
}

/* The C library's own robust mutexes and ours are on one list. */
static void test_beside_pthread(void **state)
{
	pthread_mutex_t *theirs = ipc_test_shared(3 * sizeof(*theirs));
	vcipc_mutex *ours[3];
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < 3; i++) {
		pthread_mutex_init(&theirs[i], &attr);
		ours[i] = new_mutex();
	}
	for (int i = 0; i < 3; i++) {
		vcipc_mutex_lock(ours[i]);
		pthread_mutex_lock(&theirs[i]);
	}
	vcipc_mutex_unlock(ours[1]);
	pthread_mutex_unlock(&theirs[1]);
	pthread_mutex_unlock(&theirs[0]);
	vcipc_mutex_unlock(ours[2]);
	vcipc_mutex_unlock(ours[0]);
	pthread_mutex_unlock(&theirs[2]);
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();

		if (child == 0) {
			for (int k = 0; k < 3; k++) {
				pthread_mutex_lock(&theirs[k]);
				vcipc_mutex_lock(ours[k]);
			}
			vcipc_mutex_unlock(ours[i]);
			pthread_mutex_unlock(&theirs[i]);
			_exit(0);
		}
		check("child", ipc_test_wait(child), 0);
		for (int k = 0; k < 3; k++) {
			int r = pthread_mutex_lock(&theirs[k]);

			check("theirs", r, k == i ? 0 : EOWNERDEAD);
			check_errno(vcipc_mutex_lock(ours[k]), k == i ? 0 : EOWNERDEAD);
			pthread_mutex_consistent(&theirs[k]);
			vcipc_mutex_consistent(ours[k]);
		}
		for (int k = 0; k < 3; k++) {
			vcipc_mutex_unlock(ours[k]);
			pthread_mutex_unlock(&theirs[k]);
		}
	}
	for (int i = 0; i < 3; i++)
		vcipc_mutex_close(ours[i]);
}

struct guarded {
	vcipc_mutex *mutex;
	uint64_t a, b;
};

static void *add_many(void *arg)
{
	struct guarded *guarded = arg;

	for (int i = 0; i < ROUNDS; i++) {
		vcipc_mutex_lock(guarded->mutex);
		guarded->a++;
		guarded->b++;
		vcipc_mutex_unlock(guarded->mutex);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct guarded guarded = { .mutex = new_mutex() };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, add_many, &guarded);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check("a", guarded.a, THREADS * ROUNDS);
	check("b", guarded.b, THREADS * ROUNDS);
	vcipc_mutex_close(guarded.mutex);
}

static int add_for_ever(void *arg)
{
	volatile struct guarded *guarded = arg;

	for (;;) {
		if (vcipc_mutex_lock(guarded->mutex) < 0) {
			if (errno != EOWNERDEAD)
				return 1;
			guarded->b = guarded->a;
			vcipc_mutex_consistent(guarded->mutex);
		}
		if (guarded->a != guarded->b)
			return 2;
		guarded->a++;
		guarded->b++;
		if (vcipc_mutex_unlock(guarded->mutex) < 0)
			return 3;
	}
}

/* Holders are killed at any instruction: it is told when they left it half done. */
static void test_killed_at_random(void **state)
{
	struct guarded *guarded = ipc_test_shared(sizeof(*guarded));
	pid_t children[3];
	uint64_t before;

	guarded->mutex = new_mutex();
	for (int i = 0; i < 3; i++)
		children[i] = ipc_test_child(add_for_ever, guarded);
	srand(1);
	for (int i = 0; i < 500; i++) {
		int k = rand() % 3;

		clock_sleep_usec((uint64_t)(rand() % 2000));
		kill(children[k], SIGKILL);
		check("child", ipc_test_wait(children[k]), 256 + SIGKILL);
		children[k] = ipc_test_child(add_for_ever, guarded);
	}
	before = __atomic_load_n(&guarded->a, __ATOMIC_RELAXED);
	clock_sleep_usec(1200000);
	check("they go on", __atomic_load_n(&guarded->a, __ATOMIC_RELAXED) > before, 1);
	for (int i = 0; i < 3; i++) {
		kill(children[i], SIGKILL);
		check("child", ipc_test_wait(children[i]), 256 + SIGKILL);
	}
	check_errno(vcipc_mutex_close(guarded->mutex), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_another_thread),
		cmocka_unit_test(test_holder_exits),
		cmocka_unit_test(test_thread_ends),
		cmocka_unit_test(test_sleeper_learns_of_death),
		cmocka_unit_test(test_beside_pthread),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_killed_at_random),
	};

	return cmocka_run_group_tests(tests, ipc_test_begin, ipc_test_end);
}
