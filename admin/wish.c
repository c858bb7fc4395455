// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wish.c - reads the settings of a partition as the user wrote them
 */
#include "admin/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "partition/topology.h"

#define WISH_LIST_MAX 4096

static int wish_list(char **field, const char *list, struct vc_err *err)
{
	char *copy = strdup(list);

	if (!copy)
		return err_sys(err, ENOMEM, "settings");
	free(*field);
	*field = copy;
	return 0;
}

static int wish_lists(const struct admin_wish *wish, struct partition_spec *spec,
		      struct vc_err *err)
{
	char list[WISH_LIST_MAX];
	int r = 0;

	if (wish->cpus) {
		r = topology_check_cpus(wish->cpus, list, sizeof(list), NULL, err);
		r = r < 0 ? err_add(err, "--cpus") : wish_list(&spec->cpus, list, err);
	}
	if (r == 0 && wish->mems) {
		r = topology_check_mems(wish->mems, list, sizeof(list), err);
		r = r < 0 ? err_add(err, "--mems") : wish_list(&spec->mems, list, err);
	}
	return r;
}

/* Converts "block:vdb,net:eth1" to a spec's form; "" is none. reshape_check() looks for the
 * devices. */
static int wish_devices(const char *text, char **field, struct vc_err *err)
{
	char *list = strdup(text);

	if (!list)
		return err_sys(err, ENOMEM, "settings");
	for (char *c = list; *c; c++)
		*c = *c == ',' ? ' ' : *c;
	free(*field);
	*field = list;
	if (!list[strspn(list, " ")])
		free(steal_ptr(*field));
	return 0;
}

int wish_apply(const struct admin_wish *wish, struct partition_spec *spec, struct vc_err *err)
{
	int r = 0;

	if (wish->memory &&
	    (config_size_parse(wish->memory, &spec->memory_bytes) < 0 || spec->memory_bytes == 0))
		return err_set(err, EINVAL,
			       "--memory=%s: write a size like 512M or 1.5G, or \"max\"",
			       wish->memory);
	if (wish->memory_mode && spec_parse_mode(wish->memory_mode, &spec->mode) < 0)
		return err_set(err, EINVAL, "--memory-mode=%s: give pageable or fixed",
			       wish->memory_mode);
	if (wish->cpu && spec_parse_sharing(wish->cpu, &spec->exclusive) < 0)
		return err_set(err, EINVAL, "--cpu=%s: give dedicated or shared", wish->cpu);
	if (wish->devices)
		r = wish_devices(wish->devices, &spec->devices, err);
	if (r == 0 && wish->share)
		r = wish_devices(wish->share, &spec->shares, err);
	return r < 0 ? r : wish_lists(wish, spec, err);
}
