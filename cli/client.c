// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * client.c - connect to a daemon, send one request, await its answers
 *
 * Commands know the instance by its state directory alone: a partition is a
 * directory in it that has a daemon's socket.
 */
#include "cli/client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "common/trust.h"

#define CLIENT_PATIENCE_SEC 30 /* with a daemon that another can stand in for */

static int client_compare_names(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

void client_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* A daemon is given the caller's program, environment and descriptors, so it must be root's. */
static int client_open_dir(const char *state_dir, int flags, char *ret_real, struct vc_err *err)
{
	int fd = trust_open(state_dir, flags | O_DIRECTORY, ret_real, err);

	if (fd < 0)
		err_add(err, "state directory %s", state_dir);
	return fd;
}

int client_partitions(const char *state_dir, char ***ret, size_t *ret_n, struct vc_err *err)
{
	int fd = client_open_dir(state_dir, O_RDONLY, NULL, err);
	_cleanup_closedir_ DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	char **names = NULL;
	size_t n = 0;

	if (fd == -EPERM)
		return fd;
	while (dir && (entry = readdir(dir))) {
		char path[PATH_MAX];
		char **grown;

		snprintf(path, sizeof(path), "%s/vcd.lock", entry->d_name);
		if (entry->d_name[0] == '.' || faccessat(dirfd(dir), path, F_OK, 0) < 0)
			continue;
		grown = realloc(names, (n + 1) * sizeof(*grown));
		if (grown)
			names = grown;
		if (!grown || !(names[n] = strdup(entry->d_name))) {
			client_names_free(names, n);
			return err_sys(err, ENOMEM, "partitions");
		}
		n++;
	}
	if (n == 0) {
		free(names);
		return err_set(err, ENOENT,
			       "vcrun is not up (no daemon in %s): run 'vcctl up' as root",
			       state_dir);
	}
	qsort(names, n, sizeof(*names), client_compare_names);
	*ret = names;
	*ret_n = n;
	return 0;
}

int client_open(const char *state_dir, const char *partition, struct wire **ret, struct vc_err *err)
{
	char real[PATH_MAX], path[PATH_MAX + NAME_MAX + 16];
	_cleanup_close_ int state = -1, dir = -1;
	struct stat st;
	int r;

	if (!*partition || strchr(partition, '/') || partition[0] == '.')
		return err_set(err, EINVAL, "'%s' is no partition's name", partition);
	state = client_open_dir(state_dir, O_PATH, real, err);
	if (state < 0 && state != -ENOENT)
		return state;
	dir = state < 0 ? state : trust_openat(state, partition, O_PATH | O_DIRECTORY, 0);
	if (dir == -EPERM || dir == -ELOOP)
		return trust_fail(dir, real, partition, err);
	if (dir < 0)
		return err_set(err, ENOENT, "there is no partition %s; 'vcctl list' names them",
			       partition);
	snprintf(path, sizeof(path), "%s/%s/vcd.sock", real, partition);
	r = wire_connect(path, WIRE_PATIENCE_SEC, ret, err);
	if (r == 0 || r == -EACCES || r == -ENAMETOOLONG)
		return r;
	if (r == -EAGAIN)
		return err_set(err, EHOSTDOWN,
			       "the daemon of partition %s accepts no connection; see its vcd.log",
			       partition);
	if (fstatat(dir, "vcd.lock", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(
			err, EHOSTDOWN,
			"partition %s is down: its daemon does not run; 'vcctl up' starts it",
			partition);
	return err_set(err, ENOENT, "there is no partition %s; 'vcctl list' names them", partition);
}

int client_open_lively(const char *state_dir, const char *partition, struct wire **ret,
		       struct vc_err *err)
{
	int r = client_open(state_dir, partition, ret, err);
	struct ucred cred;
	socklen_t len = sizeof(cred);
	char state = 'S';

	if (r < 0)
		return r;
	/* The kernel says which process listens. */
	if (getsockopt(wire_fd(*ret), SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.pid > 0 &&
	    proc_look(cred.pid, &state, NULL) == 0 && (state == 'T' || state == 't')) {
		wire_free(*ret);
		return err_set(err, ETIMEDOUT,
			       "the daemon of partition %s (pid %d) does not answer: it is stopped",
			       partition, (int)cred.pid);
	}
	return 0;
}

/* The daemon may be stopped after it was looked at. */
static void client_limit(const struct wire *wire)
{
	struct timeval patience = { .tv_sec = CLIENT_PATIENCE_SEC };

	setsockopt(wire_fd(wire), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

static int client_say_silent(struct vc_err *err)
{
	return err_set(err, ETIMEDOUT, "the daemon has not answered for %d s", CLIENT_PATIENCE_SEC);
}

int client_open_any(const char *state_dir, struct wire **ret, struct vc_err *err)
{
	char **names;
	size_t n;
	int r = client_partitions(state_dir, &names, &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = client_open_lively(state_dir, names[i], ret, err);
		if (r == 0)
			break;
	}
	client_names_free(names, n);
	if (r == 0)
		client_limit(*ret);
	return r;
}

int client_ask(struct wire *wire, const Vc__Msg *msg, const int *fds, size_t n_fds,
	       struct wire_msg *ret, struct vc_err *err)
{
	int r = wire_send(wire, msg, fds, n_fds, err);

	if (r == 0)
		r = wire_recv(wire, ret, err);
	if (r == -EAGAIN)
		return client_say_silent(err);
	return r < 0 ? r : client_answer(ret, err);
}

int client_answer(struct wire_msg *msg, struct vc_err *err)
{
	int r;

	if (msg->msg->body_case != VC__MSG__BODY_ERROR)
		return 0;
	r = wire_take_error(msg->msg->error, err);
	wire_msg_done(msg);
	return r;
}

static int client_compare_jobs(const void *a, const void *b)
{
	const Vc__Job *x = *(Vc__Job *const *)a, *y = *(Vc__Job *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static int client_add_status(struct client_status *status, const Vc__StatusReply *reply)
{
#define ADD(list)                                                                                  \
	if (reply->n_##list > 0) {                                                                 \
		void *grown = reallocarray(status->list, status->n_##list + reply->n_##list,       \
					   sizeof(*status->list));                                 \
                                                                                                   \
		if (!grown)                                                                        \
			return -ENOMEM;                                                            \
		status->list = grown;                                                              \
		memcpy(status->list + status->n_##list, reply->list,                               \
		       reply->n_##list * sizeof(*status->list));                                   \
		status->n_##list += reply->n_##list;                                               \
	}
	ADD(partitions)
	ADD(jobs)
	ADD(moves)
	ADD(devices)
	ADD(regions)
#undef ADD
	return 0;
}

/* One daemon's answer, in as many pieces as it has. */
static int client_take_status(struct wire *wire, const char *partition,
			      struct client_status *status, struct vc_err *err)
{
	struct wire_msg *grown, *piece;
	bool more = true;
	int r;

	while (more) {
		grown = reallocarray(status->answers, status->n_answers + 1, sizeof(*grown));
		if (!grown)
			return err_sys(err, ENOMEM, "status");
		status->answers = grown;
		piece = &grown[status->n_answers];
		r = wire_recv(wire, piece, err);
		if (r == 0)
			r = client_answer(piece, err);
		if (r < 0)
			return r;
		status->n_answers++;
		if (piece->msg->body_case != VC__MSG__BODY_STATUS_REPLY)
			return err_set(err, EPROTO, "partition %s answered something else",
				       partition);
		if (client_add_status(status, piece->msg->status_reply) < 0)
			return err_sys(err, ENOMEM, "status");
		more = piece->msg->status_reply->more;
	}
	return 0;
}

static int client_ask_status(const char *state_dir, const char *partition, const Vc__Status *wanted,
			     struct client_status *status, struct vc_err *err)
{
	const struct client_status before = *status;
	Vc__Msg msg = VC__MSG__INIT;
	struct wire *wire;
	int r = client_open_lively(state_dir, partition, &wire, err);

	if (r < 0)
		return r;
	client_limit(wire);
	msg.body_case = VC__MSG__BODY_STATUS;
	msg.status = (Vc__Status *)wanted;
	r = wire_send(wire, &msg, NULL, 0, err);
	if (r == 0)
		r = client_take_status(wire, partition, status, err);
	wire_free(wire);
	if (r == -EAGAIN) {
		client_say_silent(err);
		r = err_add(err, "partition %s", partition);
	}
	if (r < 0) {
		/* A part of an answer would be taken for the whole. */
		status->n_partitions = before.n_partitions;
		status->n_jobs = before.n_jobs;
		status->n_moves = before.n_moves;
		status->n_devices = before.n_devices;
		status->n_regions = before.n_regions;
	}
	return r;
}

int client_status(const char *state_dir, const Vc__Status *wanted, struct client_status *ret,
		  struct vc_err *err)
{
	Vc__Status ask = *wanted;
	bool answered = false;
	char **names;
	size_t n;
	int r = client_partitions(state_dir, &names, &n, err);

	*ret = (struct client_status){ 0 };
	if (r < 0)
		return r;
	for (size_t i = 0; i < n && (!answered || ask.jobs); i++) {
		/* A daemon that is down is no error: the others' board says so. */
		r = client_ask_status(state_dir, names[i], &ask, ret, err);
		if (r == -ETIMEDOUT)
			ret->silent = *err;
		if (r < 0)
			continue;
		answered = true;
		/* All but the jobs is the same from every daemon. */
		ask.partitions = ask.moves = ask.devices = ask.regions = false;
	}
	client_names_free(names, n);
	if (!answered)
		return r;
	if (ret->n_jobs)
		qsort(ret->jobs, ret->n_jobs, sizeof(*ret->jobs), client_compare_jobs);
	return 0;
}

void client_status_done(struct client_status *status)
{
	for (size_t i = 0; i < status->n_answers; i++)
		wire_msg_done(&status->answers[i]);
	free(status->answers);
	free(status->partitions);
	free(status->jobs);
	free(status->moves);
	free(status->devices);
	free(status->regions);
	*status = (struct client_status){ 0 };
}

static int client_say_ambiguous(const struct client_status *status, const char *name,
				struct vc_err *err)
{
	char numbers[400] = "";
	size_t len = 0;

	for (size_t i = 0; i < status->n_jobs && len + 16 < sizeof(numbers); i++)
		if (status->jobs[i]->name && !strcmp(status->jobs[i]->name, name))
			len += (size_t)snprintf(numbers + len, sizeof(numbers) - len, "%s%u",
						len ? ", " : "", status->jobs[i]->id);
	return err_set(err, ENOTUNIQ, "several jobs are named %s: give the number, one of %s", name,
		       numbers);
}

int client_find_job(const struct client_status *status, const char *word, bool by_pid,
		    const Vc__Job **ret, struct vc_err *err)
{
	char *end;
	unsigned long number = strtoul(word, &end, 10);
	bool numeric = *word >= '0' && *word <= '9' && !*end;

	*ret = NULL;
	for (size_t i = 0; numeric && !by_pid && !*ret && i < status->n_jobs; i++)
		if (status->jobs[i]->id == number)
			*ret = status->jobs[i];
	for (size_t i = 0; numeric && !*ret && i < status->n_jobs; i++)
		if (status->jobs[i]->pid > 0 && (unsigned long)status->jobs[i]->pid == number)
			*ret = status->jobs[i];
	for (size_t i = 0; !numeric && i < status->n_jobs; i++) {
		if (!status->jobs[i]->name || strcmp(status->jobs[i]->name, word))
			continue;
		if (*ret)
			return client_say_ambiguous(status, word, err);
		*ret = status->jobs[i];
	}
	if (*ret)
		return 0;
	return err_set(err, ENOENT, "there is no job %s%s%s; 'vcstat jobs' lists them", word,
		       status->silent.code ? ", as far as can be seen: " : "", status->silent.text);
}

void client_version(const char *command)
{
	printf("%s %s\n", command, PACKAGE_VERSION);
	exit(0);
}
