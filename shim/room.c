// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * room.c - how much memory a user's images may take
 *
 * Images lie in memory that is charged to no partition, and those of a parked job for as long as
 * its user likes. So before each move the shim claims room for it in the user's name: a file beside
 * the images, images/JOB.claim, with the user and the number of bytes. The shim holds it locked; a
 * claim that nobody holds counts only as long as there are images. Claims are made one after the
 * other, under a lock of the directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/statedir.h"

#include "common/cleanup.h"
#include "common/file.h"
#include "partition/cgroup/cgroup.h"
#include "shim/shim.h"

#define ROOM_SUFFIX ".claim"

struct room_claim {
	uid_t uid;
	uint64_t bytes;
};

static uint64_t room_limit(const struct shim *shim)
{
	uint64_t limit = shim->instance->config->images_per_user_bytes;

	if (shim->start->creds->uid == 0)
		return CG_NO_LIMIT;
	/* Not set: half of the machine's memory. */
	return limit ? limit
		     : (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
}

static bool room_read(int dirfd, const char *name, struct room_claim *ret)
{
	char text[64];

	return file_read(dirfd, name, text, sizeof(text)) > 0 &&
	       sscanf(text, "%u %" SCNu64, &ret->uid, &ret->bytes) == 2;
}

/* Whether the shim that made the claim is gone, and its images too. */
static bool room_is_stale(int dirfd, const char *name)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char images[32];

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return false;
	snprintf(images, sizeof(images), "%d", atoi(name));
	return faccessat(dirfd, images, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

/* What a user's other jobs have claimed. */
static uint64_t room_sum(int dirfd, const char *own, uid_t uid)
{
	_cleanup_closedir_ DIR *dir = file_open_dir(dirfd, ".");
	const struct dirent *entry;
	uint64_t sum = 0;

	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), suffix = strlen(ROOM_SUFFIX);
		struct room_claim claim;

		if (len <= suffix || strcmp(entry->d_name + len - suffix, ROOM_SUFFIX) ||
		    !strcmp(entry->d_name, own) || !room_read(dirfd, entry->d_name, &claim) ||
		    claim.uid != uid)
			continue;
		if (room_is_stale(dirfd, entry->d_name))
			unlinkat(dirfd, entry->d_name, 0);
		else
			sum += claim.bytes;
	}
	return sum;
}

static int room_write(const struct shim *shim, uint64_t bytes)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%u %" PRIu64 "\n", shim->start->creds->uid, bytes);

	if (ftruncate(shim->room_fd, 0) < 0 || pwrite(shim->room_fd, text, (size_t)len, 0) != len)
		return -errno;
	return 0;
}

int room_claim(struct shim *shim, uint64_t bytes, struct vc_err *err)
{
	_cleanup_close_ int dirfd =
		openat(shim->instance->dirfd, STATE_IMAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t limit = room_limit(shim), others;
	char name[32];

	if (limit == CG_NO_LIMIT)
		return 0;
	snprintf(name, sizeof(name), "%u" ROOM_SUFFIX, shim->job);
	if (dirfd < 0 || flock(dirfd, LOCK_EX) < 0)
		return err_sys(err, errno, "the directory of the images");
	if (shim->room_fd < 0)
		shim->room_fd =
			openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (shim->room_fd < 0 || flock(shim->room_fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(err, errno, "images/%s", name);
	others = room_sum(dirfd, name, shim->start->creds->uid);
	if (bytes > limit || others > limit - bytes) {
		room_release(shim);
		return err_set(
			err, EDQUOT,
			"its images would have about %" PRIu64 " MiB, and those of its user's "
			"other jobs, which are being moved or parked, have %" PRIu64
			" MiB, where a user may have %" PRIu64
			" MiB (images-per-user); move it when these run again, or end what is "
			"parked",
			bytes >> 20, others >> 20, limit >> 20);
	}
	if (room_write(shim, bytes) < 0)
		return err_sys(err, errno, "images/%s", name);
	return 0;
}

void room_correct(const struct shim *shim, uint64_t bytes)
{
	if (shim->room_fd >= 0)
		room_write(shim, bytes);
}

void room_release(struct shim *shim)
{
	char name[48];

	if (shim->room_fd < 0)
		return;
	snprintf(name, sizeof(name), STATE_IMAGES_JOB ROOM_SUFFIX, shim->job);
	unlinkat(shim->instance->dirfd, name, 0);
	close(steal_fd(&shim->room_fd));
}
