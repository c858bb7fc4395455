## SPDX-License-Identifier: LGPL-2.1-or-later
## libvcipc: the library of IPC objects that programs link, its manual, its tests.

## The objects: apart from the library, so that unit tests can put another door in.
noinst_LTLIBRARIES += libipcobject.la
libipcobject_la_SOURCES = ipcmap/count.c ipcmap/count.h ipcmap/futex.h ipcmap/handle.c \
	ipcmap/handle.h ipcmap/layout.h ipcmap/lock.c ipcmap/lock.h ipcmap/spin.h ipcmap/vcipc.h \
	ipcmap/library/event.c ipcmap/library/mq-bell.c ipcmap/library/mq-order.c \
	ipcmap/library/mq.c ipcmap/library/mq.h ipcmap/library/mutex.c ipcmap/library/sem.c \
	ipcmap/library/shm.c
libipcobject_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

## What programs link. Only the names in vcipc.sym are seen from outside.
lib_LTLIBRARIES = libvcipc.la
libvcipc_la_SOURCES =
libvcipc_la_LIBADD = libipcobject.la libdoor.la -lpthread
libvcipc_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-export-symbols $(srcdir)/ipcmap/vcipc.sym
libvcipc_la_DEPENDENCIES = libipcobject.la libdoor.la ipcmap/vcipc.sym
vcipcincludedir = $(includedir)/vcrun
vcipcinclude_HEADERS = ipcmap/vcipc.h
pkgconfig_DATA += ipcmap/libvcipc.pc
## The quickstart's tour shows them.
noinst_PROGRAMS += examples/ipc/sender examples/ipc/receiver
examples_ipc_sender_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/ipcmap
examples_ipc_sender_LDADD = libvcipc.la
examples_ipc_receiver_CPPFLAGS = $(examples_ipc_sender_CPPFLAGS)
examples_ipc_receiver_LDADD = libvcipc.la

EXTRA_DIST += ipcmap/vcipc.sym examples/ipc/Makefile \
	examples/ipc/README.md
dist_man_MANS += man/vcipc.3 man/vcipc_event.3 man/vcipc_sem.3 man/vcipc_mutex.3 man/vcipc_mq.3 man/vcipc_shm.3

check_PROGRAMS += tests/ipc-peer tests/ipc-kills tests/ipc-turns
tests_ipc_turns_LDADD = libvcipc.la
tests_ipc_peer_LDADD = libvcipc.la
tests_ipc_kills_LDADD = libvcipc.la
library_end_to_end = tests/ipc-library.sh tests/ipc-waits.sh tests/ipc-fair.sh tests/ipc-kills.sh
dist_check_SCRIPTS += $(library_end_to_end)
TESTS += $(library_end_to_end)

if HAVE_CMOCKA
ipc_tests = tests/unit-ipc-count tests/unit-ipc-mutex tests/unit-ipc-mq tests/unit-ipc-open \
	tests/unit-ipc-kill tests/unit-ipc-rubbish
check_PROGRAMS += $(ipc_tests)
TESTS += $(ipc_tests)
IPC_TEST_SOURCES = tests/ipc-test.c tests/ipc-test.h
IPC_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -pthread
IPC_TEST_LIBS = libipcobject.la libcommon.la $(CMOCKA_LIBS) -lpthread
tests_unit_ipc_count_SOURCES = tests/unit-ipc-count.c $(IPC_TEST_SOURCES)
tests_unit_ipc_count_CFLAGS = $(IPC_TEST_CFLAGS)
tests_unit_ipc_count_LDADD = $(IPC_TEST_LIBS)
tests_unit_ipc_mutex_SOURCES = tests/unit-ipc-mutex.c $(IPC_TEST_SOURCES)
tests_unit_ipc_mutex_CFLAGS = $(IPC_TEST_CFLAGS)
tests_unit_ipc_mutex_LDADD = $(IPC_TEST_LIBS)
tests_unit_ipc_mq_SOURCES = tests/unit-ipc-mq.c $(IPC_TEST_SOURCES)
tests_unit_ipc_mq_CFLAGS = $(IPC_TEST_CFLAGS)
tests_unit_ipc_mq_LDADD = $(IPC_TEST_LIBS)
tests_unit_ipc_open_SOURCES = tests/unit-ipc-open.c $(IPC_TEST_SOURCES)
tests_unit_ipc_open_CFLAGS = $(IPC_TEST_CFLAGS)
tests_unit_ipc_open_LDADD = $(IPC_TEST_LIBS)
tests_unit_ipc_kill_SOURCES = tests/unit-ipc-kill.c $(IPC_TEST_SOURCES)
tests_unit_ipc_kill_CFLAGS = $(IPC_TEST_CFLAGS)
tests_unit_ipc_kill_LDADD = $(IPC_TEST_LIBS)
tests_unit_ipc_rubbish_SOURCES = tests/unit-ipc-rubbish.c $(IPC_TEST_SOURCES)
tests_unit_ipc_rubbish_CFLAGS = $(IPC_TEST_CFLAGS)
tests_unit_ipc_rubbish_LDADD = $(IPC_TEST_LIBS)
endif
