// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hold.c - the mover's side of a held tree
 *
 * criu loads every module of one directory, which $CRIU_LIBS_DIR names; in ours is only
 * our own. Modules of the system's (of GPUs) are not loaded: what they are for is
 * refused by the inventory.
 */
#include "libmig/criu/hold.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/criu/hold-wire.h"
#include "libmig/keep/keep.h"

#define HOLD_GIVE_SEC 20

struct hold {
	int sock, theirs;
	bool loaded, held, adopts, leads;
	hold_fn *f;
	void *ctx;
};

int hold_new(hold_fn *f, void *ctx, struct hold **ret, struct vc_err *err)
{
	struct hold *hold = calloc(1, sizeof(*hold));
	int pair[2];

	if (!hold)
		return err_sys(err, ENOMEM, "criu");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(hold);
		return err_sys(err, errno, "criu: socketpair");
	}
	*hold = (struct hold){ .sock = pair[0], .theirs = pair[1], .f = f, .ctx = ctx };
	*ret = hold;
	return 0;
}

void hold_free(struct hold *hold)
{
	if (!hold)
		return;
	closep(&hold->sock);
	closep(&hold->theirs);
	free(hold);
}

int hold_child_fd(const struct hold *hold)
{
	return hold->theirs;
}

int hold_child_setup(int fd)
{
	const char *env = getenv("VCRUN_CRIU_MODULES"), *dir = env && *env ? env : VC_CRIU_MODULES;
	char module[PATH_MAX];

	/* criu fails if the directory is not there. */
	snprintf(module, sizeof(module), "%s/hold.so", dir);
	if (access(module, R_OK) < 0)
		return 0;
	if (dup2(fd, HOLD_FD) < 0 || setenv("CRIU_LIBS_DIR", dir, 1) < 0 ||
	    setenv(HOLD_ENV, "1", 1) < 0)
		return errno;
	return 0;
}

void hold_started(struct hold *hold)
{
	closep(&hold->theirs);
	hold->theirs = -1;
}

int hold_fd(const struct hold *hold)
{
	return hold->sock;
}

bool hold_was_held(const struct hold *hold)
{
	return hold->held;
}

static int hold_receive(const struct hold *hold, struct hold_message *ret)
{
	ssize_t n;

	do
		n = recv(hold->sock, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == sizeof(*ret) ? 0 : -ECONNRESET;
}

static int hold_send(const struct hold *hold, const struct hold_message *message)
{
	ssize_t n;

	do
		n = send(hold->sock, message, sizeof(*message), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int hold_adopt_early(struct hold *hold)
{
	int r = hold_send(hold, &(struct hold_message){ .op = HOLD_ADOPT });

	hold->adopts = r == 0;
	return r;
}

void hold_serve(void *ctx)
{
	struct hold *hold = ctx;
	struct hold_message message;

	/* Its end, or nonsense: criu's own answer says what became of it. */
	if (hold_receive(hold, &message) < 0) {
		closep(&hold->sock);
		hold->sock = -1;
		return;
	}
	switch (message.op) {
	case HOLD_HELLO:
		hold->loaded = true;
		hold->adopts = hold->adopts && message.error == 0;
		hold->leads = message.value != 0;
		return;
	case HOLD_FROZEN:
		hold->held = true;
		hold->f(hold, HOLD_WHEN_FROZEN, hold->ctx);
		break;
	case HOLD_THAWING:
		hold->f(hold, HOLD_WHEN_THAWING, hold->ctx);
		break;
	case HOLD_READY:
		hold->held = true;
		hold->f(hold, HOLD_WHEN_RESTORED, hold->ctx);
		break;
	default:
		return;
	}
	hold_send(hold, &(struct hold_message){ .op = HOLD_RELEASE });
}

bool hold_is_loaded(struct hold *hold, int timeout_msec)
{
	while (!hold->loaded && hold->sock >= 0) {
		struct pollfd pfd = { .fd = hold->sock, .events = POLLIN };
		int n = poll(&pfd, 1, timeout_msec);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		hold_serve(hold);
	}
	return hold->loaded;
}

bool hold_will_adopt(struct hold *hold, int timeout_msec)
{
	return hold_is_loaded(hold, timeout_msec) && hold->adopts;
}

int hold_give(const struct hold *hold, const struct keep *keep)
{
	struct timeval patience = { .tv_sec = HOLD_GIVE_SEC };
	size_t count = keep_count(keep), at = 0, n_ended = keep_count_ended(keep), ended = 0;
	struct hold_keep message;
	ssize_t n;

	/* A criu that hangs does not read. */
	setsockopt(hold->sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	do {
		message = (struct hold_keep){ .op = HOLD_KEEP, .pid = getpid() };
		while (at < count && message.n < HOLD_KEEP_MAX)
			message.objects[message.n++] = *keep_object(keep, at++);
		while (ended < n_ended && message.n_ended < HOLD_ENDED_MAX)
			message.ended[message.n_ended++] = *keep_ended(keep, ended++);
		do
			n = send(hold->sock, &message, sizeof(message), MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
	} while (message.n > 0 || message.n_ended > 0);
	return 0;
}

bool hold_can_lead(struct hold *hold, int timeout_msec)
{
	return hold_is_loaded(hold, timeout_msec) && hold->leads;
}

static int hold_ask(struct hold *hold, struct hold_message *message)
{
	uint32_t op = message->op;
	int r = hold_send(hold, message);

	if (r == 0)
		r = hold_receive(hold, message);
	if (r == 0 && message->op != op)
		r = -EPROTO;
	return r < 0 ? r : message->error;
}

static int hold_make_call(struct hold *hold, enum hold_op op, pid_t pid, pid_t tid,
			  struct inject_call *call, long *ret_value)
{
	struct hold_message message = { .op = op, .pid = pid, .tid = tid, .call = *call };
	int r = hold_ask(hold, &message);

	if (r < 0)
		return r;
	memcpy(call->data, message.call.data, call->size);
	*ret_value = (long)message.value;
	return 0;
}

int hold_call(struct hold *hold, pid_t pid, pid_t tid, struct inject_call *call, long *ret_value)
{
	return hold_make_call(hold, HOLD_CALL, pid, tid, call, ret_value);
}

int hold_break_off(struct hold *hold, pid_t pid, pid_t tid, struct inject_call *call,
		   long *ret_value)
{
	return hold_make_call(hold, HOLD_BREAK_OFF, pid, tid, call, ret_value);
}

int hold_get_waits(struct hold *hold, pid_t pid, struct hold_wait **ret, size_t *ret_n)
{
	_cleanup_free_ struct hold_wait *waits = NULL;
	struct hold_message message;
	size_t n = 0;

	do {
		struct hold_wait *grown;
		int r;

		message = (struct hold_message){ .op = HOLD_GET_WAITS, .pid = pid };
		message.waits.skip = (uint32_t)n;
		r = hold_ask(hold, &message);
		if (r == 0 && message.waits.n > HOLD_WAITS)
			r = -EPROTO;
		if (r < 0)
			return r;
		grown = reallocarray(waits, n + HOLD_WAITS, sizeof(*waits));
		if (!grown)
			return -ENOMEM;
		waits = grown;
		memcpy(waits + n, message.waits.waits, message.waits.n * sizeof(*waits));
		n += message.waits.n;
	} while (message.waits.n == HOLD_WAITS);
	*ret = steal_ptr(waits);
	*ret_n = n;
	return 0;
}

int hold_set_regs(struct hold *hold, pid_t pid, pid_t tid, const struct inject_regs *regs)
{
	struct hold_message message = {
		.op = HOLD_SET_REGS, .pid = pid, .tid = tid, .regs = *regs
	};

	return hold_ask(hold, &message);
}

/* Pieces of it at a time, until all are there. */
int hold_get_dispatch(struct hold *hold, pid_t pid, pid_t tid, struct inject_dispatch *ret)
{
	struct hold_message message = { .op = HOLD_GET_DISPATCH, .pid = pid, .tid = tid };
	int r = hold_ask(hold, &message);

	if (r == 0)
		*ret = message.dispatch;
	return r;
}

int hold_set_dispatch(struct hold *hold, pid_t pid, pid_t tid,
		      const struct inject_dispatch *dispatch)
{
	struct hold_message message = {
		.op = HOLD_SET_DISPATCH, .pid = pid, .tid = tid, .dispatch = *dispatch
	};

	return hold_ask(hold, &message);
}

int hold_stop(struct hold *hold, pid_t pid)
{
	struct hold_message message = { .op = HOLD_STOP, .pid = pid, .tid = pid };
	int r = hold_ask(hold, &message);

	return r < 0 ? r : (int)message.value;
}

int hold_get_filter(struct hold *hold, pid_t pid, pid_t tid, uint32_t index,
		    struct sock_filter **ret, size_t *ret_n)
{
	_cleanup_free_ struct sock_filter *code = NULL;
	size_t n = 0, at = 0;

	do {
		struct hold_message message = { .op = HOLD_GET_FILTER,
						.pid = pid,
						.tid = tid,
						.filter = { .index = index,
							    .from = (uint32_t)at } };
		int r = hold_ask(hold, &message);

		if (r < 0)
			return r;
		if (!code) {
			n = message.value > 0 && message.value <= BPF_MAXINSNS
				    ? (size_t)message.value
				    : 0;
			code = calloc(n + 1, sizeof(*code));
			if (!code)
				return -ENOMEM;
		}
		for (size_t i = 0; i < HOLD_FILTER_PIECE && at < n; i++)
			code[at++] = message.filter.code[i];
	} while (at < n);
	*ret = steal_ptr(code);
	*ret_n = n;
	return 0;
}
