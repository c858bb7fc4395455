/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * env.h - the environment variables by which a program has the interposer
 *
 * vcrun(1) sets them for the job's first program; the interposer adds those that are missing
 * when the job executes another.
 */
#ifndef VC_IPCMAP_PRELOAD_ENV_H
#define VC_IPCMAP_PRELOAD_ENV_H

#define ENV_PRELOAD "LD_PRELOAD"
#define ENV_LIBRARY "libvcipc-preload.so" /* by which our item of that list is known */
#define ENV_STATE_DIR "VCRUN_STATE_DIR"

/* How programs that are not reached are treated: ENV_IPC_MAP, or ENV_IPC_STRICT. */
#define ENV_IPC "VCRUN_IPC"
#define ENV_IPC_MAP "map"
#define ENV_IPC_STRICT "map,strict"

/* AddressSanitizer's run-time library wants to be the first one, or have this said. It
 * need not be first for what it does: the interposer defines nothing that it defines, other
 * than calls that are passed on. */
#define ENV_ASAN "ASAN_OPTIONS"
#define ENV_ASAN_OPTION "verify_asan_link_order=0"

#endif
