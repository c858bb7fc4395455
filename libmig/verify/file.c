// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * file.c - the files of a job's descriptors, the owners of their signals, and the sessions of its
 * terminals
 *
 * A descriptor with an owner (F_SETOWN) sends it signals with the rights of the user that set it.
 * With uid 0 in the image the restored job could kill any process. A terminal whose session in the
 * image is the job's would be taken from the session that has it.
 */
#include "libmig/verify/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/procdir.h"
#include "libmig/image/priv.h"

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17 /* <linux/fcntl.h> conflicts with <fcntl.h> */
#endif

/* TtyType in CRIU's images/tty.proto */
#define TTY_TYPE_PTY 1
#define TTY_TYPE_EXTERNAL 5
#define PTY_MAJOR 136 /* and seven more, of 256 each */

/* Fields of CRIU's FileEntry and TtyFileEntry; then of each kind of file the field of the owner. */
#define FILE_TTY 19
#define TTY_PATH 6

static const struct {
	unsigned int file, owner;
} owner_fields[] = {
	{ 3, 5 },  { 4, 13 }, { 6, 6 },  { 7, 11 }, { 8, 3 },  { 9, 3 },
	{ 10, 3 }, { 12, 3 }, { 13, 4 }, { 14, 3 }, { 15, 5 }, { 16, 9 },
	{ 18, 4 }, { 19, 4 }, { 20, 4 }, { 21, 4 }, { 22, 5 },
};

/* An entry of files.img. CRIU writes two entries with the same id for some files. */
struct verify_entry {
	uint32_t id, type;
	Image__Owner *owner; /* NULL: this kind has none */
	char *path;          /* NULL: this kind has none */
	bool has_other;
	uint32_t other; /* id of the entry that has the path of a terminal */
};

static int file_compare(const void *a, const void *b)
{
	const struct verify_entry *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

void verify_file_free(struct verify *verify)
{
	for (size_t i = 0; i < verify->n_entries; i++) {
		if (verify->entries[i].owner)
			image__owner__free_unpacked(verify->entries[i].owner, NULL);
		free(verify->entries[i].path);
	}
	free(verify->entries);
	verify->entries = NULL;
	verify->n_entries = 0;
}

static int file_add(struct verify *verify, struct verify_entry **ret)
{
	*ret = array_add(&verify->entries, &verify->n_entries);
	return *ret ? 0 : err_sys(verify->err, ENOMEM, "files.img");
}

static int file_add_owner(struct verify *verify, uint8_t *at, const uint8_t *end,
			  struct verify_entry *entry)
{
	struct image_field file, owner;

	for (size_t i = 0; i < ARRAY_SIZE(owner_fields); i++) {
		if (!image_find(at, end, owner_fields[i].file, &file) || !file.is_bytes ||
		    !image_find(file.at, file.at + file.len, owner_fields[i].owner, &owner) ||
		    !owner.is_bytes)
			continue;
		if (entry->owner)
			return err_set(verify->err, EKEYREJECTED,
				       "files.img has a file of two kinds");
		entry->owner = image__owner__unpack(NULL, owner.len, owner.at);
		if (!entry->owner || entry->owner->base.n_unknown_fields > 0)
			return err_set(verify->err, EKEYREJECTED,
				       "files.img has an owner that vcrun does not know");
	}
	return 0;
}

static int file_read_entry(struct verify *verify, uint8_t *at, const uint8_t *end)
{
	struct image_field id, type, file, field;
	struct verify_entry *entry = NULL;
	int r = file_add(verify, &entry);

	if (r < 0)
		return r;
	if (!image_find(at, end, FILE_ID, &id) || id.is_bytes ||
	    !image_find(at, end, FILE_TYPE, &type) || type.is_bytes)
		return err_set(verify->err, EKEYREJECTED, "files.img has a file without a number");
	entry->id = (uint32_t)id.value;
	entry->type = (uint32_t)type.value;
	if (image_find(at, end, FILE_REG, &file) && file.is_bytes &&
	    image_find(file.at, file.at + file.len, REG_NAME, &field) && field.is_bytes) {
		entry->path = strndup((const char *)field.at, field.len);
		if (!entry->path)
			return err_sys(verify->err, ENOMEM, "files.img");
	}
	if (image_find(at, end, FILE_TTY, &file) && file.is_bytes &&
	    image_find(file.at, file.at + file.len, TTY_PATH, &field) && !field.is_bytes) {
		entry->has_other = true;
		entry->other = (uint32_t)field.value;
	}
	return file_add_owner(verify, at, end, entry);
}

int verify_file_read(struct verify *verify)
{
	_cleanup_(image_done) struct image files;
	int r = 0;

	if (image_open(&files, verify->images, "files.img") < 0)
		return err_set(verify->err, EKEYREJECTED, "files.img is no image");
	while (r == 0 && image_next_entry(&files))
		r = file_read_entry(verify, files.entry, files.end);
	if (r == 0 && files.at != files.data_end)
		return err_set(verify->err, EKEYREJECTED, "files.img ends in the middle");
	if (verify->n_entries > 0)
		qsort(verify->entries, verify->n_entries, sizeof(*verify->entries), file_compare);
	return r;
}

/* Returns the first entry with that id; others follow it. NULL: there is none. */
static const struct verify_entry *file_find(const struct verify *verify, uint32_t id)
{
	const struct verify_entry key = { .id = id };
	const struct verify_entry *found =
		verify->n_entries == 0 ? NULL
				       : bsearch(&key, verify->entries, verify->n_entries,
						 sizeof(key), file_compare);

	while (found && found > verify->entries && found[-1].id == id)
		found--;
	return found;
}

/* A manipulated parasite can send another descriptor than the requested one. CRIU then writes the
 * path of one file and the flags of the other, and would open this path with these flags. */
static int file_check_path(struct verify *verify, pid_t pid, uint32_t fd, const char *path)
{
	static const char deleted[] = " (deleted)";
	char name[48], link[PATH_MAX];
	uint64_t inode;
	struct stat st;
	ssize_t len;
	size_t size;
	int end = 0;

	snprintf(name, sizeof(name), "/proc/%d/fd/%u", (int)pid, fd);
	len = readlink(name, link, sizeof(link) - 1);
	if (len < 0)
		return err_sys(verify->err, errno, "%s", name);
	link[len] = '\0';
	size = strlen(path);
	/* An external file, "file[MOUNT:INODE]", which criu gets from the mover. */
	if (sscanf(path, "file[%*x:%" SCNx64 "]", &inode) == 1 && stat(name, &st) == 0 &&
	    inode == st.st_ino)
		return 0;
	/* CRIU reads behind the end of the name of a process's directory in /proc. keep_take()
	 * replaces such names by the kernel's. */
	if (sscanf(link, "/proc/%*d%n", &end) == 0 && end == len &&
	    !strncmp(path, link, (size_t)len) && path[len] == '/')
		return 0;
	if (!strncmp(link, path, size) && (!link[size] || !strcmp(link + size, deleted)))
		return 0;
	return err_set(
		verify->err, EAGAIN,
		"pid %d: its image says that fd %u is %.200s, the kernel says %.200s. Another "
		"process changed it while the job was frozen; the job was not moved and runs on",
		(int)pid, fd, path, link);
}

static int file_check_kind(struct verify *verify, pid_t pid, uint32_t fd,
			   const struct verify_entry *entry)
{
	const struct verify_entry *end = verify->entries + verify->n_entries, *other;
	int r = 0;

	if (entry->path)
		return file_check_path(verify, pid, fd, entry->path);
	if (!entry->has_other)
		return 0;
	other = file_find(verify, entry->other);
	for (; r == 0 && other && other < end && other->id == entry->other; other++)
		if (other->path)
			r = file_check_path(verify, pid, fd, other->path);
	return r;
}

/* A descriptor of a frozen process in the kernel's view. */
struct verify_signal {
	bool has_owner;
	struct f_owner_ex owner;
	uint32_t uids[2];
	int signal;
};

static int file_read_signal(struct verify *verify, pid_t pid, int pidfd, uint32_t fd,
			    struct verify_signal *ret)
{
	_cleanup_close_ int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	int flags = copy < 0 ? -1 : fcntl(copy, F_GETFL);

	*ret = (struct verify_signal){ .has_owner = false };
	if (flags < 0)
		return err_sys(verify->err, errno, "fd %u of pid %d", fd, (int)pid);
	/* A descriptor with O_PATH sends no signals. */
	if (flags & O_PATH)
		return 0;
	ret->signal = fcntl(copy, F_GETSIG);
	if (ret->signal < 0 || fcntl(copy, F_GETOWN_EX, &ret->owner) < 0 ||
	    fcntl(copy, F_GETOWNER_UIDS, ret->uids) < 0)
		return err_sys(verify->err, errno, "fd %u of pid %d", fd, (int)pid);
	ret->has_owner = ret->owner.pid != 0;
	return 0;
}

/* CRIU writes all fields of an owner, or none. */
static int file_check_owner(struct verify *verify, pid_t pid, uint32_t fd,
			    const Image__Owner *image, const struct verify_signal *kernel)
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
		/* Processes outside may have the same description. */
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

static int file_check_descriptor(struct verify *verify, const ProtobufCMessage *message, void *ctx)
{
	const Image__Descriptor *descriptor = (const Image__Descriptor *)message;
	const struct verify_entry *end = verify->entries + verify->n_entries;
	const struct verify_entry *entry = file_find(verify, descriptor->key_id);
	struct verify_process *process = ctx;
	struct verify_signal kernel;
	int r = file_read_signal(verify, process->pid, process->pidfd, descriptor->key_fd, &kernel);

	process->n++;
	if (r == 0 && !entry)
		return verify_refuse(verify, process->pid, "no image has its fd %u",
				     descriptor->key_fd);
	for (; r == 0 && entry < end && entry->id == descriptor->key_id; entry++) {
		r = file_check_kind(verify, process->pid, descriptor->key_fd, entry);
		if (r == 0 && entry->owner)
			r = file_check_owner(verify, process->pid, descriptor->key_fd, entry->owner,
					     &kernel);
	}
	return r;
}

static uint64_t file_count(pid_t pid)
{
	_cleanup_procdir_ struct procdir dir = { .fd = -1 };
	uint64_t n = 0;

	procdir_open(&dir, AT_FDCWD, "/proc/%d/fd", (int)pid);
	while (procdir_next(&dir))
		n++;
	return n;
}

int verify_file_check(struct verify *verify, pid_t pid)
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
	/* CRIU writes no table for a process without descriptors. */
	if (faccessat(verify->images, name, F_OK, 0) == 0 || errno != ENOENT)
		r = verify_image_each(verify, &image__descriptor__descriptor, false, name,
				      file_check_descriptor, &process);
	if (r < 0)
		return r;
	return verify_equal(verify, &item, process.n, file_count(pid));
}

/* Returns the device that the session's leader must have as its terminal. */
static uint64_t file_terminal_device(const Image__Terminal *terminal)
{
	if (terminal->key_type == TTY_TYPE_PTY && terminal->pty)
		return makedev(PTY_MAJOR + terminal->pty->key_index / 256,
			       terminal->pty->key_index % 256);
	return terminal->key_rdev;
}

static int file_check_terminal(struct verify *verify, const ProtobufCMessage *message, void *ctx)
{
	const Image__Terminal *terminal = (const Image__Terminal *)message;
	struct verify_item item = { .tid = (pid_t)terminal->sid, .what = "terminal" };
	_cleanup_(verify_kernel_done) struct verify_kernel kernel = { .pid = 0 };
	int r;

	/* The mover hands over an external terminal; see session/image.c. */
	if (terminal->sid == 0 || terminal->key_type == TTY_TYPE_EXTERNAL)
		return 0;
	if (!verify_has_pid(verify, item.tid))
		return verify_refuse(verify, item.tid, "a terminal's session is not in the job");
	r = verify_kernel_read(verify, item.tid, item.tid, &kernel);
	if (r == 0)
		r = verify_equal(verify, &item, file_terminal_device(terminal), kernel.terminal);
	item.what = "foreground process group";
	if (r == 0)
		r = verify_equal(verify, &item, terminal->pgrp, (uint64_t)kernel.foreground);
	return r;
}

int verify_file_check_terminals(struct verify *verify)
{
	if (faccessat(verify->images, "tty-info.img", F_OK, 0) < 0)
		return errno == ENOENT ? 0 : err_sys(verify->err, errno, "tty-info.img");
	return verify_image_each(verify, &image__terminal__descriptor, false, "tty-info.img",
				 file_check_terminal, NULL);
}
