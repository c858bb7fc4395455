// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * subuid.c - the user that a uid of a user namespace belongs to
 *
 * Only the local files are read, because a name service may not answer.
 */
#include "common/subuid.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"

struct subuid_range {
	uid_t owner;
	unsigned long first, count;
};

struct subuid {
	struct subuid_range *ranges;
	size_t n;
};

/* Finds a local user by name, or by number. Returns false when there is none. */
static bool subuid_find_user(FILE *passwd, const char *word, uid_t *ret)
{
	const struct passwd *entry;
	char *end;

	rewind(passwd);
	while ((entry = fgetpwent(passwd))) {
		if (strcmp(entry->pw_name, word))
			continue;
		*ret = entry->pw_uid;
		return true;
	}
	*ret = (uid_t)strtoul(word, &end, 10);
	return *word && !*end;
}

/* Reads "user:first:count"; ignores other lines. */
static int subuid_add(struct subuid *subuid, FILE *passwd, char *line)
{
	char *first = strchr(line, ':'), *count = first ? strchr(first + 1, ':') : NULL;
	struct subuid_range range = { .owner = 0 };
	struct subuid_range *next;

	if (!count)
		return 0;
	*first++ = *count++ = '\0';
	range.first = strtoul(first, NULL, 10);
	range.count = strtoul(count, NULL, 10);
	if (range.count == 0 || !subuid_find_user(passwd, line, &range.owner))
		return 0;
	next = array_add(&subuid->ranges, &subuid->n);
	if (!next)
		return -ENOMEM;
	*next = range;
	return 0;
}

struct subuid *subuid_read(const char *ranges_path, const char *passwd_path)
{
	_cleanup_fclose_ FILE *ranges = fopen(ranges_path, "re");
	_cleanup_fclose_ FILE *passwd = fopen(passwd_path, "re");
	struct subuid *subuid = calloc(1, sizeof(*subuid));
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (subuid && ranges && passwd && getline(&line, &size, ranges) >= 0) {
		if (subuid_add(subuid, passwd, line) == 0)
			continue;
		subuid_free(subuid);
		return NULL;
	}
	return subuid;
}

void subuid_free(struct subuid *subuid)
{
	if (!subuid)
		return;
	free(subuid->ranges);
	free(subuid);
}

uid_t subuid_owner(const struct subuid *subuid, uid_t uid)
{
	for (size_t i = 0; subuid && i < subuid->n; i++) {
		const struct subuid_range *range = &subuid->ranges[i];

		if (uid >= range->first && uid - range->first < range->count)
			return range->owner;
	}
	return uid;
}
