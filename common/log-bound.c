// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * log-bound.c - limits the size of a log
 *
 * A daemon's log is in the state directory, which is memory, and users cause messages, for example
 * by starting programs. Daemon and shims have the same open file as stderr, and shims may outlive
 * their daemon. A new file under the old name would not be theirs. So the file is copied and
 * emptied. A line written in between can be lost.
 */
#include "common/log-bound.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

#define BOUND_NAME "/vcd.log"
#define BOUND_BURST 1000.0 /* messages of a level at once */
#define BOUND_PER_SEC 20.0 /* on average */

struct bound_level {
	double room;
	uint64_t at_usec;
	unsigned int left_out;
};

static struct bound_level bound_levels[LOG_LEVEL_DEBUG + 1];

bool log_bound_admits(enum log_level level, unsigned int *ret_left_out)
{
	struct bound_level *bound = &bound_levels[level];
	uint64_t now = clock_mono_usec();

	*ret_left_out = 0;
	if (level == LOG_LEVEL_ERROR)
		return true;
	bound->room = bound->at_usec
			      ? bound->room + (double)(now - bound->at_usec) / 1e6 * BOUND_PER_SEC
			      : BOUND_BURST;
	bound->at_usec = now;
	if (bound->room > BOUND_BURST)
		bound->room = BOUND_BURST;
	if (bound->room < 1) {
		bound->left_out++;
		return false;
	}
	bound->room--;
	*ret_left_out = bound->left_out;
	bound->left_out = 0;
	return true;
}

static bool log_bound_is_full(struct stat *st)
{
	return fstat(STDERR_FILENO, st) == 0 && S_ISREG(st->st_mode) &&
	       st->st_size > (off_t)LOG_BYTES_MAX;
}

/* Finds the path of a daemon's log. Another file on stderr is ignored. */
static bool log_bound_path(char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/fd/2", path, PATH_MAX - 3);
	size_t name = strlen(BOUND_NAME);

	if (len < (ssize_t)name)
		return false;
	path[len] = '\0';
	return !strcmp(path + len - name, BOUND_NAME);
}

void log_bound_file(void)
{
	_cleanup_close_ int from = -1, to = -1;
	char path[PATH_MAX];
	struct stat st;
	off_t at = 0;

	if (!log_bound_is_full(&st) || !log_bound_path(path))
		return;
	strcat(path, ".1");
	from = open("/proc/self/fd/2", O_RDONLY | O_CLOEXEC);
	to = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	/* Another process may do the same, or have done it. */
	if (from < 0 || to < 0 || flock(to, LOCK_EX | LOCK_NB) < 0 || !log_bound_is_full(&st))
		return;
	if (ftruncate(to, 0) < 0)
		return;
	while (at < st.st_size && sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0)
		;
	if (ftruncate(STDERR_FILENO, 0) < 0)
		return;
}
