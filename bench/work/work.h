/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * work.h - the works that a crew can do, seen by those who do them
 *
 *	work.c         threads and phases (the program "vcwork")
 *	count.c        what the CPU and the kernel count
 *	app.c          a hash table and a log under the application's own lock
 *	mem.c          mmap, page faults, futexes, fork
 *	ipc.c          System V semaphores and messages
 *	file.c         one directory; one listening port
 *	client.c       who asks a memcached
 *	victim.c       what is disturbed: a ping, a computation
 *	noise.c        what disturbs
 */
#ifndef VC_BENCH_WORK_H
#define VC_BENCH_WORK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "bench/work/crew.h"

struct worker {
	unsigned int number; /* within the crew */
	void *domain;        /* the work's data that the threads of the process share */
	void *own;           /* the work's data of the thread */
	uint64_t random;
	struct crew_thread *figures;
};

struct domain_args {
	unsigned int number, n_domains; /* among the crew's domains */
	unsigned int n_threads;         /* of this one */
	const char *dir;                /* on a tmpfs, the crew's own, there to be used */
};

struct work {
	const char *name;
	/* Makes what the threads share, *ret_domain. 0, or -errno. NULL: nothing to do. */
	int (*open)(const struct domain_args *args, void **ret_domain);
	void (*close)(void *domain);
	/* In the thread, before it is measured; 0, or -errno. NULL: nothing to do. */
	int (*enter)(struct worker *worker);
	/* One operation. Returns 0, and its latency is the time since the last one ended;
	 * or its latency in nanoseconds, when only a part of it counts. A failure is
	 * work_die(). */
	uint64_t (*once)(struct worker *worker);
	void (*leave)(struct worker *worker);
};

/* All works. Each is defined by WORK(). */
/* clang-format off */
#define WORKS(X)                                                                                   \
	X(mutex) X(spin) X(rwlock) X(mmap) X(fault) X(futex) X(fork) X(sem) X(msg) X(ipcget)       \
	X(dir) X(tcp) X(memcached) X(ping) X(compute) X(hog) X(storm) X(io) X(irq)
/* clang-format on */
#define X(name) extern const struct work work_##name;
WORKS(X)
#undef X
#define WORK(id, ...) const struct work work_##id = { .name = #id, __VA_ARGS__ }

/* The process cannot go on: leaves the reason to vcbench, and exits. */
void work_die(const char *what, int error) __attribute__((noreturn));
/* count.c: counts what this thread does, and processes that it begins. fds has room for
 * N_COUNTERS; in ret, -1: this machine does not count it. */
void count_begin(int *fds);
void count_end(const int *fds, int64_t *ret);
/* What would have been counted all the time; -1: it was counted at no time. */
int64_t count_scale(uint64_t value, uint64_t enabled_nsec, uint64_t running_nsec);
/* Starts a child that ends at once, or executes the program if path is not NULL, and waits for it.
 * The child's CPU time counts as the crew's. */
void work_child(struct worker *worker, const char *path);

/* A descriptor or another small number as the data of a domain or thread. */
static inline void *work_box(int number)
{
	return (void *)(intptr_t)number;
}

static inline int work_unbox(const void *data)
{
	return (int)(intptr_t)data;
}

static inline uint64_t work_now_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* xorshift64* (Vigna 2016): no lock, no system call, good enough to choose a key. */
static inline uint64_t work_random(struct worker *worker)
{
	uint64_t x = worker->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	worker->random = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
