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
#include <stdio.h>
#include <stdlib.h>
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

/* --- the tree ------------------------------------------------------------------------------ */

static int session_put_process(const struct session *session, uint8_t *at, const uint8_t *end,
			       struct image_out *out)
{
	_cleanup_(image_out_done) struct image_out entry = { 0 };
	const struct session_task *task = NULL;
	struct image_field field;

	if (!image_find(at, end, PSTREE_PID, &field))
		return -EPROTO;
	for (size_t i = 0; i < session->n; i++)
		if (session->tasks[i].pid == (pid_t)field.value)
			task = &session->tasks[i];
	if (!task)
		return -EPROTO;
	while (image_next(&at, end, &field)) {
		if (field.id == PSTREE_PPID && task->new_parent)
			field.value = (uint64_t)task->new_parent;
		if (field.id == PSTREE_PGID && task->new_group)
			field.value = (uint64_t)task->new_group;
		if (field.is_bytes)
			image_out_bytes(&entry, field.id, field.at, field.len);
		else
			image_out_number(&entry, field.id, field.value);
	}
	image_out_message(out, &entry);
	return 0;
}

static void session_put_dead(const struct session_dead *dead, struct image_out *out)
{
	_cleanup_(image_out_done) struct image_out entry = { 0 };

	image_out_number(&entry, PSTREE_PID, (uint64_t)dead->pid);
	image_out_number(&entry, PSTREE_PPID, (uint64_t)dead->parent);
	image_out_number(&entry, PSTREE_PGID, (uint64_t)dead->session);
	image_out_number(&entry, PSTREE_SID, (uint64_t)dead->session);
	image_out_number(&entry, PSTREE_THREADS, (uint64_t)dead->pid);
	image_out_message(out, &entry);
}

/* A line's parent must have been read before it. */
struct session_line {
	pid_t pid, parent;
	uint8_t *at, *end; /* of a process */
	const struct session_dead *dead;
	bool written;
};

static int session_put_lines(const struct session *session, struct session_line *lines, size_t n,
			     struct image_out *out)
{
	size_t written = 0, before;

	do {
		before = written;
		for (size_t i = 0; i < n; i++) {
			bool ready = lines[i].pid == session->root;
			int r = 0;

			for (size_t k = 0; k < n; k++)
				ready = ready ||
					(lines[k].written && lines[k].pid == lines[i].parent);
			if (lines[i].written || !ready)
				continue;
			if (lines[i].dead)
				session_put_dead(lines[i].dead, out);
			else
				r = session_put_process(session, lines[i].at, lines[i].end, out);
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
	_cleanup_(image_out_done) struct image_out out = { 0 };
	_cleanup_(image_done) struct image tree = { 0 };
	struct image_field field;
	size_t n = 0;
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
	image_out_put(&out, tree.data, IMAGE_MAGIC_SIZE);
	r = session_put_lines(session, lines, n, &out);
	return r < 0 ? r : image_out_save(&out, dirfd, tree.name);
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
	_cleanup_(image_out_done) struct image_out out = { 0 }, entry = { 0 }, task = { 0 };
	_cleanup_(image_done) struct image root;
	struct image_field field;
	char name[32];
	int r = session_read_root(session, dirfd, "core", &root);

	if (r < 0)
		return r;
	if (!image_find(root.entry, root.end, CORE_MTYPE, &field))
		return -EPROTO;
	image_out_number(&task, TC_STATE, STATE_DEAD);
	for (unsigned int id = TC_STATE + 1; id < TC_COMM; id++)
		image_out_number(&task, id, 0);
	image_out_bytes(&task, TC_COMM, "vcrun", 5);
	image_out_number(&entry, CORE_MTYPE, field.value);
	image_out_bytes(&entry, CORE_TC, task.at, task.len);
	entry.failed |= task.failed;
	image_out_put(&out, root.data, IMAGE_MAGIC_SIZE);
	image_out_message(&out, &entry);
	snprintf(name, sizeof(name), "core-%d.img", (int)pid);
	return image_out_save(&out, dirfd, name);
}

static int session_write_ids(const struct session *session, int dirfd, pid_t pid, size_t number)
{
	_cleanup_(image_out_done) struct image_out out = { 0 }, entry = { 0 };
	_cleanup_(image_done) struct image root;
	struct image_field field;
	char name[32];
	int r = session_read_root(session, dirfd, "ids", &root);

	snprintf(name, sizeof(name), "ids-%d.img", (int)pid);
	if (r < 0 || faccessat(dirfd, name, F_OK, 0) == 0)
		return r;
	while (image_next(&root.entry, root.end, &field))
		image_out_number(&entry, field.id,
				 field.id > IDS_SIGHAND ? field.value : IDS_OWN + number);
	image_out_put(&out, root.data, IMAGE_MAGIC_SIZE);
	image_out_message(&out, &entry);
	return image_out_save(&out, dirfd, name);
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
