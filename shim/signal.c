// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * signal.c - signals for the job: delivered now, or held until it can have them
 *
 * They come from vcctl kill, from the vcrun that waits, and from the keys of the job's
 * terminal. Each is delivered once, in the order of arrival. While the job is moved the shim
 * reads no orders: they wait in its sockets and are carried out, and answered, after the move
 * (see shim_dial() for the socket that changes). A parked job has no process, so its signals
 * are held, unless they end it.
 */
#include "shim/shim.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/proc.h"
#include "partition/partition.h"

/* A parked job's signals; as many as a user may have pending by default on a small machine. */
#define SIGNAL_HELD_MAX 4096
/* New processes may come while all get a signal. Each round reaches the children of the last. */
#define SIGNAL_ROUNDS 64

struct signal_reached {
	pid_t *pids;
	size_t n;
};

static void signal_reached_done(struct signal_reached *reached)
{
	free(reached->pids);
}

static int signal_send(const pid_t *pids, size_t n, int signal)
{
	int r = n > 0 ? 0 : -ESRCH, failed = 0;
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) {
		if (kill(pids[i], signal) == 0)
			sent++;
		else if (failed != EPERM)
			failed = errno;
	}
	return sent > 0 || r < 0 ? r : -failed;
}

static bool signal_is_of(pid_t pid, uid_t uid)
{
	unsigned int real, saved;

	return proc_scan(pid, "Uid", "%u %*u %u", &real, &saved) == 2 &&
	       (real == uid || saved == uid);
}

/* What the kernel would allow the user. -ESRCH: none of them is there any more. */
static int signal_send_for_user(uid_t uid, const pid_t *pids, size_t n, int signal)
{
	int r = -ESRCH;

	for (size_t i = 0; i < n; i++) {
		_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pids[i], 0);

		if (pidfd < 0)
			continue;
		if (signal_is_of(pids[i], uid) &&
		    syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0)
			r = 0;
		else if (r < 0)
			r = -EPERM;
	}
	return r;
}

/*
 * By a child that has become the user: a program of the job that has changed its own
 * user (sudo), and a stranger that has got a PID just freed, are as safe from it as
 * from any kill(1) of the user's. 0: one of them at least has it. The user can stop or end
 * the child, and must not keep others from ending his job by that.
 */
static int signal_send_as_user(const struct shim *shim, const pid_t *pids, size_t n, int signal)
{
	uid_t uid = shim->start->creds->uid;
	pid_t child = uid ? fork() : 0;
	int status = 0, r;

	if (child < 0)
		return -errno;
	if (child == 0 && uid) {
		if (syscall(SYS_setresuid, uid, uid, uid) < 0)
			_exit(errno);
		_exit(-signal_send(pids, n, signal));
	}
	if (child == 0)
		return signal_send(pids, n, signal);
	proc_reap(child, &status);
	if (WIFEXITED(status))
		return -WEXITSTATUS(status);
	r = signal_send_for_user(uid, pids, n, signal);
	/* Gone: the child had sent it before it was ended. */
	return r == -ESRCH && n > 0 ? 0 : r;
}

int signal_kill(const struct shim *shim, pid_t pid, int signal)
{
	return signal_send_as_user(shim, &pid, 1, signal);
}

static bool signal_has_reached(const struct signal_reached *reached, pid_t pid)
{
	for (size_t i = 0; i < reached->n; i++)
		if (reached->pids[i] == pid)
			return true;
	return false;
}

/* The processes of the group that have not had it yet; vcinit goes by itself when the
 * others have gone. */
static int signal_find_new(const struct shim *shim, struct signal_reached *reached, size_t *ret_n)
{
	_cleanup_free_ pid_t *pids = NULL;
	char group[64];
	pid_t *grown;
	size_t n = 0;
	int r;

	*ret_n = 0;
	partition_job_group(shim->partition, shim->job, group, sizeof(group));
	r = cg_procs_list(shim->cg, group, &pids, &n, NULL);
	if (r < 0)
		return r;
	grown = realloc(reached->pids, (reached->n + n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	reached->pids = grown;
	for (size_t i = 0; i < n; i++)
		if (pids[i] != shim->root && pids[i] != getpid() &&
		    !signal_has_reached(reached, pids[i]))
			reached->pids[reached->n + (*ret_n)++] = pids[i];
	return 0;
}

static int signal_everything(const struct shim *shim, int signal)
{
	_cleanup_(signal_reached_done) struct signal_reached reached = { 0 };
	int result = -ESRCH;

	for (int i = 0; i < SIGNAL_ROUNDS; i++) {
		size_t n;
		int r = signal_find_new(shim, &reached, &n);

		if (r < 0 || n == 0)
			return r < 0 && i == 0 ? r : result;
		r = signal_send_as_user(shim, reached.pids + reached.n, n, signal);
		if (r == 0 || result != 0)
			result = r;
		reached.n += n;
	}
	return result;
}

/* What a terminal's keys send it sends to whomever it is the terminal of. */
static bool signal_is_key(const struct shim *shim, const struct signal_order *order)
{
	return order->group && shim->master_fd >= 0 && getsid(shim->program) == getsid(0) &&
	       (order->signal == SIGINT || order->signal == SIGQUIT || order->signal == SIGTSTP ||
		order->signal == SIGCONT);
}

static int signal_deliver(const struct shim *shim, const struct signal_order *order)
{
	if (order->everything)
		return signal_everything(shim, order->signal);
	if (shim->program_ended)
		return -ESRCH;
	if (signal_is_key(shim, order))
		return kill(-shim->program, order->signal) < 0 ? -errno : 0;
	return signal_kill(shim, order->group ? -shim->program : shim->program, order->signal);
}

static int signal_hold(struct shim *shim, const struct signal_order *order)
{
	struct signal_order *grown;

	if (shim->n_held >= SIGNAL_HELD_MAX)
		return -EAGAIN;
	grown = realloc(shim->held, (shim->n_held + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	shim->held = grown;
	shim->held[shim->n_held++] = *order;
	return 0;
}

/*
 * Its program could catch any but SIGKILL, and cannot be asked. So those end it that a
 * person sends to have it end, unless it was started with them ignored.
 */
static bool signal_ends(const struct shim *shim, int signal)
{
	uint64_t ignored = shim->start->run->ignored_signals;

	return signal == SIGKILL || ((signal == SIGTERM || signal == SIGINT || signal == SIGQUIT) &&
				     !(ignored >> (signal - 1) & 1));
}

static int signal_fail(const struct shim *shim, int r, const struct signal_order *order,
		       struct vc_err *err)
{
	switch (r) {
	case 0:
		return 0;
	case -ESRCH:
		return err_set(err, ESRCH, "job %u has no process that could get signal %d",
			       shim->job, order->signal);
	case -EPERM:
		return err_set(err, EPERM,
			       "job %u: its processes have become another user's, whom only root "
			       "may signal",
			       shim->job);
	case -EAGAIN:
		return err_set(err, EAGAIN, "job %u has %d signals waiting; try again later",
			       shim->job, SIGNAL_HELD_MAX);
	default:
		return err_sys(err, -r, "job %u: signal %d", shim->job, order->signal);
	}
}

int signal_take(struct shim *shim, const struct signal_order *order, bool *ret_held,
		struct vc_err *err)
{
	int r;

	*ret_held = false;
	if (order->signal <= 0 || order->signal >= _NSIG)
		return err_set(err, EINVAL, "there is no signal %d", order->signal);
	switch (shim->state) {
	case VC__STATE__PARKED:
		if (signal_ends(shim, order->signal)) {
			log_info("job %u: ended by signal %d while it was parked", shim->job,
				 order->signal);
			job_end_parked(shim, order->signal);
			return 0;
		}
		/* fall through */
	case VC__STATE__STARTING:
		*ret_held = true;
		r = signal_hold(shim, order);
		break;
	case VC__STATE__IDLE:
	case VC__STATE__ENDED:
		r = -ESRCH;
		break;
	default:
		r = signal_deliver(shim, order);
		break;
	}
	return signal_fail(shim, r, order, err);
}

void signal_wake(struct shim *shim)
{
	_cleanup_free_ struct signal_order *held = steal_ptr(shim->held);
	size_t n = shim->n_held;

	shim->n_held = 0;
	for (size_t i = 0; i < n; i++)
		signal_deliver(shim, &held[i]);
}

/* The kernel sends them to the terminal's foreground, which is the shim while the job has no
 * processes: move_take_keys(). */
void signal_on_key(evutil_socket_t signal, short what, void *ctx)
{
	struct signal_order order = { .signal = (int)signal, .group = true };
	struct shim *shim = ctx;
	pid_t foreground = shim->master_fd < 0 ? 0 : tcgetpgrp(shim->master_fd);
	bool held;

	if (shim->state == VC__STATE__PARKED)
		signal_take(shim, &order, &held, NULL);
	else if (foreground > 1 && foreground != getpgrp() && shim->start)
		kill(-foreground, order.signal);
}
