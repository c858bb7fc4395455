/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * priv.h - the sessions of one tree, shared by the session*.c files
 *
 *	session.c        which processes need another parent, or another group, in the images
 *	image.c          the images changed
 */
#ifndef VC_LIBMIG_SESSION_PRIV_H
#define VC_LIBMIG_SESSION_PRIV_H

#include <stdint.h>

#include "libmig/session/session.h"

/* A process of the tree. */
struct session_task {
	pid_t pid, parent, group, session;
	char state;
	pid_t born; /* in which session; 0: that makes no difference */
	/* What the images are to say instead; 0: no change. */
	pid_t new_parent, new_group;
};

/* A dead process that the images get. */
struct session_dead {
	pid_t pid, parent, session;
};

struct session {
	struct session_task *tasks; /* sorted by pid */
	size_t n;
	pid_t root;
	struct session_dead *dead;
	size_t n_dead;
};

int session_write_images(const struct session *session, int dirfd);

#endif
