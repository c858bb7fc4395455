/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysvipc.h - the text of /proc/sysvipc/msg, sem and shm, with the mapped objects
 */
#ifndef VC_IPCMAP_PRELOAD_SYSVIPC_H
#define VC_IPCMAP_PRELOAD_SYSVIPC_H

#include <stdint.h>
#include <stdio.h>

/* The kind of the objects in a file of that directory; 0: there is no such file. */
uint32_t sysvipc_kind(const char *name);

/* Writes the text in the kernel's format. */
void sysvipc_write(uint32_t kind, FILE *out);

#endif
