// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * witness.c - a process whose death shows that the partition's group was killed
 *
 * It belongs to root, and sleeps in a group of its own below the partition's
 * (partition/change/failure.h says why). It outlives a daemon that dies, and the next daemon takes
 * it over. A daemon that is ended by SIGTERM ends it too: nobody can tell the partition's state
 * then.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/daemon.h"
#include "daemon/part.h"
#include "partition/change/failure.h"
#include "partition/partition.h"

#define WITNESS_AGAIN_SEC 1

struct witness {
	struct failure_notes *notes;
	struct event *death, *again;
	int fd; /* a pidfd; -1: there is none */
};

/* In the child, in the witness's group. It keeps no descriptor of the daemon. */
static _Noreturn void witness_exec(int entered, int word)
{
	const char *env = getenv("VCRUN_VCINIT"), *binary = env ? env : VC_LIBEXECDIR "/vcinit";
	char *argv[] = { (char *)"vcwitness", NULL };
	sigset_t none;
	int code = -entered;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Ctrl-C must not end it together with a daemon in the foreground. */
	setsid();
	if (code == 0 && close_range(0, ~0u, CLOSE_RANGE_CLOEXEC) == 0 && chdir("/") == 0)
		execv(binary, argv);
	code = code ? code : errno;
	_exit(write(word, &code, sizeof(code)) < 0);
}

/* Returns its PID when it sleeps in its group, or -errno. */
static pid_t witness_spawn(struct daemon *daemon, struct vc_err *err)
{
	_cleanup_(cg_entry_freep) struct cg_entry *entry = NULL;
	_cleanup_close_ int from = -1, to = -1;
	char group[64];
	int pair[2], entered, code;
	pid_t pid;
	int r;

	partition_witness_group(daemon->name, group, sizeof(group));
	r = cg_group_create(daemon->cg, group, err);
	if (r == 0)
		r = cg_entry_open(daemon->cg, group, &entry, err);
	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	from = pair[0];
	to = pair[1];
	pid = cg_entry_fork(entry, &entered);
	if (pid == 0)
		witness_exec(entered, to);
	if (pid < 0)
		return err_sys(err, -(int)pid, "fork");
	closep(&to);
	to = -1;
	/* A successful exec closes the pipe, and nothing is read. */
	if (read(from, &code, sizeof(code)) == (ssize_t)sizeof(code))
		return err_sys(err, code, "%s", group);
	return pid;
}

static void witness_watch(struct daemon *daemon, pid_t pid);

/* Takes over the existing witness, or starts one. A partition also works without one. */
static void witness_look(struct daemon *daemon)
{
	struct witness *witness = daemon->witness;
	pid_t pid = failure_witness(witness->notes, daemon->slot);
	struct vc_err err = { 0 };

	if (pid == 0) {
		pid = witness_spawn(daemon, &err);
		if (pid > 0)
			failure_set_witness(witness->notes, daemon->slot, pid);
	}
	if (pid > 0)
		witness_watch(daemon, pid);
	else
		log_warn("no witness, so a kill of the partition's group is not noticed: %s",
			 err.text);
}

static void witness_on_again(evutil_socket_t fd, short what, void *ctx)
{
	witness_look(ctx);
}

static void witness_on_death(evutil_socket_t fd, short what, void *ctx)
{
	struct timeval delay = { .tv_sec = WITNESS_AGAIN_SEC };
	struct daemon *daemon = ctx;

	closep(&daemon->witness->fd);
	daemon->witness->fd = -1;
	log_warn("the witness of partition %s has died: it or its partition's group was killed",
		 daemon->name);
	failure_witness(daemon->witness->notes, daemon->slot);
	event_add(daemon->witness->again, &delay);
}

static void witness_watch(struct daemon *daemon, pid_t pid)
{
	struct witness *witness = daemon->witness;
	struct timeval delay = { .tv_sec = WITNESS_AGAIN_SEC };

	witness->fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (witness->fd < 0) {
		event_add(witness->again, &delay);
		return;
	}
	event_assign(witness->death, daemon->base, witness->fd, EV_READ, witness_on_death, daemon);
	event_add(witness->death, NULL);
}

static int witness_start(struct daemon *daemon, struct vc_err *err)
{
	struct witness *witness = daemon->witness = calloc(1, sizeof(*witness));
	int r;

	if (!witness)
		return err_sys(err, ENOMEM, "witness");
	witness->fd = -1;
	r = failure_notes_open(daemon->instance->dirfd, &witness->notes, err);
	if (r < 0)
		return err_add(err, "%s", daemon->instance->dir);
	witness->death = event_new(daemon->base, -1, 0, witness_on_death, daemon);
	witness->again = evtimer_new(daemon->base, witness_on_again, daemon);
	if (!witness->death || !witness->again)
		return err_sys(err, ENOMEM, "witness");
	witness_look(daemon);
	return 0;
}

static void witness_stop(struct daemon *daemon)
{
	struct witness *witness = daemon->witness;

	if (!witness)
		return;
	/* From here on, a missing witness is not a failure. */
	if (witness->notes)
		failure_set_witness(witness->notes, daemon->slot, 0);
	if (witness->fd >= 0)
		syscall(SYS_pidfd_send_signal, witness->fd, SIGKILL, NULL, 0);
	if (witness->death)
		event_free(witness->death);
	if (witness->again)
		event_free(witness->again);
	closep(&witness->fd);
	failure_notes_free(witness->notes);
	free(witness);
	daemon->witness = NULL;
}

const struct part witness_part = { "witness", witness_start, witness_stop };
