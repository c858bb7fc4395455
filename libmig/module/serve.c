// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * serve.c - answers the mover's requests about the threads that criu traces
 */
#include "libmig/module/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/procdir.h"
#include "libmig/module/keep.h"
#include "libmig/module/stop.h"

/* The threads that a request was about. */
static struct inject *serve_threads;
static size_t serve_n_threads;
/* The threads of one process that were interrupted in a system call. */
static struct {
	pid_t pid;
	struct hold_wait *waits;
	size_t n;
} serve_waits;
int serve_send(const struct hold_message *message)
{
	ssize_t n;

	do
		n = send(HOLD_FD, message, sizeof(*message), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int serve_receive(struct hold_message *ret)
{
	ssize_t n;

	do
		n = recv(HOLD_FD, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*ret) ? 0 : -ECONNRESET;
}

static int serve_find(pid_t pid, pid_t tid, struct inject **ret)
{
	struct inject *added;
	uint64_t instruction = 0;
	int r;

	for (size_t i = serve_n_threads; i-- > 0;) {
		if (serve_threads[i].tid == tid) {
			*ret = &serve_threads[i];
			return 0;
		}
		if (serve_threads[i].pid == pid)
			instruction = serve_threads[i].instruction;
	}
	added = array_add(&serve_threads, &serve_n_threads);
	if (!added)
		return -ENOMEM;
	r = inject_begin(added, pid, tid);
	if (r < 0) {
		serve_n_threads--;
		return r;
	}
	added->instruction = instruction;
	*ret = added;
	return 0;
}

static int serve_add_wait(pid_t tid)
{
	struct hold_wait wait = { .tid = tid }, *added;
	uint64_t args[INJECT_ARGS];
	long nr;

	/* A thread that has ended has no wait. */
	if (inject_regs_read(tid, &wait.regs) < 0 ||
	    !inject_regs_interrupted(&wait.regs, &nr, args))
		return 0;
	added = array_add(&serve_waits.waits, &serve_waits.n);
	if (!added)
		return -ENOMEM;
	*added = wait;
	return 0;
}

static int serve_find_waits(pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	pid_t tid;
	int r = 0;

	serve_waits.pid = pid;
	serve_waits.n = 0;
	procdir_open(&dir, AT_FDCWD, "/proc/%d/task", (int)pid);
	while (r == 0 && (tid = procdir_next_pid(&dir)) > 0)
		r = serve_add_wait(tid);
	return r;
}

static int serve_tell_waits(struct hold_message *message)
{
	size_t skip = message->waits.skip, n;
	int r = 0;

	if (skip == 0 || serve_waits.pid != message->pid)
		r = serve_find_waits(message->pid);
	n = skip < serve_waits.n ? serve_waits.n - skip : 0;
	message->waits.n = n < HOLD_WAITS ? (uint32_t)n : HOLD_WAITS;
	memcpy(message->waits.waits, serve_waits.waits + skip,
	       message->waits.n * sizeof(*serve_waits.waits));
	return r;
}

/* Only the thread's tracer, which is criu, can read a filter. -ENOENT: the thread has fewer
 * filters. */
static int serve_get_filter(pid_t tid, struct hold_filter *filter, int64_t *ret_n)
{
	static struct sock_filter code[BPF_MAXINSNS];
	long n = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, (void *)(uintptr_t)filter->index, code);

	if (n < 0)
		return -errno;
	for (uint32_t i = 0; i < HOLD_FILTER_PIECE && filter->from + i < n; i++)
		filter->code[i] = code[filter->from + i];
	*ret_n = n;
	return 0;
}

static int serve_thread(struct hold_message *message)
{
	struct inject *thread;
	long value = 0;
	int r = serve_find(message->pid, message->tid, &thread);

	if (r < 0)
		return r;
	if (message->op == HOLD_CALL)
		r = inject_run(thread, &message->call, &value);
	else if (message->op == HOLD_BREAK_OFF)
		r = inject_break_off(thread, &message->call, &value);
	else if (message->op == HOLD_SET_REGS)
		inject_set_regs(thread, &message->regs);
	else if (message->op == HOLD_SET_DISPATCH)
		inject_set_dispatch(thread, &message->dispatch);
	message->value = value;
	return r;
}

/* Ends the work on the process's threads, and stops it. */
static int serve_stop(pid_t pid)
{
	size_t n = 0;

	for (size_t i = 0; i < serve_n_threads; i++) {
		if (serve_threads[i].pid == pid)
			inject_end(&serve_threads[i]);
		else
			serve_threads[n++] = serve_threads[i];
	}
	serve_n_threads = n;
	return stop_process(pid);
}

static int serve_answer(struct hold_message *message)
{
	if (message->op == HOLD_GET_WAITS)
		return serve_tell_waits(message);
	if (message->op == HOLD_GET_FILTER)
		return serve_get_filter(message->tid, &message->filter, &message->value);
	if (message->op == HOLD_STOP) {
		message->value = serve_stop(message->pid);
		return message->value < 0 ? (int)message->value : 0;
	}
	if (message->op == HOLD_GET_DISPATCH)
		return inject_get_dispatch(message->tid, &message->dispatch);
	return serve_thread(message);
}

void serve_requests(enum hold_op when)
{
	struct hold_message message = { .op = when };

	if (when == HOLD_READY)
		module_keep_forget();
	if (serve_send(&message) < 0)
		return;
	while (serve_receive(&message) == 0 && message.op != HOLD_RELEASE) {
		message.error = serve_answer(&message);
		if (serve_send(&message) < 0)
			break;
	}
	/* This fails only for a thread that has ended. */
	for (size_t i = 0; i < serve_n_threads; i++)
		inject_end(&serve_threads[i]);
	free(serve_threads);
	serve_threads = NULL;
	serve_n_threads = 0;
	free(serve_waits.waits);
	serve_waits.waits = NULL;
	serve_waits.n = 0;
}
