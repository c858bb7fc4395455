/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hold.h - a tree in the mover's hands while criu has it stopped
 *
 * When criu has stopped every thread for a dump, and before it does anything else to them,
 * their registers are what they were, and calls in the threads tell what /proc does not. At the end
 * of the dump, also when it is given up, they stand once more before criu lets them go or ends
 * them. At the end of a restore criu has every thread stopped by ptrace at its last
 * instruction of the restore: registers, memory and descriptors are the job's, and not one of
 * its instructions has run. A small module in that criu (module/module.c) tells the mover
 * each time, and does what the mover asks for: system calls in the job's threads, and other
 * registers. After that criu goes on as usual.
 *
 * A thread that is not asked about costs nothing. If the mover dies, the module lets the
 * tree go. If criu dies, the tree does not come to life: the move's images are whole, and it is
 * a failed restore like any other.
 */
#ifndef VC_LIBMIG_HOLD_H
#define VC_LIBMIG_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "libmig/module/inject.h"

struct hold;
struct keep;
struct sock_filter;

/* When it is held. The first two need CRIU 4.0. */
enum hold_when {
	HOLD_WHEN_FROZEN,   /* a dump begins */
	HOLD_WHEN_THAWING,  /* a dump ends, after HOLD_WHEN_FROZEN; not told whether it was good */
	HOLD_WHEN_RESTORED, /* nothing has run yet */
};

/* A thread that was interrupted in a system call, with the registers that say so. */
struct hold_wait {
	pid_t tid;
	struct inject_regs regs;
};

/* Called once each time, while the tree is held. */
typedef void hold_fn(struct hold *hold, enum hold_when when, void *ctx);

int hold_new(hold_fn *f, void *ctx, struct hold **ret, struct vc_err *err);
void hold_free(struct hold *hold); /* NULL is accepted */

/* In criu's process before exec, with the descriptor that hold_child_fd() named: puts it
 * where the module looks for it, and tells criu where the module is. 0 or errno. */
int hold_child_fd(const struct hold *hold);
int hold_child_setup(int fd);
/* Has the tree's root adopt orphans from the beginning of the restore; without it, the mover
 * gets those that the restore makes. To be called before the restore begins. 0 or -errno. */
int hold_adopt_early(struct hold *hold);
/* criu runs: its end is closed here. */
void hold_started(struct hold *hold);

/* Readable: hold_serve() is to be called, which calls f when the tree is held. */
int hold_fd(const struct hold *hold);
void hold_serve(void *hold);

/* Whether criu has the module; waits for as long as that is not known. Until it
 * says so nothing may rely on the tree being held. */
bool hold_is_loaded(struct hold *hold, int timeout_msec);
/* The same, and it does what hold_adopt_early() asked for. */
bool hold_will_adopt(struct hold *hold, int timeout_msec);
/* The same, and it can give leaders their terminals (keep_set_leader()). */
bool hold_can_lead(struct hold *hold, int timeout_msec);
/* Behind the request of a restore: the objects that the tree keeps (NULL: none). 0 or
 * -errno: criu will fail then. */
int hold_give(const struct hold *hold, const struct keep *keep);
/* Whether f was called, for a frozen tree or a restored one. */
bool hold_was_held(const struct hold *hold);

/* --- for f ------------------------------------------------------------------------------- */

/* A system call in a thread. 0: made, *ret_value is its result or -errno; data in the call is
 * what the call left there. -errno: not made (-ESRCH: the thread is dead). */
int hold_call(struct hold *hold, pid_t pid, pid_t tid, struct inject_call *call, long *ret_value);
/* The same for a call that would sleep: it is interrupted before it does. *ret_value is mostly the
 * kernel's own word for how it is to be restarted, as a thread has it that a signal has
 * interrupted; with that among its registers the kernel goes on with this call when the thread
 * runs. */
int hold_break_off(struct hold *hold, pid_t pid, pid_t tid, struct inject_call *call,
		   long *ret_value);
/* The threads of a process that are interrupted in a call; the caller frees *ret. */
int hold_get_waits(struct hold *hold, pid_t pid, struct hold_wait **ret, size_t *ret_n);
/* One seccomp filter of a thread as the kernel has it, 0 being the oldest; the caller frees *ret.
 * -ENOENT: there are fewer. */
int hold_get_filter(struct hold *hold, pid_t pid, pid_t tid, uint32_t index,
		    struct sock_filter **ret, size_t *ret_n);
/* As inject_get_dispatch() and inject_set_dispatch(). */
int hold_get_dispatch(struct hold *hold, pid_t pid, pid_t tid, struct inject_dispatch *ret);
int hold_set_dispatch(struct hold *hold, pid_t pid, pid_t tid,
		      const struct inject_dispatch *dispatch);
/* Stops a restored process by the stop signal that waits for it, before anything of it runs;
 * nothing more is asked of its threads after that. The signal; 0: none waits; -errno. */
int hold_stop(struct hold *hold, pid_t pid);
/* As inject_set_regs(). */
int hold_set_regs(struct hold *hold, pid_t pid, pid_t tid, const struct inject_regs *regs);

#endif
