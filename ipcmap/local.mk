## SPDX-License-Identifier: LGPL-2.1-or-later
## IPC objects across partitions: the way to the daemons.

## What every client of the daemons' table is linked with; not installed by itself.
noinst_LTLIBRARIES += libdoor.la
libdoor_la_SOURCES = ipcmap/door.c ipcmap/door.h ipcmap/kind.h
libdoor_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -fvisibility=hidden
libdoor_la_LIBADD = libwire.la libcommon.la
