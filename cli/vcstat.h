/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcstat.h - the lists of vcstat that have files of their own
 */
#ifndef VC_CLI_VCSTAT_H
#define VC_CLI_VCSTAT_H

#include <jansson.h>
#include <stdbool.h>

struct client_status;

/* vcstat-devices.c: takes two samples, a second apart. Returns the exit status. */
int vcstat_devices(const char *state_dir, bool json);

/* vcstat-regions.c */
void vcstat_regions(const struct client_status *status);
json_t *vcstat_regions_json(const struct client_status *status);

#endif
