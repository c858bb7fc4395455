/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * env.h - the environment variables that give a program the interposer
 *
 * vcrun(1) sets them for the job's first program. The interposer adds missing ones when the job
 * executes another program.
 */
#ifndef VC_IPCMAP_PRELOAD_ENV_H
#define VC_IPCMAP_PRELOAD_ENV_H

#define ENV_PRELOAD "LD_PRELOAD"
#define ENV_LIBRARY "libvcipc-preload.so" /* our item in that list */
#define ENV_STATE_DIR "VCRUN_STATE_DIR"

/* The treatment of programs that are not reached: ENV_IPC_MAP or ENV_IPC_STRICT. */
#define ENV_IPC "VCRUN_IPC"
#define ENV_IPC_MAP "map"
#define ENV_IPC_STRICT "map,strict"

/* The run-time library of AddressSanitizer checks that it is the first one, unless this is set. It
 * need not be: the interposer defines none of its functions, except calls that it passes on. */
#define ENV_ASAN "ASAN_OPTIONS"
#define ENV_ASAN_OPTION "verify_asan_link_order=0"

#endif
