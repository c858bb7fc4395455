/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysvipc.h - the text of /proc/sysvipc/msg, sem and shm, with the mapped objects
 */
#ifndef VC_IPCMAP_PRELOAD_SYSVIPC_H
#define VC_IPCMAP_PRELOAD_SYSVIPC_H

#include <stdint.h>
#include <stdio.h>

/* The kind of a file's objects, by its name in that directory; 0: there is no such file. */
uint32_t sysvipc_kind(const char *name);

/* Writes the text, as the kernel has it. */
void sysvipc_write(uint32_t kind, FILE *out);

#endif
