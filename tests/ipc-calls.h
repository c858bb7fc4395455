/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc-calls.h - a table of IPC calls and of what came of them, as text
 *
 * The same program runs on the kernel's own IPC and under "vcrun --ipc=map", and both
 * must print the same. So nothing is printed that may differ: identifiers, PIDs and times
 * appear only as what is known of them.
 */
#ifndef VC_TESTS_IPC_CALLS_H
#define VC_TESTS_IPC_CALLS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

/* Prints the call's text, its result, and errno's name if it is -1. The result. */
#define SHOW(call) (errno = 0, ipc_show(#call, (long)(call)))

/* The same for a call whose result is an identifier or descriptor: only whether it is one. */
#define SHOW_ID(call) (errno = 0, (int)ipc_show_id(#call, (long)(call)))

/* Prints a value under its own text. */
#define VALUE(value) ipc_value(#value, (long)(value))

long ipc_show(const char *call, long r);
long ipc_show_id(const char *call, long r);
void ipc_value(const char *text, long value);

/* Runs f in a child, as another user when uid is not 0, and shows how it ended. */
void ipc_child(const char *text, uid_t uid, void (*f)(void));

/* Starts f in a child; ipc_reap() waits for it, and shows how it ended. */
pid_t ipc_start(void (*f)(void));
pid_t ipc_start_as(uid_t uid, void (*f)(void));
void ipc_reap(const char *text, pid_t pid);

/* Memory that is not there; that can only be read; whose page ends behind its first byte. */
extern void *ipc_none, *ipc_readonly, *ipc_edge;
void ipc_make_memory(void);
void *ipc_at(void *memory, long bytes);

/* Waits until a process or, by its own look, something is asleep: half a second at most. */
void ipc_settle(void);

/* Sends SIGALRM to this process after so many milliseconds; its handler counts. restart:
 * with SA_RESTART. */
void ipc_alarm(int msec, bool restart);
extern volatile int ipc_alarms;

void calls_msg(void);
void calls_sem(void);
void calls_semundo(void);
void calls_shm(void);
void calls_mq(void);
void calls_notify(void);
void calls_named(void);
void calls_child(void);
void calls_attach(void);
void calls_info(void);
void calls_ids(void);
void calls_poll(void);
void calls_kept(void); /* of poll, after an exec */
void calls_raw(void);  /* mapped with map,strict alone */
void calls_errno_sysv(void);
void calls_errno_posix(void);
void calls_limits(void); /* changes them: as root, in an IPC namespace of its own */
void calls_known(void);
void calls_ours(void); /* what differs from the kernel */

#endif
