// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * keys.c - session, process and thread keyrings
 *
 * Processes that criu restores have the session keyring of the mover, and no other keyrings. If a
 * job has joined another session keyring, a keeper joins the same keyring by its name while the old
 * tree is frozen, and the restored threads join it later. To join a keyring, its owner needs the
 * right to search it. The keyring gets this right for the duration of the call.
 *
 * Other processes cannot join a process or thread keyring. So the restored thread gets a new one
 * with links to the same keys; its number changes. For the copy, the session keyring has a link to
 * the old keyring for a moment.
 *
 * In all calls the kernel checks the rights of the job's user.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "libmig/keep/keeper.h"
#include "libmig/state/priv.h"

#define KEYS_USER_SEARCH 0x00080000u
#define KEYS_NAME_MAX 256

/* A session keyring of the job, and the process that keeps it. It keeps at most one other keyring:
 * a link replaces a link to another keyring of the same name. */
struct state_keeper {
	struct state_keeper *next;
	struct keeper *keeper;
	int32_t session;
	bool joined;  /* it is not the mover's own */
	int32_t ring; /* 0: none */
	uint32_t permissions;
	char name[KEYS_NAME_MAX];
};

/* keyctl(2) in a thread of the frozen or of the restored tree. Returns its result or -errno. */
static long keys_ask(struct hold *hold, pid_t pid, pid_t tid, uint64_t op, uint64_t a, uint64_t b)
{
	struct inject_call call = { .nr = __NR_keyctl, .args = { op, a, b } };
	long value;
	int r = hold_call(hold, pid, tid, &call, &value);

	return r < 0 ? r : value;
}

static long keys_keep(struct state_keeper *keeper, uint64_t op, uint64_t a, uint64_t b)
{
	return keeper_call(keeper->keeper, (uint64_t[5]){ op, a, b }, -1, NULL);
}

void state_keys_free(struct state_keeper *keeper)
{
	while (keeper) {
		struct state_keeper *next = keeper->next;

		keeper_free(keeper->keeper);
		free(keeper);
		keeper = next;
	}
}

/* The ids that the kernel checks when a thread uses keys: those for the file system. */
static bool keys_user(pid_t tid, uid_t *ret_uid, gid_t *ret_gid)
{
	_cleanup_free_ char *text = NULL;
	uint32_t uids[4], gids[4];

	if (proc_status(tid, &text) < 0 || !proc_ids(text, "Uid", uids) ||
	    !proc_ids(text, "Gid", gids))
		return false;
	*ret_uid = uids[3];
	*ret_gid = gids[3];
	return true;
}

/* "keyring;UID;GID;PERMISSIONS;NAME" */
static bool keys_describe(const struct state_proc *proc, pid_t tid, struct state_keeper *keeper)
{
	struct inject_call call = { .nr = __NR_keyctl,
				    .args = { KEYCTL_DESCRIBE, (uint64_t)keeper->session, 0,
					      INJECT_DATA_MAX },
				    .pointers = 1 << 2,
				    .size = INJECT_DATA_MAX };
	long value;

	if (hold_call(proc->hold, proc->pid, tid, &call, &value) < 0 || value <= 0 ||
	    value > INJECT_DATA_MAX)
		return false;
	call.data[value - 1] = '\0';
	return sscanf((const char *)call.data, "keyring;%*u;%*u;%x;%255[^\n]", &keeper->permissions,
		      keeper->name) == 2;
}

/* Returns whether the keeper has joined the keyring itself, and not another one of that name. */
static bool keys_join(const struct state_proc *proc, pid_t tid, struct state_keeper *keeper)
{
	char data[KEEPER_DATA] = "";
	long got = -1;

	if (!keys_describe(proc, tid, keeper))
		return false;
	memcpy(data, keeper->name, sizeof(keeper->name));
	if (keys_ask(proc->hold, proc->pid, tid, KEYCTL_SETPERM, (uint64_t)keeper->session,
		     keeper->permissions | KEYS_USER_SEARCH) < 0)
		return false;
	got = keeper_call(keeper->keeper, (uint64_t[5]){ KEYCTL_JOIN_SESSION_KEYRING }, 1, data);
	keys_ask(proc->hold, proc->pid, tid, KEYCTL_SETPERM, (uint64_t)keeper->session,
		 keeper->permissions);
	return got == keeper->session;
}

static int keys_find_keeper(const struct state_proc *proc, pid_t tid, int32_t session, int32_t ring,
			    struct state_keeper **ret)
{
	long own = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	struct state_keeper *keeper;
	uid_t uid;
	gid_t gid;

	for (keeper = proc->state->keepers; keeper; keeper = keeper->next) {
		if (keeper->session != session || (ring && keeper->ring && keeper->ring != ring))
			continue;
		keeper->ring = ring ? ring : keeper->ring;
		*ret = keeper;
		return 0;
	}
	if (!keys_user(tid, &uid, &gid))
		return -ESRCH;
	keeper = calloc(1, sizeof(*keeper));
	if (!keeper || keeper_new(uid, gid, &keeper->keeper) < 0) {
		free(keeper);
		return err_sys(proc->state->err, ENOMEM, "keep the job's keyrings");
	}
	keeper->session = session;
	keeper->joined = session != own;
	keeper->ring = ring;
	keeper->next = proc->state->keepers;
	proc->state->keepers = keeper;
	*ret = keeper;
	if (keeper->joined && !keys_join(proc, tid, keeper))
		return state_refuse(proc,
				    "has a session keyring that no other process can join, so "
				    "it cannot be carried; start the program without it");
	return 0;
}

static int keys_put_session(const struct state_item *item, struct hold *hold)
{
	struct state_keeper *keeper = item->keeper;
	struct inject_call call = { .nr = __NR_keyctl,
				    .args = { KEYCTL_JOIN_SESSION_KEYRING, 0 },
				    .pointers = 1 << 1,
				    .size = sizeof(keeper->name) };
	long value = -1;
	int r;

	memcpy(call.data, keeper->name, sizeof(keeper->name));
	keys_keep(keeper, KEYCTL_SETPERM, (uint64_t)keeper->session,
		  keeper->permissions | KEYS_USER_SEARCH);
	r = hold_call(hold, item->pid, item->tid, &call, &value);
	keys_keep(keeper, KEYCTL_SETPERM, (uint64_t)keeper->session, keeper->permissions);
	if (r == 0 && value != keeper->session)
		r = value < 0 ? (int)value : -ENOKEY;
	return r;
}

static int keys_read_session(const struct state_proc *proc, pid_t tid, int32_t session)
{
	struct state_keeper *keeper;
	struct state_item *item;
	int r = keys_find_keeper(proc, tid, session, 0, &keeper);

	if (r < 0 || !keeper->joined)
		return r;
	item = state_add(proc, "the session keyring", tid);
	item->keeper = keeper;
	item->put = keys_put_session;
	return 0;
}

/* Links the old keyring's keys into a new one. */
static int keys_put_ring(const struct state_item *item, struct hold *hold)
{
	uint64_t ring = item->call.args[0], special = item->call.args[1];
	struct state_keeper *keeper = item->keeper;
	int32_t keys[KEEPER_DATA / sizeof(int32_t)];
	long n, fresh, r;

	n = keeper_call(keeper->keeper, (uint64_t[5]){ KEYCTL_READ, ring, 0, sizeof(keys) }, 2,
			keys);
	r = n < 0 ? n : keys_keep(keeper, KEYCTL_LINK, ring, (uint64_t)keeper->session);
	if (r < 0)
		return (int)r;
	fresh = keys_ask(hold, item->pid, item->tid, KEYCTL_GET_KEYRING_ID, special, 1);
	r = fresh < 0 ? fresh : 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys) && i < (size_t)n / sizeof(keys[0]); i++)
		r = keys_ask(hold, item->pid, item->tid, KEYCTL_LINK, (uint64_t)keys[i],
			     (uint64_t)fresh);
	keys_keep(keeper, KEYCTL_UNLINK, ring, (uint64_t)keeper->session);
	return (int)r;
}

/* special: the process's or the thread's keyring. */
static int keys_read_ring(const struct state_proc *proc, pid_t tid, int32_t session,
			  uint64_t special, const char *what)
{
	long ring = keys_ask(proc->hold, proc->pid, tid, KEYCTL_GET_KEYRING_ID, special, 0), kept;
	struct state_keeper *keeper;
	struct state_item *item;
	int r;

	if (ring < 0)
		return 0;
	r = keys_find_keeper(proc, tid, session, (int32_t)ring, &keeper);
	if (r < 0)
		return r;
	kept = keys_ask(proc->hold, proc->pid, tid, KEYCTL_LINK, (uint64_t)ring, (uint64_t)session);
	if (kept == 0) {
		kept = keys_keep(keeper, KEYCTL_LINK, (uint64_t)ring,
				 (uint64_t)KEY_SPEC_PROCESS_KEYRING);
		keys_ask(proc->hold, proc->pid, tid, KEYCTL_UNLINK, (uint64_t)ring,
			 (uint64_t)session);
	}
	if (kept < 0)
		return state_refuse(proc,
				    "has %s that cannot be carried (%s); end the process before "
				    "the move",
				    what, strerror((int)-kept));
	item = state_add(proc, what, tid);
	item->keeper = keeper;
	item->put = keys_put_ring;
	item->call.args[0] = (uint64_t)ring;
	item->call.args[1] = special;
	/* The session keyring must be there. */
	item->turn = STATE_LATE;
	return 0;
}

int state_keys_read(const struct state_proc *proc)
{
	long own = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	int r = 0;

	for (size_t i = 0; r == 0 && i < proc->n_tids; i++) {
		pid_t tid = proc->tids[i];
		uint64_t seen;
		long session;

		if (state_sign_value(proc, tid, STATE_SIGN_SESSION_KEYRING, &seen))
			session = (int32_t)seen;
		else
			session = keys_ask(proc->hold, proc->pid, tid, KEYCTL_GET_KEYRING_ID,
					   (uint64_t)KEY_SPEC_SESSION_KEYRING, 0);
		/* A kernel without keys, or a dead thread. */
		if (session < 0)
			continue;
		if (session != own)
			r = keys_read_session(proc, tid, (int32_t)session);
		if (r == 0 && state_sign_may_have(proc, tid, STATE_SIGN_PROCESS_KEYRING))
			r = keys_read_ring(proc, tid, (int32_t)session,
					   (uint64_t)KEY_SPEC_PROCESS_KEYRING, "a process keyring");
		if (r == 0 && state_sign_may_have(proc, tid, STATE_SIGN_THREAD_KEYRING))
			r = keys_read_ring(proc, tid, (int32_t)session,
					   (uint64_t)KEY_SPEC_THREAD_KEYRING, "a thread keyring");
	}
	return r == -ESRCH ? 0 : r;
}
