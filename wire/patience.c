// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * patience.c - for how long to wait for the process at the other end
 */
#include "wire/patience.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/proc.h"
#include "wire/wire.h"

#define PATIENCE_LOOK_MSEC 20
#define PATIENCE_STOPPED "is stopped, until root continues it (kill -CONT)"

static pid_t patience_peer(const struct wire *wire)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(wire_fd(wire), SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return 0;
	return cred.pid > 0 ? cred.pid : 0;
}

static bool patience_is_stopped(pid_t pid)
{
	char state = 'S';

	return pid > 0 && proc_look(pid, &state, NULL) == 0 && (state == 'T' || state == 't');
}

static int patience_fail(pid_t pid, const char *why, struct vc_err *err)
{
	return err_set(err, ETIMEDOUT, "its daemon (pid %d) does not answer: it %s", (int)pid, why);
}

int patience_check_stopped(const struct wire *wire, struct vc_err *err)
{
	pid_t pid = patience_peer(wire);

	return patience_is_stopped(pid) ? patience_fail(pid, PATIENCE_STOPPED, err) : 0;
}

void patience_begin(struct patience *patience, const struct wire *wire)
{
	*patience = (struct patience){ .pid = patience_peer(wire), .runs_usec = clock_mono_usec() };
	patience->begun_usec = patience->runs_usec;
	if (patience->pid > 0)
		proc_runs(patience->pid, &patience->runs);
}

/* Returns 0 to wait on, or -ETIMEDOUT with the reason. */
static int patience_ask(struct patience *patience, struct vc_err *err)
{
	uint64_t now = clock_mono_usec(), runs = patience->runs;

	if (now - patience->begun_usec > PATIENCE_LONGEST_USEC)
		return patience_fail(patience->pid, "runs, but is late by 30 s; see its vcd.log",
				     err);
	if (patience_is_stopped(patience->pid))
		return patience_fail(patience->pid, PATIENCE_STOPPED, err);
	if (patience->pid > 0 && proc_runs(patience->pid, &runs) == 0 && runs != patience->runs) {
		patience->runs = runs;
		patience->runs_usec = now;
	}
	return now - patience->runs_usec > PATIENCE_SILENT_USEC
		       ? patience_fail(patience->pid, "has not run for a second; is it frozen?",
				       err)
		       : 0;
}

/* The kernel counts the bytes that the other end has not read. */
static bool patience_is_taken(const struct wire *wire)
{
	int unread = 1;

	return ioctl(wire_fd(wire), SIOCOUTQ, &unread) == 0 && unread == 0;
}

int patience_await(struct patience *patience, const struct wire *wire, enum patience_for what,
		   struct vc_err *err)
{
	struct pollfd pfd = { .fd = wire_fd(wire), .events = POLLIN };
	struct patience own;
	int r;

	/* The answer often comes before the peer needs to be looked up. */
	for (int i = 0;; i++) {
		if (poll(&pfd, 1, i == 0 && patience ? 0 : PATIENCE_LOOK_MSEC) > 0)
			return 0;
		if (what == PATIENCE_FOR_TAKER && patience_is_taken(wire))
			return 0;
		if (!patience)
			patience_begin(patience = &own, wire);
		r = patience_ask(patience, err);
		if (r < 0)
			return r;
	}
}
