// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ipc-test.c - a door without a daemon: objects are files in a temporary directory
 */
#include "tests/ipc-test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "ipcmap/door/door.h"

int ipc_test_fail, ipc_test_forks, ipc_test_closes;
void (*ipc_test_made)(const char *name);

static char dir[64];
static int dir_fd = -1;

int ipc_test_begin(void **state)
{
	strcpy(dir, "/dev/shm/vcrun-ipc-test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0 ? -1 : 0;
}

int ipc_test_end(void **state)
{
	close(dir_fd);
	return file_remove_tree(AT_FDCWD, dir);
}

/* --- the door ------------------------------------------------------------------------------ */

static int take_failure(void)
{
	int r = -ipc_test_fail;

	ipc_test_fail = 0;
	return r;
}

static void tell_made(const char *name)
{
	void (*made)(const char *name) = ipc_test_made;

	ipc_test_made = NULL;
	if (made)
		made(name);
}

static void file_name(char *path, size_t size, uint32_t kind, const char *name)
{
	snprintf(path, size, "%u:%s", kind, name);
}

/* Whether the name is there, of another kind. */
static bool is_of_other_kind(uint32_t kind, const char *name)
{
	char path[300];
	bool other = false;

	for (uint32_t k = VCIPC_EVENT; k <= VCIPC_SHM; k++) {
		file_name(path, sizeof(path), k, name);
		other = other || (k != kind && faccessat(dir_fd, path, F_OK, 0) == 0);
	}
	return other;
}

int door_open(const struct door_open *req, struct door_object *ret)
{
	bool create = req->flags & DOOR_CREATE;
	struct stat st;
	char path[300];
	int fd, r = take_failure();

	if (r < 0)
		return r;
	if (!*req->name)
		return -EINVAL;
	if (strlen(req->name) > DOOR_NAME_MAX)
		return -ENAMETOOLONG;
	if (is_of_other_kind(req->kind, req->name))
		return -EPROTOTYPE;
	file_name(path, sizeof(path), req->kind, req->name);
	*ret = (struct door_object){ .handle = 1, .kind = req->kind };
	fd = create ? openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, req->mode) : -1;
	if (fd >= 0) {
		char link[64];

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ret->created = ftruncate(fd, (off_t)req->size) == 0 &&
			       linkat(AT_FDCWD, link, dir_fd, path, AT_SYMLINK_FOLLOW) == 0;
		if (!ret->created)
			close(fd);
	}
	if (create && !ret->created && (req->flags & DOOR_EXCL))
		return -EEXIST;
	if (!ret->created)
		fd = openat(dir_fd, path, req->flags & DOOR_RDONLY ? O_RDONLY : O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	ret->fd = fd;
	ret->id = st.st_ino;
	ret->size = (uint64_t)st.st_size;
	if (ret->created)
		tell_made(req->name);
	return 0;
}

int door_close(uint64_t handle)
{
	int r = take_failure();

	ipc_test_closes++;
	return r < 0 || handle == 1 ? r : -EBADF;
}

int door_fork(void)
{
	ipc_test_forks++;
	return 0;
}

/* By id: the file of that number. */
static int unlink_id(uint64_t id)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	int r = -ENOENT;

	while (list && r < 0 && (entry = readdir(list)))
		if (entry->d_ino == id)
			r = unlinkat(dir_fd, entry->d_name, 0);
	closedir(list);
	return r;
}

int door_unlink(uint32_t kind, const char *name, uint64_t id)
{
	char path[300];
	int r = take_failure();

	if (r < 0)
		return r;
	if (!name)
		return unlink_id(id);
	if (!*name)
		return -EINVAL;
	if (strlen(name) > DOOR_NAME_MAX)
		return -ENAMETOOLONG;
	if (is_of_other_kind(kind, name))
		return -EPROTOTYPE;
	file_name(path, sizeof(path), kind, name);
	return unlinkat(dir_fd, path, 0) < 0 ? -errno : 0;
}

int ipc_test_file(uint32_t kind, const char *name)
{
	char path[300];
	int fd;

	file_name(path, sizeof(path), kind, name);
	fd = openat(dir_fd, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

const char *ipc_test_name(void)
{
	static unsigned int n;
	static char name[32];

	snprintf(name, sizeof(name), "object %u", n++);
	return name;
}

/* --- children ------------------------------------------------------------------------------ */

pid_t ipc_test_child(int (*run)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			_exit(run(arg));
		_exit(99);
	}
	assert_true(pid > 0);
	return pid;
}

int ipc_test_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

void *ipc_test_shared(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	return at;
}

bool ipc_test_sleeps(pid_t pid)
{
	uint64_t until = clock_mono_usec() + 5000000;
	char path[64], stat[512];

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	while (clock_mono_usec() < until) {
		char *end;

		if (file_read(AT_FDCWD, path, stat, sizeof(stat)) > 0 &&
		    strtol(stat, &end, 10) == SYS_futex && *end == ' ')
			return true;
		clock_sleep_usec(1000);
	}
	return false;
}

void ipc_test_check(int line, const char *what, long got, long expected)
{
	if (got != expected)
		fail_msg("line %d: %s: got %ld, expected %ld", line, what, got, expected);
}
