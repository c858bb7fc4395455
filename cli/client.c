// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * client.c - connect to a daemon, send one request, await its answers
 *
 * Commands know only the state directory: a partition is a directory in it with a daemon's lock.
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
#include "common/clock.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "wire/locate.h"
#include "wire/patience.h"

#define CLIENT_SILENT_MAX 16
#define CLIENT_SILENT_USEC 2000000u
#define CLIENT_PIECES 64     /* of a message that is larger than a socket's queue */
#define CLIENT_CONNECT_SEC 1 /* with a daemon whose queue of connections, or of bytes, is full */

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

/* A daemon gets the caller's program, environment and descriptors, so it must belong to root. */
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

		snprintf(path, sizeof(path), STATE_LOCK, entry->d_name);
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

/* A stopped daemon accepts connections but answers nothing. Takes ownership of wire. */
static int client_check_lively(struct wire *wire, const char *partition, struct wire **ret,
			       struct vc_err *err)
{
	int r = patience_check_stopped(wire, err);

	if (r < 0) {
		wire_free(wire);
		return err_add(err, "partition %s", partition);
	}
	*ret = wire;
	return 0;
}

/* A command does not ask a silent daemon again for a while. */
static struct {
	char partition[NAME_MAX + 1];
	uint64_t at_usec;
	struct vc_err err;
} client_silent[CLIENT_SILENT_MAX];

void client_note_silent(const char *partition, const struct vc_err *err)
{
	size_t oldest = 0;

	for (size_t i = 0; i < CLIENT_SILENT_MAX; i++)
		if (client_silent[i].at_usec < client_silent[oldest].at_usec)
			oldest = i;
	snprintf(client_silent[oldest].partition, sizeof(client_silent[oldest].partition), "%s",
		 partition);
	client_silent[oldest].at_usec = clock_mono_usec();
	client_silent[oldest].err = *err;
}

static int client_check_noted(const char *partition, struct vc_err *err)
{
	uint64_t now = clock_mono_usec();

	for (size_t i = 0; i < CLIENT_SILENT_MAX; i++) {
		if (!client_silent[i].at_usec || strcmp(client_silent[i].partition, partition) ||
		    now - client_silent[i].at_usec > CLIENT_SILENT_USEC)
			continue;
		*err = client_silent[i].err;
		return -ETIMEDOUT;
	}
	return 0;
}

int client_open(const char *state_dir, const char *partition, struct wire **ret, struct vc_err *err)
{
	char real[PATH_MAX];
	_cleanup_close_ int state = -1, dir = -1;
	struct wire *wire;
	struct stat st;
	int r;

	if (!*partition || strchr(partition, '/') || partition[0] == '.')
		return err_set(err, EINVAL, "'%s' is not the name of a partition", partition);
	r = client_check_noted(partition, err);
	if (r < 0)
		return r;
	state = client_open_dir(state_dir, O_PATH, real, err);
	if (state < 0 && state != -ENOENT)
		return state;
	dir = state < 0 ? state : trust_openat(state, partition, O_PATH | O_DIRECTORY, 0);
	if (dir == -EPERM || dir == -ELOOP)
		return trust_fail(dir, real, partition, err);
	if (dir < 0)
		return err_set(err, ENOENT, "there is no partition %s; 'vcctl list' names them",
			       partition);
	r = locate_connect(real, partition, CLIENT_CONNECT_SEC, &wire, err);
	if (r == 0)
		return client_check_lively(wire, partition, ret, err);
	if (r == -EACCES || r == -ENAMETOOLONG)
		return r;
	if (r == -EAGAIN)
		return err_set(err, ETIMEDOUT,
			       "partition %s: its daemon accepts no connection; see its vcd.log",
			       partition);
	if (fstatat(dir, "vcd.lock", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(
			err, EHOSTDOWN,
			"partition %s is down: its daemon does not run; 'vcctl up' starts it",
			partition);
	return err_set(err, ENOENT, "there is no partition %s; 'vcctl list' names them", partition);
}

/* Sends a message, and waits for the daemon if the message is larger than a socket's queue. */
static int client_put(struct wire *wire, const Vc__Msg *msg, enum patience_for what,
		      struct vc_err *err)
{
	struct timeval patience = { .tv_sec = CLIENT_CONNECT_SEC }, forever = { 0 };
	int r;

	setsockopt(wire_fd(wire), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	r = wire_send(wire, msg, NULL, 0, err);
	for (int i = 0; r == 0 && wire_pending(wire) && i < CLIENT_PIECES; i++) {
		r = patience_await(NULL, wire, PATIENCE_FOR_TAKER, err);
		wire_flush(wire);
	}
	if (r == 0)
		r = patience_await(NULL, wire, what, err);
	setsockopt(wire_fd(wire), SOL_SOCKET, SO_SNDTIMEO, &forever, sizeof(forever));
	return r;
}

/* Adds the partition to the error if its daemon has not answered in time. Returns r. */
static int client_end(const char *partition, int r, struct vc_err *err)
{
	if (r == -ETIMEDOUT) {
		err_add(err, "partition %s", partition);
		client_note_silent(partition, err);
	}
	return r;
}

int client_order(struct wire *wire, const char *partition, const Vc__Msg *msg, struct vc_err *err)
{
	return client_end(partition, client_put(wire, msg, PATIENCE_FOR_TAKER, err), err);
}

/* Explains -EAGAIN: the daemon was stopped in the middle of its answer. */
static int client_take(struct wire *wire, struct wire_msg *ret, struct vc_err *err)
{
	struct timeval patience = { .tv_sec = CLIENT_CONNECT_SEC };
	int r;

	setsockopt(wire_fd(wire), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	r = wire_recv(wire, ret, err);
	if (r == -EAGAIN)
		return err_set(err, ETIMEDOUT, "its daemon has stopped in the middle of an answer");
	return r < 0 ? r : client_answer(ret, err);
}

int client_ask(const char *state_dir, const char *partition, const Vc__Msg *msg,
	       struct wire_msg *ret, struct vc_err *err)
{
	struct wire *wire;
	int r = client_open(state_dir, partition, &wire, err);

	if (r < 0)
		return r;
	r = client_put(wire, msg, PATIENCE_FOR_ANSWER, err);
	if (r == 0)
		r = client_take(wire, ret, err);
	wire_free(wire);
	return client_end(partition, r, err);
}

/* Whether it makes sense to ask another daemon. */
static bool client_is_silent(int r)
{
	return r == -ETIMEDOUT || r == -EHOSTDOWN || r == -ECONNRESET || r == -EPIPE;
}

int client_ask_any(const char *state_dir, const Vc__Msg *msg, struct wire_msg *ret,
		   struct vc_err *err)
{
	char **names;
	size_t n;
	int r = client_partitions(state_dir, &names, &n, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = client_ask(state_dir, names[i], msg, ret, err);
		if (!client_is_silent(r))
			break;
	}
	client_names_free(names, n);
	return r;
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

void client_version(const char *command)
{
	printf("%s %s\n", command, PACKAGE_VERSION);
	exit(0);
}
