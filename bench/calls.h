/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * calls.h - the IPC calls that vcbench times, mapped and the kernel's
 *
 * A program of its own makes them (calls.c), since it is a job once with --ipc=map and once with
 * --ipc=private. It prints a line for each: the number, and microseconds. The last three are the
 * floor of a request to a daemon: the same messages between two processes that do nothing else.
 */
#ifndef VC_BENCH_CALLS_H
#define VC_BENCH_CALLS_H

/* X(function, words). Calls that a process makes for the first time come first. */
#define CALLS(X)                                                                                   \
	X(new_segment, "new segment: shmget, shmat, shmdt, IPC_RMID")                              \
	X(new_set, "new set: semget, IPC_RMID")                                                    \
	X(new_queue, "new queue: msgget, IPC_RMID")                                                \
	X(new_sem, "new semaphore: sem_open")                                                      \
	X(open_sem, "sem_open, sem_close")                                                         \
	X(open_mq, "mq_open, mq_close")                                                            \
	X(open_shm, "shm_open, close")                                                             \
	X(attach, "again: shmat, shmdt")                                                           \
	X(stat_shm, "IPC_STAT of a segment")                                                       \
	X(stat_sem, "IPC_STAT of a set")                                                           \
	X(stat_msg, "IPC_STAT of a queue")                                                         \
	X(ask_peer, "floor: ask another process")                                                  \
	X(ask_for_file, "floor: ask it for a file, map it")                                        \
	X(ask_for_new_file, "floor: ask it for a new file, map it")

#define CALLS_EACH 40 /* samples of each that one run prints */

#endif
