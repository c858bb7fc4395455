/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vcstat.h - what vcstat shows, seen by its own files
 */
#ifndef VC_CLI_VCSTAT_H
#define VC_CLI_VCSTAT_H

#include <stdbool.h>

/* vcstat-devices.c: looks twice, a second apart; returns the exit status. */
int vcstat_devices(const char *state_dir, bool json);

#endif
