// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * module.c - the part of the mover that runs in criu
 *
 * criu calls its modules' hook "checkpoint devices" for each process when it has stopped all
 * threads for a dump, before it does anything else to them, and "resume devices late" for each
 * process when all threads are stopped at the end of a restore. A module's exit function is called
 * after a dump before the tree is let go or killed. criu is the tracer of the threads, so it is
 * here that calls are injected. The first such call serves the mover until it says RELEASE, or is
 * gone; for the other processes nothing is left to do.
 *
 * The descriptor of a module is ABI, the same since CRIU 3.17: a name, init, exit, a
 * version, the number of hooks, the hooks. A newer criu accepts an older version, and none
 * accepts more hooks than it has. So the hooks "checkpoint devices", of CRIU 4.0, and "post
 * forking", of 4.1, are there only if this criu has them: the names by which it would look
 * for them in a module of the old kind are in its memory then. The second one is there only if
 * the mover asks for it as well.
 *
 * The second one runs while the restored processes fork each other. criu traces the root by then
 * (it is not its child), and has a handler of SIGCHLD that takes each stop for a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/criu/hold-wire.h"
#include "libmig/module/diag.h"
#include "libmig/module/keep.h"
#include "libmig/module/lead.h"
#include "libmig/module/net.h"
#include "libmig/module/peer.h"
#include "libmig/module/rights.h"
#include "libmig/module/slot.h"
#include "libmig/module/stop.h"

#define MODULE_VERSION (2 << 8) /* 0.2.0 */
#define MODULE_DUMP_EXT_FILE 2
#define MODULE_RESTORE_EXT_FILE 3
#define MODULE_RESUME_DEVICES_LATE 9
#define MODULE_CHECKPOINT_DEVICES 11
#define MODULE_POST_FORKING 12
#define MODULE_STAGE_DUMP 0
#define MODULE_STAGE_RESTORE 2
#define MODULE_NOT_MINE (-ENOTSUP) /* a hook's answer about what it has nothing to do with */

struct module_descriptor {
	const char *name;
	int (*init)(int stage);
	void (*exit)(int stage, int result);
	unsigned int version;
	unsigned int max_hooks;
	void *hooks[MODULE_POST_FORKING + 1];
};

extern struct module_descriptor CR_PLUGIN_DESC;

/* The threads that were asked about. */
static struct inject *module_threads;
static size_t module_n_threads;
/* Those of one process that were interrupted in a system call. */
static struct {
	pid_t pid;
	struct hold_wait *waits;
	size_t n;
} module_waits;
static bool module_served; /* of this restore, or at the beginning of this dump */

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

static int module_add_wait(pid_t tid)
{
	struct hold_wait wait = { .tid = tid }, *grown;
	uint64_t args[INJECT_ARGS];
	long nr;

	/* One that is dead is no matter. */
	if (inject_regs_read(tid, &wait.regs) < 0 ||
	    !inject_regs_interrupted(&wait.regs, &nr, args))
		return 0;
	grown = reallocarray(module_waits.waits, module_waits.n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	module_waits.waits = grown;
	grown[module_waits.n++] = wait;
	return 0;
}

static int module_find_waits(pid_t pid)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[48];
	int r = 0;

	module_waits.pid = pid;
	module_waits.n = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (r == 0 && dir && (entry = readdir(dir)))
		if (atoi(entry->d_name) > 0)
			r = module_add_wait(atoi(entry->d_name));
	return r;
}

static int module_tell_waits(struct hold_message *message)
{
	size_t skip = message->waits.skip, n;
	int r = 0;

	if (skip == 0 || module_waits.pid != message->pid)
		r = module_find_waits(message->pid);
	n = skip < module_waits.n ? module_waits.n - skip : 0;
	message->waits.n = n < HOLD_WAITS ? (uint32_t)n : HOLD_WAITS;
	memcpy(message->waits.waits, module_waits.waits + skip,
	       message->waits.n * sizeof(*module_waits.waits));
	return r;
}

/* -ENOENT: there are fewer. criu is the thread's tracer, so only here it can be asked for. */
static int module_get_filter(pid_t tid, struct hold_filter *filter, int64_t *ret_n)
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

static int module_serve_thread(struct hold_message *message)
{
	struct inject *thread;
	long value = 0;
	int r = module_find(message->pid, message->tid, &thread);

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

/* What was done to its threads is over. */
static int module_stop(pid_t pid)
{
	size_t n = 0;

	for (size_t i = 0; i < module_n_threads; i++) {
		if (module_threads[i].pid == pid)
			inject_end(&module_threads[i]);
		else
			module_threads[n++] = module_threads[i];
	}
	module_n_threads = n;
	return stop_process(pid);
}

static int module_answer(struct hold_message *message)
{
	if (message->op == HOLD_GET_WAITS)
		return module_tell_waits(message);
	if (message->op == HOLD_GET_FILTER)
		return module_get_filter(message->tid, &message->filter, &message->value);
	if (message->op == HOLD_STOP) {
		message->value = module_stop(message->pid);
		return message->value < 0 ? (int)message->value : 0;
	}
	if (message->op == HOLD_GET_DISPATCH)
		return inject_get_dispatch(message->tid, &message->dispatch);
	return module_serve_thread(message);
}

static void module_serve(enum hold_op when)
{
	struct hold_message message = { .op = when };

	if (when == HOLD_READY)
		module_keep_forget();
	if (module_send(&message) < 0)
		return;
	while (module_receive(&message) == 0 && message.op != HOLD_RELEASE) {
		message.error = module_answer(&message);
		if (module_send(&message) < 0)
			break;
	}
	/* A thread that does not take its registers back is dead. */
	for (size_t i = 0; i < module_n_threads; i++)
		inject_end(&module_threads[i]);
	free(module_threads);
	module_threads = NULL;
	module_n_threads = 0;
	free(module_waits.waits);
	module_waits.waits = NULL;
	module_waits.n = 0;
}

static int module_serve_once(enum hold_op when)
{
	if (!module_served && getenv(HOLD_ENV)) {
		module_served = true;
		module_serve(when);
	}
	return MODULE_NOT_MINE;
}

static int module_checkpoint(int pid)
{
	return module_serve_once(HOLD_FROZEN);
}

/*
 * In place of ptrace(2) when the mover has let the restored tree go. Nothing is left to be done
 * then but to detach. A process that is killed until that comes to it has died like one that is
 * killed just after that. To criu it would be a failure: it would end the others, for whom
 * nothing is kept any more.
 */
static long module_detach(int request, pid_t pid, void *address, void *data)
{
	long value = ptrace(request, pid, address, data);

	return value < 0 && errno == ESRCH && request == PTRACE_DETACH ? 0 : value;
}

static int module_resume_late(int pid)
{
	int r = module_serve_once(HOLD_READY);

	slot_replace("ptrace", (slot_function *)module_detach);
	return r;
}

/* --- the root adopts ---------------------------------------------------------------------- */

/* Whether the mover has asked for it; taken: the question is not to be there any more. */
static bool module_is_to_adopt(bool taken)
{
	struct hold_message message;

	/* Kept objects may be what comes first. */
	if (recv(HOLD_FD, &message, sizeof(message), MSG_DONTWAIT | MSG_PEEK) != sizeof(message) ||
	    message.op != HOLD_ADOPT)
		return false;
	return !taken || recv(HOLD_FD, &message, sizeof(message), MSG_DONTWAIT) == sizeof(message);
}

/* criu's child of the mover: the process that criu traces. */
static pid_t module_find_root(void)
{
	char path[64], text[4096], *at = text;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)getppid(), (int)getppid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	for (;;) {
		char *end;
		pid_t pid = (pid_t)strtol(at, &end, 10);

		if (end == at)
			return -ESRCH;
		if (pid != getpid() && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0)
			return pid;
		at = end;
	}
}

/* Past stops of signals, which it gets. */
static int module_await_stop(pid_t pid)
{
	for (;;) {
		int status;

		if (waitpid(pid, &status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!WIFSTOPPED(status))
			return -ESRCH;
		if (status >> 16 == PTRACE_EVENT_STOP)
			return 0;
		if (ptrace(PTRACE_CONT, pid, NULL, (void *)(long)WSTOPSIG(status)) < 0)
			return -errno;
	}
}

static int module_adopt(void)
{
	struct inject_call call = { .nr = SYS_prctl, .args = { PR_SET_CHILD_SUBREAPER, 1 } };
	struct inject inject;
	long value = 0;
	pid_t root = module_find_root();
	int r = root < 0 ? (int)root : module_await_stop(root);

	if (r == 0)
		r = inject_begin(&inject, root, root);
	if (r == 0)
		r = inject_run(&inject, &call, &value);
	if (r == 0)
		r = inject_end(&inject);
	if (root > 0) {
		ptrace(PTRACE_SETOPTIONS, root, NULL, NULL);
		ptrace(PTRACE_CONT, root, NULL, NULL);
	}
	return r < 0 ? r : (int)value;
}

static int module_post_forking(void)
{
	sigset_t child, mask;
	int r;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &mask);
	r = module_adopt();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}

static int module_init(int stage)
{
	struct hold_message message = { .op = HOLD_HELLO, .value = lead_is_possible() };

	if (!getenv(HOLD_ENV))
		return 0;
	if (rights_drop() < 0)
		return -1;
	if (stage == MODULE_STAGE_DUMP) {
		rights_answer_limits();
		peer_accept_traced();
		if (module_keep_hide() < 0)
			return -1;
		diag_list_no_sockets();
	}
	if (stage == MODULE_STAGE_RESTORE)
		net_hide_sockets();
	if (module_is_to_adopt(true))
		message.error = CR_PLUGIN_DESC.max_hooks > MODULE_POST_FORKING ? 0 : -EOPNOTSUPP;
	module_send(&message);
	return stage == MODULE_STAGE_RESTORE ? module_keep_take() : 0;
}

static void module_exit(int stage, int result)
{
	if (stage == MODULE_STAGE_DUMP && module_served)
		module_serve(HOLD_THAWING);
}

struct module_descriptor CR_PLUGIN_DESC = {
	.name = "vcrun-hold",
	.init = module_init,
	.exit = module_exit,
	.version = MODULE_VERSION,
	.max_hooks = MODULE_RESUME_DEVICES_LATE + 1,
	.hooks = { [MODULE_DUMP_EXT_FILE] = (void *)module_keep_dump,
		   [MODULE_RESTORE_EXT_FILE] = (void *)module_keep_restore,
		   [MODULE_RESUME_DEVICES_LATE] = (void *)module_resume_late,
		   [MODULE_CHECKPOINT_DEVICES] = (void *)module_checkpoint,
		   [MODULE_POST_FORKING] = (void *)module_post_forking },
};

struct module_search {
	const char *name;
	uint32_t flags; /* of the segments to look into */
};

/* For dl_iterate_phdr(3): the program comes first, and is all that is looked at. */
static int module_search(struct dl_phdr_info *info, size_t size, void *ctx)
{
	const struct module_search *search = ctx;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && segment->p_flags == search->flags &&
		    memmem((const void *)(info->dlpi_addr + segment->p_vaddr), segment->p_filesz,
			   search->name, strlen(search->name) + 1))
			return 1;
	}
	return -1;
}

/* Whether this criu has a hook. It has the name by which it would look for that in a module of the
 * old kind in its memory then. Some linkers put such names beside the code, which is larger. */
static bool module_is_known(const char *hook)
{
	struct module_search data = { .name = hook, .flags = PF_R };
	struct module_search code = { .name = hook, .flags = PF_R | PF_X };

	return dl_iterate_phdr(module_search, &data) > 0 ||
	       dl_iterate_phdr(module_search, &code) > 0;
}

/* Before criu looks at the descriptor. */
static __attribute__((constructor)) void module_choose_hooks(void)
{
	if (!getenv(HOLD_ENV))
		return;
	if (module_is_known("cr_plugin_checkpoint_devices"))
		CR_PLUGIN_DESC.max_hooks = MODULE_CHECKPOINT_DEVICES + 1;
	if (module_is_to_adopt(false) && module_is_known("cr_plugin_post_forking"))
		CR_PLUGIN_DESC.max_hooks = MODULE_POST_FORKING + 1;
}
