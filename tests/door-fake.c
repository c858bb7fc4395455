// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * door-fake.c - a door without daemons, so that what stands behind it is tested alone
 *
 * Objects are files in the directory $VC_DOOR_FAKE, the table is a file there, too, and
 * flock(2) keeps its users apart. Permissions are the files', or the entries' where an owner may do
 * more than its mode says. Nobody watches the openers: an object that was unlinked stays until the
 * directory is removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "ipcmap/door/door.h"
#include "ipcmap/object/undo.h"

#define FAKE_ENTRIES 65536

struct fake {
	int fd;
	struct door_stat *entries; /* of id i + 1; kind 0: never used */
};

static void fake_path(char path[256], uint64_t id)
{
	snprintf(path, 256, "%s/%llu", getenv("VC_DOOR_FAKE"), (unsigned long long)id);
}

static int fake_enter(struct fake *fake)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/table", getenv("VC_DOOR_FAKE"));
	fake->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fake->fd < 0)
		return -errno;
	if (flock(fake->fd, LOCK_EX) < 0 || fchmod(fake->fd, 0666) > 0 ||
	    ftruncate(fake->fd, (off_t)(FAKE_ENTRIES * sizeof(struct door_stat))) < 0)
		abort();
	fake->entries = mmap(NULL, FAKE_ENTRIES * sizeof(struct door_stat), PROT_READ | PROT_WRITE,
			     MAP_SHARED, fake->fd, 0);
	if (fake->entries == MAP_FAILED)
		abort();
	return 0;
}

static void fake_exit(struct fake *fake)
{
	munmap(fake->entries, FAKE_ENTRIES * sizeof(struct door_stat));
	close(fake->fd);
}

/* The entry; NULL, errno ENOENT or EPROTOTYPE. */
static struct door_stat *fake_find(struct fake *fake, uint32_t kind, const char *name, uint64_t id)
{
	errno = ENOENT;
	for (int i = 0; i < FAKE_ENTRIES && fake->entries[i].kind; i++) {
		struct door_stat *entry = &fake->entries[i];

		if (entry->unlinked && !entry->openers)
			continue;
		if (name ? entry->kind == kind && !entry->unlinked && !strcmp(entry->name, name)
			 : entry->id == id && entry->id) {
			if (!kind || entry->kind == kind)
				return entry;
			errno = EPROTOTYPE;
			return NULL;
		}
	}
	return NULL;
}

static struct door_stat *fake_make(struct fake *fake, const struct door_open *req)
{
	struct door_stat *entry = fake->entries;
	_cleanup_close_ int fd = -1;
	char path[256];

	while (entry->kind)
		entry++;
	*entry = (struct door_stat){ .id = (uint64_t)(entry - fake->entries) + 1,
				     .kind = req->kind,
				     .uid = geteuid(),
				     .gid = getegid(),
				     .cuid = geteuid(),
				     .cgid = getegid(),
				     .mode = req->mode,
				     .created_usec = clock_real_usec(),
				     .size = req->size,
				     .persistent = true };
	snprintf(entry->name, sizeof(entry->name), "%s", req->name ? req->name : "");
	fake_path(path, entry->id);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)req->size) < 0 || fchmod(fd, req->mode) < 0 ||
	    (req->n_init && pwrite(fd, req->init, req->n_init, 0) < 0))
		abort();
	return entry;
}

static bool fake_owns(const struct door_stat *entry)
{
	return geteuid() == 0 || geteuid() == entry->uid || geteuid() == entry->cuid;
}

static bool fake_by_entry(const struct door_stat *entry)
{
	return ipc_kind_is_sysv(entry->kind) || entry->kind == IPC_KIND_POSIX_MQ;
}

/* Everybody can open such a file: the entry says who may. */
static mode_t fake_mode(const struct door_stat *entry)
{
	return fake_by_entry(entry) ? 0666 : entry->mode;
}

static bool fake_may(const struct door_stat *entry, uint32_t flags)
{
	unsigned int bits = flags & DOOR_RDONLY ? 4 : flags & DOOR_WRONLY ? 2 : 6;

	if (geteuid() == 0 || !fake_by_entry(entry))
		return true;
	if (fake_owns(entry))
		return flags & DOOR_OWNER || (entry->mode >> 6 & bits) == bits;
	if (getegid() == entry->gid || getegid() == entry->cgid)
		return (entry->mode >> 3 & bits) == bits;
	return (entry->mode & bits) == bits;
}

static int fake_open(struct fake *fake, const struct door_open *req, struct door_object *ret)
{
	struct door_stat *entry =
		!req->name && !req->id ? NULL : fake_find(fake, req->kind, req->name, req->id);
	bool made = false;
	char path[256];
	int fd;

	if (req->name && strlen(req->name) > DOOR_NAME_MAX)
		return -ENAMETOOLONG;
	if (!entry && errno == EPROTOTYPE)
		return -EPROTOTYPE;
	if (!entry && !(req->flags & DOOR_CREATE))
		return -ENOENT;
	if (entry && req->flags & DOOR_EXCL)
		return -EEXIST;
	if (!entry) {
		entry = fake_make(fake, req);
		made = true;
	}
	fake_path(path, entry->id);
	if (!made && !fake_may(entry, req->flags))
		return -EACCES;
	if (made)
		chmod(path, 0600);
	fd = open(path, (req->flags & DOOR_RDONLY   ? O_RDONLY
			 : req->flags & DOOR_WRONLY ? O_WRONLY
						    : O_RDWR) |
				O_CLOEXEC);
	if (made)
		chmod(path, fake_mode(entry));
	if (fd < 0)
		return -errno;
	*ret = (struct door_object){ .fd = fd,
				     .handle = entry->id,
				     .id = entry->id,
				     .size = (uint64_t)lseek(fd, 0, SEEK_END),
				     .kind = entry->kind,
				     .uid = entry->uid,
				     .gid = entry->gid,
				     .mode = entry->mode,
				     .created_usec = entry->created_usec,
				     .cuid = entry->cuid,
				     .cgid = entry->cgid,
				     .created = made,
				     .unlinked = entry->unlinked };
	memcpy(ret->name, entry->name, sizeof(ret->name));
	lseek(fd, 0, SEEK_SET);
	if (!(req->flags & DOOR_NOCOUNT))
		entry->openers++;
	return 0;
}

int door_open(const struct door_open *req, struct door_object *ret)
{
	struct fake fake;
	int r;

	if (fake_enter(&fake) < 0)
		return -EMFILE;
	r = fake_open(&fake, req, ret);
	fake_exit(&fake);
	return r;
}

int door_close(uint64_t handle)
{
	struct door_stat *entry;
	struct fake fake;
	int r = -EBADF;

	if (fake_enter(&fake) < 0)
		return -EMFILE;
	entry = fake_find(&fake, 0, NULL, handle);
	if (entry && entry->openers > 0) {
		entry->openers--;
		r = 0;
	}
	fake_exit(&fake);
	return r;
}

int door_unlink(uint32_t kind, const char *name, uint64_t id)
{
	struct door_stat *entry;
	struct fake fake;
	int r = 0;

	if (fake_enter(&fake) < 0)
		return -EMFILE;
	entry = fake_find(&fake, kind, name, id);
	if (!entry || entry->unlinked)
		r = entry ? -ENOENT : -errno;
	else if (!fake_owns(entry))
		r = -EACCES;
	else
		entry->unlinked = true;
	fake_exit(&fake);
	return r;
}

int door_stat(uint32_t kind, const char *name, uint64_t id, struct door_stat *ret)
{
	struct door_stat *entry;
	struct fake fake;
	char path[256];
	int r = 0;

	if (fake_enter(&fake) < 0)
		return -EMFILE;
	entry = fake_find(&fake, kind, name, id);
	if (entry) {
		fake_path(path, entry->id);
		if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)
			r = -EACCES;
		else
			*ret = *entry;
	} else {
		r = -errno;
	}
	fake_exit(&fake);
	return r;
}

static void fake_look(struct door_stat *stat)
{
	_cleanup_close_ int fd = -1;
	char path[256];
	struct stat st;

	fake_path(path, stat->id);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || pread(fd, stat->head, sizeof(stat->head), 0) < 0)
		return;
	stat->used_bytes = (uint64_t)st.st_blocks * 512;
	if (stat->kind == IPC_KIND_SYSV_SHM)
		undo_forget_gone(fd, (uint64_t)st.st_size, NULL, NULL);
}

int door_stat_any(uint32_t kind, const char *name, uint64_t id, struct door_stat *ret)
{
	struct door_stat *entry;
	struct fake fake;
	int r = 0;

	if (fake_enter(&fake) < 0)
		return -EMFILE;
	entry = fake_find(&fake, kind, name, id);
	if (entry) {
		*ret = *entry;
		fake_look(ret);
	} else {
		r = -errno;
	}
	fake_exit(&fake);
	return r;
}

int door_chown(uint64_t id, uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct door_stat *entry;
	struct fake fake;
	char path[256];
	int r = 0;

	if (fake_enter(&fake) < 0)
		return -EMFILE;
	entry = fake_find(&fake, 0, NULL, id);
	if (!entry || !fake_owns(entry)) {
		r = entry ? -EACCES : -ENOENT;
	} else if (uid == (uint32_t)-1 || gid == (uint32_t)-1) {
		r = -EINVAL;
	} else {
		fake_path(path, id);
		entry->uid = uid;
		entry->gid = gid;
		entry->mode = mode;
		if (!fake_by_entry(entry) && (chown(path, uid, gid) < 0 || chmod(path, mode) < 0))
			r = -errno;
	}
	fake_exit(&fake);
	return r;
}

int door_list(uint32_t kind, uint64_t *cursor, struct door_stat *ret, size_t max)
{
	struct fake fake;
	size_t n = 0;

	if (fake_enter(&fake) < 0)
		return -EMFILE;
	while (*cursor < FAKE_ENTRIES && n < max && fake.entries[*cursor].kind) {
		const struct door_stat *entry = &fake.entries[(*cursor)++];

		if ((!kind || entry->kind == kind) && !entry->unlinked)
			ret[n++] = *entry;
	}
	fake_exit(&fake);
	return (int)n;
}

int door_list_any(uint32_t kind, uint64_t *cursor, struct door_stat *ret, size_t max)
{
	int n = door_list(kind, cursor, ret, max);

	for (int i = 0; i < n; i++)
		fake_look(&ret[i]);
	return n;
}

void door_keep(void)
{
}

void door_conn_forked(void)
{
}

int door_remove(uint32_t kind, uint64_t id)
{
	int r = door_unlink(kind, NULL, id);

	/* Whoever removes an object so has counted itself in once. */
	if (r == 0)
		door_close(id);
	return r;
}
