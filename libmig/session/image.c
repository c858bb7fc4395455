// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * image.c - the parents and groups of a tree, changed in its images
 *
 * pstree.img is written anew. A dead process needs besides its line there a core image that says
 * that it is dead, and, as it has children, an ids image: that says what it shares with its
 * parent, which is the namespaces and nothing else.
 */
#include "libmig/session/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "libmig/image/priv.h"

/* Fields of CRIU's pstree_entry, core_entry, task_core_entry, task_kobj_ids_entry. */
#define PSTREE_PID 1
#define PSTREE_PPID 2
#define PSTREE_PGID 3
#define PSTREE_SID 4
#define PSTREE_THREADS 5
#define CORE_MTYPE 1
#define CORE_TC 3
#define TC_STATE 1
#define TC_COMM 6
#define STATE_DEAD 2
#define IDS_SIGHAND 4 /* the last of those that say what is shared */

/* No process has this number, so nobody shares what is called by one behind it. */
#define IDS_OWN 0x70000000u

static void session_put(FILE *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		putc((int)(value & 0x7f) | 0x80, out);
	putc((int)value, out);
}

static void session_put_field(FILE *out, unsigned int id, uint64_t value)
{
	session_put(out, id << 3);
	session_put(out, value);
}

static void session_put_bytes(FILE *out, unsigned int id, const void *bytes, size_t len)
{
	session_put(out, id << 3 | 2);
	session_put(out, len);
	fwrite(bytes, 1, len, out);
}

/* One message being made; it is an image's entry when it is complete. */
struct session_entry {
	FILE *out;
	char *text;
	size_t len;
};

static int session_entry_begin(struct session_entry *entry)
{
	*entry = (struct session_entry){ .out = NULL };
	entry->out = open_memstream(&entry->text, &entry->len);
	return entry->out ? 0 : -errno;
}

static void session_entry_end(struct session_entry *entry, FILE *image)
{
	uint32_t len;

	fclose(entry->out);
	len = (uint32_t)entry->len;
	fwrite(&len, sizeof(len), 1, image);
	fwrite(entry->text, 1, entry->len, image);
	free(entry->text);
}

static int session_create(int dirfd, const char *name, const void *magic, FILE **ret)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	*ret = fd < 0 ? NULL : fdopen(fd, "w");
	if (!*ret) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		return -code;
	}
	fwrite(magic, 1, IMAGE_MAGIC_SIZE, *ret);
	return 0;
}

static int session_close(FILE *file)
{
	bool bad = ferror(file);

	return fclose(file) < 0 || bad ? -EIO : 0;
}

/* --- the tree ------------------------------------------------------------------------------ */

static int session_write_process(const struct session *session, uint8_t *at, const uint8_t *end,
				 FILE *image)
{
	const struct session_task *task = NULL;
	struct session_entry entry;
	struct image_field field;
	int r;

	if (!image_find(at, end, PSTREE_PID, &field))
		return -EPROTO;
	for (size_t i = 0; i < session->n; i++)
		if (session->tasks[i].pid == (pid_t)field.value)
			task = &session->tasks[i];
	if (!task)
		return -EPROTO;
	r = session_entry_begin(&entry);
	if (r < 0)
		return r;
	while (image_next(&at, end, &field)) {
		if (field.id == PSTREE_PPID && task->new_parent)
			field.value = (uint64_t)task->new_parent;
		if (field.id == PSTREE_PGID && task->new_group)
			field.value = (uint64_t)task->new_group;
		if (field.is_bytes)
			session_put_bytes(entry.out, field.id, field.at, field.len);
		else
			session_put_field(entry.out, field.id, field.value);
	}
	session_entry_end(&entry, image);
	return 0;
}

static int session_write_dead(const struct session_dead *dead, FILE *image)
{
	struct session_entry entry;
	int r = session_entry_begin(&entry);

	if (r < 0)
		return r;
	session_put_field(entry.out, PSTREE_PID, (uint64_t)dead->pid);
	session_put_field(entry.out, PSTREE_PPID, (uint64_t)dead->parent);
	session_put_field(entry.out, PSTREE_PGID, (uint64_t)dead->session);
	session_put_field(entry.out, PSTREE_SID, (uint64_t)dead->session);
	session_put_field(entry.out, PSTREE_THREADS, (uint64_t)dead->pid);
	session_entry_end(&entry, image);
	return 0;
}

/* A line's parent must have been read before it. */
struct session_line {
	pid_t pid, parent;
	uint8_t *at, *end; /* of a process */
	const struct session_dead *dead;
	bool written;
};

static int session_write_line(const struct session *session, const struct session_line *line,
			      FILE *image)
{
	return line->dead ? session_write_dead(line->dead, image)
			  : session_write_process(session, line->at, line->end, image);
}

static int session_write_lines(const struct session *session, struct session_line *lines, size_t n,
			       FILE *image)
{
	size_t written = 0, before;

	do {
		before = written;
		for (size_t i = 0; i < n; i++) {
			bool ready = lines[i].pid == session->root;
			int r;

			for (size_t k = 0; k < n; k++)
				ready = ready ||
					(lines[k].written && lines[k].pid == lines[i].parent);
			if (lines[i].written || !ready)
				continue;
			r = session_write_line(session, &lines[i], image);
			if (r < 0)
				return r;
			lines[i].written = true;
			written++;
		}
	} while (written > before);
	return written == n ? 0 : -EPROTO;
}

static pid_t session_parent(const struct session *session, pid_t pid)
{
	for (size_t i = 0; i < session->n; i++)
		if (session->tasks[i].pid == pid)
			return session->tasks[i].new_parent ? session->tasks[i].new_parent
							    : session->tasks[i].parent;
	return 0;
}

static int session_write_tree(const struct session *session, int dirfd)
{
	_cleanup_free_ struct session_line *lines =
		calloc(session->n + session->n_dead, sizeof(*lines));
	_cleanup_(image_done) struct image tree = { 0 };
	struct image_field field;
	size_t n = 0;
	FILE *image;
	int r;

	if (!lines)
		return -ENOMEM;
	if (image_open(&tree, dirfd, "pstree.img") < 0)
		return -EPROTO;
	while (image_next_entry(&tree)) {
		if (n == session->n || !image_find(tree.entry, tree.end, PSTREE_PID, &field))
			return -EPROTO;
		lines[n++] = (struct session_line){ .pid = (pid_t)field.value,
						    .parent = session_parent(session,
									     (pid_t)field.value),
						    .at = tree.entry,
						    .end = tree.end };
	}
	for (size_t i = 0; i < session->n_dead; i++)
		lines[n++] = (struct session_line){ .pid = session->dead[i].pid,
						    .parent = session->dead[i].parent,
						    .dead = &session->dead[i] };
	r = session_create(dirfd, tree.name, tree.data, &image);
	if (r < 0)
		return r;
	r = session_write_lines(session, lines, n, image);
	return session_close(image) < 0 ? -EIO : r;
}

/* --- the dead ------------------------------------------------------------------------------ */

/* Reads the entry of the root's image of that kind. */
static int session_read_root(const struct session *session, int dirfd, const char *kind,
			     struct image *ret)
{
	int r = image_open(ret, dirfd, "%s-%d.img", kind, (int)session->root);

	return r == 0 && image_next_entry(ret) ? 0 : -EPROTO;
}

static int session_write_core(const struct session *session, int dirfd, pid_t pid)
{
	_cleanup_(image_done) struct image root;
	struct session_entry entry, task;
	struct image_field field;
	char name[32];
	FILE *image;
	int r = session_read_root(session, dirfd, "core", &root);

	if (r == 0 && !image_find(root.entry, root.end, CORE_MTYPE, &field))
		r = -EPROTO;
	snprintf(name, sizeof(name), "core-%d.img", (int)pid);
	if (r == 0)
		r = session_create(dirfd, name, root.data, &image);
	if (r < 0)
		return r;
	r = session_entry_begin(&entry);
	if (r == 0)
		r = session_entry_begin(&task);
	if (r == 0) {
		session_put_field(task.out, TC_STATE, STATE_DEAD);
		for (unsigned int id = TC_STATE + 1; id < TC_COMM; id++)
			session_put_field(task.out, id, 0);
		session_put_bytes(task.out, TC_COMM, "vcrun", 5);
		fclose(task.out);
		session_put_field(entry.out, CORE_MTYPE, field.value);
		session_put_bytes(entry.out, CORE_TC, task.text, task.len);
		free(task.text);
		session_entry_end(&entry, image);
	}
	return session_close(image) < 0 ? -EIO : r;
}

static int session_write_ids(const struct session *session, int dirfd, pid_t pid, size_t number)
{
	_cleanup_(image_done) struct image root;
	struct session_entry entry;
	struct image_field field;
	char name[32];
	FILE *image;
	int r = session_read_root(session, dirfd, "ids", &root);

	snprintf(name, sizeof(name), "ids-%d.img", (int)pid);
	if (r == 0 && faccessat(dirfd, name, F_OK, 0) == 0)
		return 0;
	if (r == 0)
		r = session_create(dirfd, name, root.data, &image);
	if (r < 0)
		return r;
	r = session_entry_begin(&entry);
	if (r == 0) {
		while (image_next(&root.entry, root.end, &field))
			session_put_field(entry.out, field.id,
					  field.id > IDS_SIGHAND ? field.value : IDS_OWN + number);
		session_entry_end(&entry, image);
	}
	return session_close(image) < 0 ? -EIO : r;
}

int session_write_images(const struct session *session, int dirfd)
{
	int r = session_write_tree(session, dirfd);

	for (size_t i = 0; r == 0 && i < session->n_dead; i++) {
		r = session_write_core(session, dirfd, session->dead[i].pid);
		if (r == 0)
			r = session_write_ids(session, dirfd, session->dead[i].pid, i);
	}
	/* Those that are dead in the job too have children now. */
	for (size_t i = 0; r == 0 && i < session->n; i++)
		if (session->tasks[i].state == 'Z')
			r = session_write_ids(session, dirfd, session->tasks[i].pid,
					      session->n_dead + i);
	return r;
}
