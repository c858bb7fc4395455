/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy-modules.h - built policy modules, as the loader accepts them
 *
 * The loader refuses what a group may write, and with a umask of 002 that is the
 * whole build tree. So the tests copy the modules into a private directory first.
 */
#ifndef VC_TESTS_POLICY_MODULES_H
#define VC_TESTS_POLICY_MODULES_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"

static inline void modules_copy(const char *from, const char *to)
{
	_cleanup_closedir_ DIR *dir = opendir(from);
	struct dirent *entry;

	if (!dir) {
		fprintf(stderr, "%s: not built?\n", from);
		abort();
	}
	while ((entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		_cleanup_close_ int out = -1;
		_cleanup_free_ char *data = NULL;
		char path[4096];
		ssize_t size;

		if (!dot || strcmp(dot, ".so") != 0)
			continue;
		size = file_read_all(dirfd(dir), entry->d_name, 64 << 20, &data);
		snprintf(path, sizeof(path), "%s/%s", to, entry->d_name);
		out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (size < 0 || out < 0 || write(out, data, (size_t)size) != size ||
		    fchmod(out, 0644) < 0)
			abort();
	}
}

/* Makes a directory with copies of the modules in build/below/.libs; dir: 64 bytes. */
static inline void modules_setup(const char *below, char *dir)
{
	const char *build = getenv("top_builddir");
	char from[4096];

	strcpy(dir, "/tmp/vcrun-policy-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	snprintf(from, sizeof(from), "%s/%s/.libs", build ? build : ".", below);
	modules_copy(from, dir);
}

static inline void modules_teardown(const char *dir)
{
	file_remove_tree(AT_FDCWD, dir);
}

#endif
