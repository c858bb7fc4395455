/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ipc-test.h - what the unit tests of libvcipc share: a door without a daemon, and children
 *
 * The tests are linked with the library's objects and with ipc-test.c in the place of
 * ipcmap/door/door.c. Objects are then files in a directory of the test's own, which nobody
 * counts openers of: they stay until they are unlinked.
 */
#ifndef VC_TESTS_IPC_TEST_H
#define VC_TESTS_IPC_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "ipcmap/vcipc.h"

/* The directory, made and removed with all that is in it; as cmocka's group fixtures. */
int ipc_test_begin(void **state);
int ipc_test_end(void **state);

/* The next open, close or unlink fails with that errno; 0: none will. */
extern int ipc_test_fail;
/* Called once, by the next door_open() that makes an object, before it returns; or NULL. */
extern void (*ipc_test_made)(const char *name);
/* How often door_fork() and door_close() were called in this process. */
extern int ipc_test_forks, ipc_test_closes;

/* The file of an object. The caller closes it. */
int ipc_test_file(uint32_t kind, const char *name);

/* A name that no test has had before. Of static storage, until the next call. */
const char *ipc_test_name(void);

/* Runs a function in a child that dies with us and exits with its result. */
pid_t ipc_test_child(int (*run)(void *arg), void *arg);
/* Its exit status; 256 and more: the signal that ended it, plus 256. */
int ipc_test_wait(pid_t pid);

/* Memory shared with children. */
void *ipc_test_shared(size_t size);

/* Whether pid sleeps in the kernel by now; waits until it does, or 5 s. */
bool ipc_test_sleeps(pid_t pid);

#define check(what, got, expected) ipc_test_check(__LINE__, (what), (long)(got), (long)(expected))
/* A call that must fail with an errno, or succeed (0). */
#define check_errno(call, expected)                                                                \
	do {                                                                                       \
		errno = 0;                                                                         \
		check(#call, (call) < 0 ? errno : 0, (expected));                                  \
	} while (0)
void ipc_test_check(int line, const char *what, long got, long expected);

#endif
