// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verify-file.c - whom a job's descriptors signal, and of which session its terminals are
 *
 * A descriptor with an owner (F_SETOWN) sends that one a signal with the rights of whoever set it:
 * with uid 0 in the image, the restored job could kill any process. And a terminal whose session
 * is the job's is taken away from the session that had it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "libmig/verify-priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/image-priv.h"

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17 /* <linux/fcntl.h>, which does not go with <fcntl.h> */
#endif

/* TtyType in CRIU's images/tty.proto */
#define TTY_TYPE_PTY 1
#define TTY_TYPE_EXTERNAL 5
#define PTY_MAJOR 136 /* and seven more, of 256 each */

/* Of a FileEntry in CRIU's images/fdinfo.proto: the id, and in each kind of file the owner. */
#define FILE_ID 2

static const struct {
	unsigned int file, owner;
} owner_fields[] = {
	{ 3, 5 },  { 4, 13 }, { 6, 6 },  { 7, 11 }, { 8, 3 },  { 9, 3 },
	{ 10, 3 }, { 12, 3 }, { 13, 4 }, { 14, 3 }, { 15, 5 }, { 16, 9 },
	{ 18, 4 }, { 19, 4 }, { 20, 4 }, { 21, 4 }, { 22, 5 },
};

/* One entry of files.img: CRIU writes two of some files, which have the same id. */
struct verify_owner {
	uint32_t id;
	Image__Owner *owner;
};

static int verify_compare_owners(const void *a, const void *b)
{
	const struct verify_owner *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

void verify_owners_free(struct verify *verify)
{
	for (size_t i = 0; i < verify->n_owners; i++)
		image__owner__free_unpacked(verify->owners[i].owner, NULL);
	free(verify->owners);
	verify->owners = NULL;
	verify->n_owners = 0;
}

static int verify_owner_add(struct verify *verify, uint32_t id, const struct image_field *field)
{
	Image__Owner *owner = image__owner__unpack(NULL, field->len, field->at);
	struct verify_owner *grown;

	if (!owner || owner->base.n_unknown_fields > 0) {
		if (owner)
			image__owner__free_unpacked(owner, NULL);
		return err_set(verify->err, EKEYREJECTED,
			       "files.img has an owner that vcrun does not know");
	}
	/* Doubled at each power of two. */
	if ((verify->n_owners & (verify->n_owners - 1)) == 0) {
		grown = realloc(verify->owners,
				(verify->n_owners ? verify->n_owners * 2 : 1) * sizeof(*grown));
		if (!grown) {
			image__owner__free_unpacked(owner, NULL);
			return err_sys(verify->err, ENOMEM, "files.img");
		}
		verify->owners = grown;
	}
	verify->owners[verify->n_owners++] = (struct verify_owner){ .id = id, .owner = owner };
	return 0;
}

static int verify_owner_read(struct verify *verify, uint8_t *entry, const uint8_t *end)
{
	struct image_field id, file, owner;

	if (!image_find(entry, end, FILE_ID, &id) || id.is_bytes)
		return err_set(verify->err, EKEYREJECTED, "files.img has a file without a number");
	for (size_t i = 0; i < ARRAY_SIZE(owner_fields); i++) {
		int r;

		if (!image_find(entry, end, owner_fields[i].file, &file) || !file.is_bytes ||
		    !image_find(file.at, file.at + file.len, owner_fields[i].owner, &owner) ||
		    !owner.is_bytes)
			continue;
		r = verify_owner_add(verify, (uint32_t)id.value, &owner);
		if (r < 0)
			return r;
	}
	return 0;
}

int verify_owners_read(struct verify *verify)
{
	_cleanup_close_ int fd = openat(verify->images, "files.img", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = image_read(fd, &data);
	uint8_t *at, *entry, *entry_end;
	int r = 0;

	if (size < IMAGE_MAGIC_SIZE)
		return err_set(verify->err, EKEYREJECTED, "files.img is no image");
	at = data + IMAGE_MAGIC_SIZE;
	while (r == 0 && image_next_entry(&at, data + size, &entry, &entry_end))
		r = verify_owner_read(verify, entry, entry_end);
	if (r == 0 && at != data + size)
		return err_set(verify->err, EKEYREJECTED, "files.img ends in the middle");
	if (verify->n_owners > 0)
		qsort(verify->owners, verify->n_owners, sizeof(*verify->owners),
		      verify_compare_owners);
	return r;
}

/* A descriptor of a frozen process, as the kernel sees it. */
struct verify_signal {
	bool has_owner;
	struct f_owner_ex owner;
	uint32_t uids[2];
	int signal;
};

static int verify_read_signal(struct verify *verify, pid_t pid, int pidfd, uint32_t fd,
			      struct verify_signal *ret)
{
	_cleanup_close_ int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	int flags = copy < 0 ? -1 : fcntl(copy, F_GETFL);

	*ret = (struct verify_signal){ .has_owner = false };
	if (flags < 0)
		return err_sys(verify->err, errno, "fd %u of pid %d", fd, (int)pid);
	/* What is open as a path alone signals nobody. */
	if (flags & O_PATH)
		return 0;
	ret->signal = fcntl(copy, F_GETSIG);
	if (ret->signal < 0 || fcntl(copy, F_GETOWN_EX, &ret->owner) < 0 ||
	    fcntl(copy, F_GETOWNER_UIDS, ret->uids) < 0)
		return err_sys(verify->err, errno, "fd %u of pid %d", fd, (int)pid);
	ret->has_owner = ret->owner.pid != 0;
	return 0;
}

/* CRIU writes nothing of an owner that is not there; of one, all. */
static int verify_owner(struct verify *verify, pid_t pid, uint32_t fd, const Image__Owner *image,
			const struct verify_signal *kernel)
{
	const struct {
		const char *what;
		uint64_t image, kernel;
	} numbers[] = {
		{ "owner", image->pid, kernel->has_owner ? (uint64_t)kernel->owner.pid : 0 },
		{ "owner's type", image->pid_type,
		  kernel->has_owner ? (uint64_t)kernel->owner.type : 0 },
		{ "owner's uid", image->uid, kernel->has_owner ? kernel->uids[0] : 0 },
		{ "owner's effective uid", image->euid, kernel->has_owner ? kernel->uids[1] : 0 },
		{ "signal", image->signum, (uint64_t)kernel->signal },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++) {
		char what[64];
		/* Others may have the same description. */
		const struct verify_item item = { .tid = pid, .what = what, .from_outside = true };

		snprintf(what, sizeof(what), "%s of fd %u", numbers[i].what, fd);
		r = verify_equal(verify, &item, numbers[i].image, numbers[i].kernel);
	}
	return r;
}

struct verify_process {
	pid_t pid;
	int pidfd;
	uint64_t n; /* descriptors seen */
};

static int verify_descriptor(struct verify *verify, const ProtobufCMessage *message, void *ctx)
{
	const Image__Descriptor *descriptor = (const Image__Descriptor *)message;
	const struct verify_owner key = { .id = descriptor->key_id };
	struct verify_process *process = ctx;
	const struct verify_owner *end = verify->owners + verify->n_owners;
	const struct verify_owner *found = verify->n_owners == 0
						   ? NULL
						   : bsearch(&key, verify->owners, verify->n_owners,
							     sizeof(key), verify_compare_owners);
	struct verify_signal kernel;
	int r = verify_read_signal(verify, process->pid, process->pidfd, descriptor->key_fd,
				   &kernel);

	process->n++;
	while (found && found > verify->owners && found[-1].id == key.id)
		found--;
	for (; r == 0 && found && found < end && found->id == key.id; found++)
		r = verify_owner(verify, process->pid, descriptor->key_fd, found->owner, &kernel);
	return r;
}

static uint64_t verify_count_fds(pid_t pid)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	char path[32];
	uint64_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	return n;
}

int verify_files(struct verify *verify, pid_t pid)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct verify_process process = { .pid = pid, .pidfd = pidfd };
	const struct verify_item item = { .tid = pid, .what = "number of descriptors" };
	_cleanup_(verify_image_free) ProtobufCMessage *ids = NULL;
	char name[32];
	int r;

	if (pidfd < 0)
		return err_sys(verify->err, errno, "pid %d", (int)pid);
	snprintf(name, sizeof(name), "ids-%d.img", (int)pid);
	r = verify_image_read(verify, &image__ids__descriptor, false, name, &ids);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "fdinfo-%u.img", ((const Image__Ids *)ids)->key_files_id);
	r = verify_image_each(verify, &image__descriptor__descriptor, false, name,
			      verify_descriptor, &process);
	if (r < 0)
		return r;
	return verify_equal(verify, &item, process.n, verify_count_fds(pid));
}

/* The device that the session's leader must have as its terminal. */
static uint64_t verify_terminal_device(const Image__Terminal *terminal)
{
	if (terminal->key_type == TTY_TYPE_PTY && terminal->pty)
		return makedev(PTY_MAJOR + terminal->pty->key_index / 256,
			       terminal->pty->key_index % 256);
	return terminal->key_rdev;
}

static int verify_terminal(struct verify *verify, const ProtobufCMessage *message, void *ctx)
{
	const Image__Terminal *terminal = (const Image__Terminal *)message;
	struct verify_item item = { .tid = (pid_t)terminal->sid, .what = "terminal" };
	_cleanup_(verify_kernel_done) struct verify_kernel kernel = { .pid = 0 };
	int r;

	/* A terminal that is handed over is nobody's to take; see image.c. */
	if (terminal->sid == 0 || terminal->key_type == TTY_TYPE_EXTERNAL)
		return 0;
	if (!verify_has_pid(verify, item.tid))
		return verify_refuse(verify, item.tid, "a terminal's session is not in the job");
	r = verify_kernel_read(verify, item.tid, item.tid, &kernel);
	if (r == 0)
		r = verify_equal(verify, &item, verify_terminal_device(terminal), kernel.terminal);
	item.what = "foreground process group";
	if (r == 0)
		r = verify_equal(verify, &item, terminal->pgrp, (uint64_t)kernel.foreground);
	return r;
}

int verify_terminals(struct verify *verify)
{
	if (faccessat(verify->images, "tty-info.img", F_OK, 0) < 0)
		return errno == ENOENT ? 0 : err_sys(verify->err, errno, "tty-info.img");
	return verify_image_each(verify, &image__terminal__descriptor, false, "tty-info.img",
				 verify_terminal, NULL);
}
