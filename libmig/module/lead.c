// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lead.c - restored session leaders get their terminals back
 */
#include "libmig/module/lead.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/array.h"
#include "libmig/module/keep.h"
#include "libmig/module/slot.h"

struct lead {
	pid_t leader;
	uint32_t id;
};

static struct lead *leads;
static size_t n_leads;

/* Replaces setsid(2) in criu's children. */
static pid_t lead_setsid(void)
{
	pid_t session = (pid_t)syscall(SYS_setsid);
	int code = errno;

	for (size_t i = 0; session > 0 && i < n_leads; i++) {
		int fd;

		if (leads[i].leader != session)
			continue;
		fd = module_keep_restore((int)leads[i].id);
		/* 0: not if another session has it; then the restore fails. */
		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0) {
			code = fd < 0 ? -fd : errno;
			session = -1;
		}
		if (fd >= 0)
			close(fd);
	}
	errno = code;
	return session;
}

bool lead_is_possible(void)
{
	static bool replaced;

	if (!replaced)
		replaced = slot_replace("setsid", (slot_function *)lead_setsid);
	return replaced;
}

int lead_add(pid_t leader, uint32_t id)
{
	struct lead *added;

	if (!lead_is_possible())
		return -EOPNOTSUPP;
	added = array_add(&leads, &n_leads);
	if (!added)
		return -ENOMEM;
	*added = (struct lead){ .leader = leader, .id = id };
	return 0;
}
