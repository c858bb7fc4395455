// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * unit-ipc-count - events and semaphores: each post counts once, whoever waits, or is killed
 */
#include "tests/ipc-test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipcmap/layout.h"

#define THREADS 4
#define ROUNDS 20000

static vcipc_event *new_event(void)
{
	vcipc_event *event = vcipc_event_open(ipc_test_name(), VCIPC_CREATE, 0600);

	assert_non_null(event);
	return event;
}

static vcipc_sem *new_sem(unsigned int value)
{
	vcipc_sem *sem = vcipc_sem_open(ipc_test_name(), VCIPC_CREATE, 0600, value);

	assert_non_null(sem);
	return sem;
}

static unsigned int value_of(vcipc_sem *sem)
{
	unsigned int value = 12345;

	check_errno(vcipc_sem_getvalue(sem, &value), 0);
	return value;
}

static void test_event_alone(void **state)
{
	vcipc_event *event = new_event();
	struct timespec deadline;
	uint64_t begun = clock_mono_usec();

	check_errno(vcipc_event_trywait(event), EAGAIN);
	check_errno(vcipc_event_post(event), 0);
	check_errno(vcipc_event_post(event), 0);
	check_errno(vcipc_event_wait(event), 0);
	check_errno(vcipc_event_timedwait(event, NULL), 0);
	check_errno(vcipc_event_trywait(event), EAGAIN);
	check_errno(vcipc_event_timedwait(event, vcipc_deadline(&deadline, 20000)), ETIMEDOUT);
	check("it waited", clock_mono_usec() - begun >= 20000, 1);
	check_errno(vcipc_event_broadcast(event), 0);
	check_errno(vcipc_event_trywait(event), EAGAIN);
	deadline = (struct timespec){ .tv_nsec = 1000000000 };
	check_errno(vcipc_event_timedwait(event, &deadline), EINVAL);
	deadline = (struct timespec){ .tv_sec = -1 };
	check_errno(vcipc_event_timedwait(event, &deadline), ETIMEDOUT);
	check_errno(vcipc_event_post(event), 0);
	check_errno(vcipc_event_timedwait(event, &deadline), 0);
	check_errno(vcipc_event_close(event), 0);
}

static void test_sem_alone(void **state)
{
	vcipc_sem *sem = new_sem(2), *full = new_sem(VCIPC_COUNT_MAX);
	struct timespec deadline;

	check_errno(vcipc_sem_wait(sem), 0);
	check_errno(vcipc_sem_trywait(sem), 0);
	check_errno(vcipc_sem_trywait(sem), EAGAIN);
	check_errno(vcipc_sem_timedwait(sem, vcipc_deadline(&deadline, 1000)), ETIMEDOUT);
	deadline = (struct timespec){ .tv_nsec = -1 };
	check_errno(vcipc_sem_timedwait(sem, &deadline), EINVAL);
	check("value", value_of(sem), 0);
	check_errno(vcipc_sem_post(sem), 0);
	check("value", value_of(sem), 1);
	check("full", value_of(full), VCIPC_COUNT_MAX);
	check_errno(vcipc_sem_post(full), EOVERFLOW);
	check_errno(vcipc_sem_wait(full), 0);
	check_errno(vcipc_sem_post(full), 0);
	vcipc_sem_close(sem);
	vcipc_sem_close(full);
}

static void test_event_overflow(void **state)
{
	const char *name = ipc_test_name();
	vcipc_event *event = vcipc_event_open(name, VCIPC_CREATE, 0600);
	uint64_t full = VCIPC_COUNT_MAX - 1;
	int fd = ipc_test_file(VCIPC_EVENT, name);

	check("posted", pwrite(fd, &full, sizeof(full), LAYOUT_OWN), sizeof(full));
	check_errno(vcipc_event_post(event), 0);
	check_errno(vcipc_event_post(event), EOVERFLOW);
	check_errno(vcipc_event_wait(event), 0);
	check_errno(vcipc_event_post(event), 0);
	vcipc_event_close(event);
	close(fd);
}

static int wait_in_child(void *arg)
{
	return vcipc_event_wait(arg) < 0 ? errno : 0;
}

static void test_post_wakes_one_child(void **state)
{
	vcipc_event *event = new_event();
	pid_t a = ipc_test_child(wait_in_child, event), b = ipc_test_child(wait_in_child, event);

	check("a sleeps", ipc_test_sleeps(a), 1);
	check("b sleeps", ipc_test_sleeps(b), 1);
	check_errno(vcipc_event_post(event), 0);
	check_errno(vcipc_event_post(event), 0);
	check("a", ipc_test_wait(a), 0);
	check("b", ipc_test_wait(b), 0);
	check_errno(vcipc_event_trywait(event), EAGAIN);
	vcipc_event_close(event);
}

static void test_broadcast_wakes_all_and_is_not_kept(void **state)
{
	vcipc_event *event = new_event();
	pid_t children[5];

	for (int i = 0; i < 5; i++)
		children[i] = ipc_test_child(wait_in_child, event);
	for (int i = 0; i < 5; i++)
		check("sleeps", ipc_test_sleeps(children[i]), 1);
	check_errno(vcipc_event_broadcast(event), 0);
	for (int i = 0; i < 5; i++)
		check("child", ipc_test_wait(children[i]), 0);
	check_errno(vcipc_event_trywait(event), EAGAIN);
	vcipc_event_close(event);
}

static void on_signal(int signal)
{
}

static int wait_with_signals(void *arg)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	return vcipc_event_wait(arg) < 0 ? errno : 0;
}

static void test_no_eintr(void **state)
{
	vcipc_event *event = new_event();
	pid_t child = ipc_test_child(wait_with_signals, event);

	check("sleeps", ipc_test_sleeps(child), 1);
	for (int i = 0; i < 20; i++) {
		kill(child, SIGUSR1);
		clock_sleep_usec(1000);
	}
	vcipc_event_post(event);
	check("child", ipc_test_wait(child), 0);
	vcipc_event_close(event);
}

/* A post that woke somebody who was then killed is still there for the next. */
static void test_waiters_killed(void **state)
{
	vcipc_event *event = new_event();
	struct timespec deadline;

	for (int i = 0; i < 15; i++) {
		pid_t killed = ipc_test_child(wait_in_child, event);
		pid_t other = ipc_test_child(wait_in_child, event);
		int taken;

		ipc_test_sleeps(killed);
		ipc_test_sleeps(other);
		vcipc_event_post(event);
		kill(killed, SIGKILL);
		taken = ipc_test_wait(killed) == 0;
		if (taken)
			vcipc_event_post(event);
		check("the other", ipc_test_wait(other), 0);
		/* The one who was killed may have taken it; nobody else has. */
		vcipc_event_timedwait(event, vcipc_deadline(&deadline, 0));
		check_errno(vcipc_event_trywait(event), EAGAIN);
	}
	vcipc_event_close(event);
}

struct pair {
	vcipc_sem *there, *back;
	uint64_t *sum;
	pthread_mutex_t *mutex;
};

static void *serve(void *arg)
{
	struct pair *pair = arg;

	for (int i = 0; i < ROUNDS; i++) {
		vcipc_sem_wait(pair->there);
		++*pair->sum;
		vcipc_sem_post(pair->back);
	}
	return NULL;
}

static void *ask(void *arg)
{
	struct pair *pair = arg;

	for (int i = 0; i < ROUNDS; i++) {
		vcipc_sem_post(pair->there);
		vcipc_sem_wait(pair->back);
	}
	return NULL;
}

/* Every post lets one go: nobody is left, nothing is left over. */
static void test_threads(void **state)
{
	vcipc_sem *there = new_sem(0), *back = new_sem(0);
	pthread_t threads[2 * THREADS];
	struct pair pairs[THREADS];
	uint64_t sums[THREADS] = { 0 }, sum = 0;

	for (int i = 0; i < THREADS; i++) {
		pairs[i] = (struct pair){ .there = there, .back = back, .sum = &sums[i] };
		pthread_create(&threads[2 * i], NULL, serve, &pairs[i]);
		pthread_create(&threads[2 * i + 1], NULL, ask, &pairs[i]);
	}
	for (int i = 0; i < 2 * THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		sum += sums[i];
	check("rounds", sum, THREADS * ROUNDS);
	check("there", value_of(there), 0);
	check("back", value_of(back), 0);
	vcipc_sem_close(there);
	vcipc_sem_close(back);
}

static void *add_guarded(void *arg)
{
	struct pair *pair = arg;

	for (int i = 0; i < ROUNDS; i++) {
		vcipc_sem_wait(pair->there);
		++*pair->sum;
		vcipc_sem_post(pair->there);
	}
	return NULL;
}

/* What is done between wait and post is seen by the next: for ThreadSanitizer. */
static void test_semaphore_guards(void **state)
{
	uint64_t sum = 0;
	struct pair pair = { .there = new_sem(1), .sum = &sum };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, add_guarded, &pair);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check("sum", sum, THREADS * ROUNDS);
	vcipc_sem_close(pair.there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_alone),
		cmocka_unit_test(test_sem_alone),
		cmocka_unit_test(test_event_overflow),
		cmocka_unit_test(test_post_wakes_one_child),
		cmocka_unit_test(test_broadcast_wakes_all_and_is_not_kept),
		cmocka_unit_test(test_no_eintr),
		cmocka_unit_test(test_waiters_killed),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_semaphore_guards),
	};

	return cmocka_run_group_tests(tests, ipc_test_begin, ipc_test_end);
}
