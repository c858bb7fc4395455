/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * statedir.h - the state directory: which one it is, and every path in it
 *
 * The directory is on a tmpfs, and only root can write to it. docs/DESIGN.md has the list as a
 * table; tests/statedir.sh compares it with this file and with a directory in use.
 */
#ifndef VC_COMMON_STATEDIR_H
#define VC_COMMON_STATEDIR_H

#include <stdlib.h>

#define STATEDIR_DEFAULT "/run/vcrun"

/* %s is a partition, %u a job. */
#define STATE_INSTANCE "instance.json"
#define STATE_COMING_UP "coming-up"
#define STATE_BOARD "board"
#define STATE_PARTITION "%s"
#define STATE_SOCKET "%s/vcd.sock"
#define STATE_LOCK "%s/vcd.lock"
#define STATE_LOG "%s/vcd.log"
#define STATE_JOBS "jobs"
#define STATE_JOB "jobs/%u"
#define STATE_JOB_FILE "jobs/%u/job.json"
#define STATE_IMAGES "images"
#define STATE_IMAGES_JOB "images/%u"
#define STATE_MOVES "moves.jsonl"
#define STATE_CRIU "criu"
#define STATE_CRIU_LOG "criu/%u.log"
#define STATE_IPC "ipc"
#define STATE_IPC_TABLE "ipc/table"
#define STATE_IPC_OBJECTS "ipc/o"
#define STATE_EVENTS "events.json"
#define STATE_LEASE "events.lease"
#define STATE_FAILURES "failures"
#define STATE_RESHAPE_LOCK "reshape.lock"
#define STATE_RESHAPE_JOURNAL "reshape.journal"
#define STATE_RESHAPES "reshapes.jsonl"
#define STATE_IRQS "irqs"

/* X(path, mode, writer, content). A file that is being replaced has ".new" appended for a moment; a
 * file that has become too long, ".1". */
#define STATE_PATHS(X)                                                                             \
	X(STATE_INSTANCE, 0644, "vcctl", "the partitions as they are configured now")              \
	X(STATE_COMING_UP, 0600, "vcctl", "exists until vcctl up is complete")                     \
	X(STATE_BOARD, 0600, "vcd", "the load board: the last sample of each partition")           \
	X(STATE_PARTITION, 0755, "vcctl", "one directory a partition")                             \
	X(STATE_SOCKET, 0666, "vcd", "the daemon's socket, for all users")                         \
	X(STATE_LOCK, 0600, "vcd", "the daemon holds a POSIX lock on it")                          \
	X(STATE_LOG, 0640, "vcd", "the log of the daemon and its shims")                           \
	X(STATE_JOBS, 0755, "vcctl", "one directory a job")                                        \
	X(STATE_JOB, 0700, "vcshim", "exists while the job does")                                  \
	X(STATE_JOB_FILE, 0600, "vcshim", "the job's shim, program and partition, for vcctl")      \
	X(STATE_IMAGES, 0700, "vcctl", "a tmpfs of its own for the images of jobs")                \
	X(STATE_IMAGES_JOB, 0700, "vcshim", "the images of a job that is moved or parked")         \
	X(STATE_MOVES, 0600, "vcshim", "one line a move")                                          \
	X(STATE_CRIU, 0700, "vcshim", "logs of failed moves")                                      \
	X(STATE_CRIU_LOG, 0600, "vcshim", "the end of CRIU's log; by the job's number modulo 64")  \
	X(STATE_IPC, 0711, "vcctl", "IPC objects")                                                 \
	X(STATE_IPC_TABLE, 0600, "vcd", "the table of their names")                                \
	X(STATE_IPC_OBJECTS, 0711, "vcd", "a tmpfs of its own with the memory of each object")     \
	X(STATE_EVENTS, 0644, "vcctl, vcd", "the event table")                                     \
	X(STATE_LEASE, 0600, "vcd", "which daemon watches for events")                             \
	X(STATE_FAILURES, 0600, "vcd, vcshim", "the failures of partitions")                       \
	X(STATE_RESHAPE_LOCK, 0600, "vcctl, vcd", "locked while partitions are changed")           \
	X(STATE_RESHAPE_JOURNAL, 0600, "vcctl, vcd", "the change that is being made")              \
	X(STATE_RESHAPES, 0644, "vcctl, vcd", "one line a change")                                 \
	X(STATE_IRQS, 0700, "vcctl, vcd", "the CPUs that interrupts had before")

/* Returns the state directory that a command or daemon uses: the option's value, else
 * $VCRUN_STATE_DIR, else the default. A setuid program ignores the variable. */
static inline const char *statedir_choose(const char *option)
{
	const char *env = secure_getenv("VCRUN_STATE_DIR");

	if (option && *option)
		return option;
	return env && *env ? env : STATEDIR_DEFAULT;
}

#endif
