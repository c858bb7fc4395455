// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * locate.c - where a partition's daemon is: a Unix socket in the state directory
 */
#include "wire/locate.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/cleanup.h"
#include "common/statedir.h"

int locate_socket(const char *state_dir, const char *partition, struct sockaddr_un *ret,
		  struct vc_err *err)
{
	int len;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	len = snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/" STATE_SOCKET, state_dir,
		       partition);
	if (len >= (int)sizeof(ret->sun_path))
		return err_set(err, ENAMETOOLONG,
			       "%s/" STATE_SOCKET
			       ": too long for a socket's path; choose a shorter state directory",
			       state_dir, partition);
	return 0;
}

int locate_connect(const char *state_dir, const char *partition, unsigned int patience_sec,
		   struct wire **ret, struct vc_err *err)
{
	struct timeval patience = { .tv_sec = patience_sec }, forever = { 0 };
	_cleanup_close_ int fd = -1;
	struct sockaddr_un addr;
	int r = locate_socket(state_dir, partition, &addr, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (patience_sec ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0)
		return err_sys(err, errno, "socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(err, errno, "connect to %s", addr.sun_path);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &forever, sizeof(forever));
	return wire_new(steal_fd(&fd), ret, err);
}
