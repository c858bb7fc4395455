// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * end.c - how the zombies of a restored tree end
 *
 * A process of CRIU that must become a zombie sets its name, waits for the others, and calls
 * kill(2) or exit(3). These calls are replaced. CRIU's own way remains for a process that is not
 * known, and for one that ends because of a failure: it has not set its name yet.
 *
 * In its last moment the process belongs to the job's user. The user may send it another signal,
 * but cannot look into it: the change of its ids has made it not dumpable.
 */
#include "libmig/module/end.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/array.h"
#include "libmig/module/slot.h"

static struct keep_ended *ends;
static size_t n_ends;
static bool end_is_near; /* in the process that must become a zombie */

/* Uses system calls, because the C library reserves two of the signals. */
static void end_by_signal(int signal)
{
	const struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} by_default = { .handler = NULL };
	const uint64_t all = ~0ull;

	syscall(SYS_rt_sigaction, signal, &by_default, NULL, sizeof(uint64_t));
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &all, NULL, sizeof(all));
	syscall(SYS_kill, syscall(SYS_getpid), signal);
}

static void end_as(const struct keep_ended *ended)
{
	/* It must end also if a call fails. */
	if (ended->uid[0] || ended->gid[0])
		syscall(SYS_setgroups, 0, NULL);
	syscall(SYS_setresgid, ended->gid[0], ended->gid[1], ended->gid[2]);
	syscall(SYS_setresuid, ended->uid[0], ended->uid[1], ended->uid[2]);
	/* criu must not write a core file. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (ended->code & 0x7f)
		end_by_signal(ended->code & 0x7f);
	_exit(ended->code >> 8 & 0xff);
}

static void end_if_known(void)
{
	pid_t self = (pid_t)syscall(SYS_getpid);

	for (size_t i = 0; end_is_near && i < n_ends; i++)
		if (ends[i].pid == self)
			end_as(&ends[i]);
}

/* These replace prctl(2), exit(3) and kill(2) in criu's processes. */
static int end_prctl(int option, ...)
{
	unsigned long args[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		args[i] = va_arg(list, unsigned long);
	va_end(list);
	end_is_near |= option == PR_SET_NAME;
	return prctl(option, args[0], args[1], args[2], args[3]);
}

__attribute__((noreturn)) static void end_exit(int code)
{
	end_if_known();
	exit(code);
}

static int end_kill(pid_t pid, int signal)
{
	if (pid == (pid_t)syscall(SYS_getpid))
		end_if_known();
	return kill(pid, signal);
}

int end_add(const struct keep_ended *ended)
{
	static bool replaced;
	struct keep_ended *added;

	if (!replaced)
		replaced = slot_replace("prctl", (slot_function *)end_prctl) &&
			   slot_replace("exit", (slot_function *)end_exit) &&
			   slot_replace("kill", (slot_function *)end_kill);
	if (!replaced)
		return -EOPNOTSUPP;
	added = array_add(&ends, &n_ends);
	if (!added)
		return -ENOMEM;
	*added = *ended;
	return 0;
}
