## SPDX-License-Identifier: LGPL-2.1-or-later
## System V's and POSIX's own objects: their memory, and the interposer that maps them.

## What lies in the objects' memory; of the interposer, of the daemons (undo.h) and of tests.
noinst_LTLIBRARIES += libsysv.la
libsysv_la_SOURCES = ipcmap/guard.c ipcmap/guard.h ipcmap/wait.h \
	ipcmap/semset.c ipcmap/semset.h \
	ipcmap/msgq.c ipcmap/msgq.h ipcmap/msgq-blocks.c ipcmap/msgq-notify.c ipcmap/msgq-priv.h \
	ipcmap/segment.c ipcmap/segment.h \
	ipcmap/undo.c ipcmap/undo.h
libsysv_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

## The interposer. Nothing but what it interposes is visible in it.
pkglib_LTLIBRARIES = libvcipc-preload.la
libvcipc_preload_la_SOURCES = ipcmap/preload/preload.h ipcmap/preload/process.c \
	ipcmap/preload/limits.c ipcmap/preload/list.c \
	ipcmap/preload/object.c ipcmap/preload/object.h ipcmap/preload/sysv.c \
	ipcmap/preload/sysv-msg.c ipcmap/preload/sysv-sem.c ipcmap/preload/sysv-shm.c \
	ipcmap/preload/posix.c ipcmap/preload/posix-mq.c ipcmap/preload/posix-mq.h \
	ipcmap/preload/posix-mq-notify.c ipcmap/preload/posix-sem.c ipcmap/preload/posix-shm.c
libvcipc_preload_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libvcipc_preload_la_LIBADD = libsysv.la libdoor.la libcommon.la
libvcipc_preload_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared
