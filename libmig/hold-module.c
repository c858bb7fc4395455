// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hold-module.c - the part of the mover that runs in criu
 *
 * criu calls its modules' "resume devices late" hook for each process when all threads are
 * stopped at the end of the restore, and detaches from them afterwards. criu is their
 * tracer, so it is here that calls are injected. The first such call serves the mover until
 * it says RELEASE, or is gone; for the other processes nothing is left to do.
 *
 * The descriptor of a module is ABI, the same since CRIU 3.17: a name, init, exit, a
 * version, the number of hooks, the hooks. A newer criu accepts an older version.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libmig/hold-wire.h"

#define MODULE_VERSION (2 << 8) /* 0.2.0 */
#define MODULE_RESUME_DEVICES_LATE 9
#define MODULE_HOOKS (MODULE_RESUME_DEVICES_LATE + 1)
#define MODULE_STAGE_RESTORE 2
#define MODULE_NOT_MINE (-ENOTSUP) /* a hook's answer about what it has nothing to do with */

struct module_descriptor {
	const char *name;
	int (*init)(int stage);
	void (*exit)(int stage, int result);
	unsigned int version;
	unsigned int max_hooks;
	void *hooks[MODULE_HOOKS];
};

extern struct module_descriptor CR_PLUGIN_DESC;

/* The threads that were asked about. */
static struct inject *module_threads;
static size_t module_n_threads;
static bool module_served;

static int module_send(const struct hold_message *message)
{
	ssize_t n;

	do
		n = send(HOLD_FD, message, sizeof(*message), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int module_receive(struct hold_message *ret)
{
	ssize_t n;

	do
		n = recv(HOLD_FD, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*ret) ? 0 : -ECONNRESET;
}

static int module_find(pid_t pid, pid_t tid, struct inject **ret)
{
	struct inject *grown;
	uint64_t instruction = 0;
	int r;

	for (size_t i = module_n_threads; i-- > 0;) {
		if (module_threads[i].tid == tid) {
			*ret = &module_threads[i];
			return 0;
		}
		if (module_threads[i].pid == pid)
			instruction = module_threads[i].instruction;
	}
	grown = reallocarray(module_threads, module_n_threads + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	module_threads = grown;
	r = inject_begin(&grown[module_n_threads], pid, tid);
	if (r < 0)
		return r;
	*ret = &grown[module_n_threads++];
	(*ret)->instruction = instruction;
	return 0;
}

static void module_answer(struct hold_message *message)
{
	struct inject *thread;
	long value = 0;
	int r = module_find(message->pid, message->tid, &thread);

	if (r == 0 && message->op == HOLD_CALL) {
		r = inject_run(thread, &message->call, &value);
		message->value = value;
	} else if (r == 0 && message->op == HOLD_GET_REGS) {
		message->regs = thread->regs;
	} else if (r == 0 && message->op == HOLD_SET_REGS) {
		inject_set_regs(thread, &message->regs);
	}
	message->error = r;
}

static int module_resume_late(int pid)
{
	struct hold_message message = { .op = HOLD_READY };

	if (module_served || !getenv(HOLD_ENV))
		return MODULE_NOT_MINE;
	module_served = true;
	if (module_send(&message) < 0)
		return MODULE_NOT_MINE;
	while (module_receive(&message) == 0 && message.op != HOLD_RELEASE) {
		module_answer(&message);
		if (module_send(&message) < 0)
			break;
	}
	/* A thread that does not take its registers back is dead. */
	for (size_t i = 0; i < module_n_threads; i++)
		inject_end(&module_threads[i]);
	free(module_threads);
	module_threads = NULL;
	module_n_threads = 0;
	return MODULE_NOT_MINE;
}

static int module_init(int stage)
{
	if (stage == MODULE_STAGE_RESTORE && getenv(HOLD_ENV))
		module_send(&(struct hold_message){ .op = HOLD_HELLO });
	return 0;
}

struct module_descriptor CR_PLUGIN_DESC = {
	.name = "vcrun-hold",
	.init = module_init,
	.version = MODULE_VERSION,
	.max_hooks = MODULE_HOOKS,
	.hooks = { [MODULE_RESUME_DEVICES_LATE] = (void *)module_resume_late },
};
