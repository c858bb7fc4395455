// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * module.c - the part of the mover that runs in criu
 *
 * criu calls two hooks of its modules in which all threads of a process are stopped: "checkpoint
 * devices" in a dump, before it does anything else to the process, and "resume devices late" at the
 * end of a restore. It calls a module's exit function after a dump, before it releases or kills the
 * tree. criu is the tracer of the threads, so calls must be injected here. The first hook that is
 * called serves the mover until the mover says RELEASE or has ended, and nothing is left for the
 * others.
 *
 * The descriptor of a module is ABI, unchanged since CRIU 3.17: a name, init, exit, a version, the
 * number of hooks, the hooks. A newer criu accepts an older version. No criu accepts more hooks
 * than it has. So the hooks "checkpoint devices", of CRIU 4.0, and "post forking", of 4.1, are
 * offered only if this criu has them: then its memory contains the name by which it would look for
 * the hook in a module of the old kind. "Post forking" is offered only if the mover wants it
 * (adopt.h).
 */
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "libmig/criu/hold-wire.h"
#include "libmig/module/adopt.h"
#include "libmig/module/diag.h"
#include "libmig/module/keep.h"
#include "libmig/module/lead.h"
#include "libmig/module/net.h"
#include "libmig/module/peer.h"
#include "libmig/module/rights.h"
#include "libmig/module/serve.h"
#include "libmig/module/slot.h"

#define MODULE_VERSION (2 << 8) /* 0.2.0 */
#define MODULE_DUMP_EXT_FILE 2
#define MODULE_RESTORE_EXT_FILE 3
#define MODULE_RESUME_DEVICES_LATE 9
#define MODULE_CHECKPOINT_DEVICES 11
#define MODULE_POST_FORKING 12
#define MODULE_STAGE_DUMP 0
#define MODULE_STAGE_RESTORE 2
#define MODULE_NOT_MINE (-ENOTSUP) /* a hook's answer: it is not responsible */

struct module_descriptor {
	const char *name;
	int (*init)(int stage);
	void (*exit)(int stage, int result);
	unsigned int version;
	unsigned int max_hooks;
	void *hooks[MODULE_POST_FORKING + 1];
};

extern struct module_descriptor CR_PLUGIN_DESC;

static bool module_served; /* in this restore, or at the beginning of this dump */

static int module_serve_once(enum hold_op when)
{
	if (!module_served && getenv(HOLD_ENV)) {
		module_served = true;
		serve_requests(when);
	}
	return MODULE_NOT_MINE;
}

static int module_checkpoint(int pid)
{
	return module_serve_once(HOLD_FROZEN);
}

/*
 * Replaces ptrace(2) when the mover has released the restored tree. Then criu only detaches. A
 * process that was killed since is no failure: it is like one that is killed after the move. criu
 * would end all others, and nothing is kept for them any more.
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
	if (adopt_is_wanted(true))
		message.error = CR_PLUGIN_DESC.max_hooks > MODULE_POST_FORKING ? 0 : -EOPNOTSUPP;
	serve_send(&message);
	return stage == MODULE_STAGE_RESTORE ? module_keep_take() : 0;
}

static void module_exit(int stage, int result)
{
	if (stage == MODULE_STAGE_DUMP && module_served)
		serve_requests(HOLD_THAWING);
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
		   [MODULE_POST_FORKING] = (void *)adopt_orphans },
};

struct module_search {
	const char *name;
	uint32_t flags; /* of the segments to look into */
};

/* For dl_iterate_phdr(3), which begins with the program. Ends the search after it. */
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

/* Whether this criu has a hook: its memory contains the hook's name. Some linkers put such names
 * into the segment of the code, which is larger and searched last. */
static bool module_is_known(const char *hook)
{
	struct module_search data = { .name = hook, .flags = PF_R };
	struct module_search code = { .name = hook, .flags = PF_R | PF_X };

	return dl_iterate_phdr(module_search, &data) > 0 ||
	       dl_iterate_phdr(module_search, &code) > 0;
}

/* Runs before criu reads the descriptor. */
static __attribute__((constructor)) void module_choose_hooks(void)
{
	if (!getenv(HOLD_ENV))
		return;
	if (module_is_known("cr_plugin_checkpoint_devices"))
		CR_PLUGIN_DESC.max_hooks = MODULE_CHECKPOINT_DEVICES + 1;
	if (adopt_is_wanted(false) && module_is_known("cr_plugin_post_forking"))
		CR_PLUGIN_DESC.max_hooks = MODULE_POST_FORKING + 1;
}
