// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * end.c - how dead processes of a restored tree end
 *
 * CRIU has a process that is to be dead give itself its name, wait until the others are there,
 * and call kill(2) or exit(3). These two calls are led here. A process of which nothing is known,
 * and one that ends because something has failed, which is before it has its name, end as
 * CRIU wants it.
 *
 * For its last moment the process is its user's. He may send it a signal, by which it ends
 * otherwise than it did; he may not look into it, since the change of its ids has made it not
 * dumpable.
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

#include "libmig/module/slot.h"

static struct keep_ended *ends;
static size_t n_ends;
static bool end_is_near; /* in the process that is to be dead */

/* As the kernel has it, and without the C library's own wishes for two of the signals. */
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
	/* What cannot be had is no reason not to end. */
	if (ended->uid[0] || ended->gid[0])
		syscall(SYS_setgroups, 0, NULL);
	syscall(SYS_setresgid, ended->gid[0], ended->gid[1], ended->gid[2]);
	syscall(SYS_setresuid, ended->uid[0], ended->uid[1], ended->uid[2]);
	/* No core file of criu's. */
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

/* In criu's processes, in place of prctl(2), exit(3) and kill(2). */
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
	struct keep_ended *grown;

	if (!replaced)
		replaced = slot_replace("prctl", (slot_function *)end_prctl) &&
			   slot_replace("exit", (slot_function *)end_exit) &&
			   slot_replace("kill", (slot_function *)end_kill);
	if (!replaced)
		return -EOPNOTSUPP;
	grown = reallocarray(ends, n_ends + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ends = grown;
	ends[n_ends++] = *ended;
	return 0;
}
