## SPDX-License-Identifier: LGPL-2.1-or-later
## System V's and POSIX's own objects: their memory, and the interposer that maps them.

## What lies in the objects' memory; of the interposer, of the daemons (undo.h) and of tests.
noinst_LTLIBRARIES += libsysv.la
libsysv_la_SOURCES = ipcmap/maps.c ipcmap/maps.h ipcmap/object/guard.c ipcmap/object/guard.h \
	ipcmap/object/msgq-blocks.c ipcmap/object/msgq-notify.c ipcmap/object/msgq-priv.h \
	ipcmap/object/msgq.c ipcmap/object/msgq.h ipcmap/object/segment.c ipcmap/object/segment.h \
	ipcmap/object/semset.c ipcmap/object/semset.h ipcmap/object/undo.c ipcmap/object/undo.h \
	ipcmap/futex.h
libsysv_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden

## The interposer. Nothing but what it interposes is visible in it.
noinst_LTLIBRARIES += libpreload.la
libpreload_la_SOURCES = ipcmap/preload/env.h ipcmap/preload/exec.c ipcmap/preload/exec.h \
	ipcmap/preload/files.c ipcmap/preload/limits.c ipcmap/preload/list.c \
	ipcmap/preload/memory.c ipcmap/preload/object.c ipcmap/preload/object.h \
	ipcmap/preload/preload.h ipcmap/preload/process.c ipcmap/preload/raw.c \
	ipcmap/preload/raw.h ipcmap/preload/real.c ipcmap/preload/real.h ipcmap/preload/sleep.c \
	ipcmap/preload/takeover.c ipcmap/preload/trap.c ipcmap/preload/watch.c \
	ipcmap/preload/watch.h ipcmap/preload/posix/mq-adopt.c ipcmap/preload/posix/mq-fd.c \
	ipcmap/preload/posix/mq-message.c ipcmap/preload/posix/mq-notify.c \
	ipcmap/preload/posix/mq-open.c ipcmap/preload/posix/mq-poll.c ipcmap/preload/posix/mq.c \
	ipcmap/preload/posix/mq.h ipcmap/preload/posix/posix.c ipcmap/preload/posix/sem.c \
	ipcmap/preload/posix/shm.c ipcmap/preload/sysv/msg.c ipcmap/preload/sysv/sem.c \
	ipcmap/preload/sysv/shm-attach.c ipcmap/preload/sysv/shm-attach.h \
	ipcmap/preload/sysv/shm-head.c ipcmap/preload/sysv/shm-known.c \
	ipcmap/preload/sysv/shm-known.h ipcmap/preload/sysv/shm-touched.c \
	ipcmap/preload/sysv/shm.c ipcmap/preload/sysv/sysv.c ipcmap/preload/sysv/sysvipc.c \
	ipcmap/preload/sysv/sysvipc.h
# The last: programs do pass NULL where the C library's headers say that they must not.
# A library that is preloaded may have its threads' variables where the C library has its own.
libpreload_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden -fno-delete-null-pointer-checks \
	-ftls-model=initial-exec
libpreload_la_LIBADD = libsysv.la libreach.la

## Symbolic: its own calls of what it interposes stay in it.
preload_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared -Wl,-Bsymbolic-functions \
	-export-symbols $(srcdir)/ipcmap/preload/preload.sym
EXTRA_DIST += ipcmap/preload/preload.sym

pkglib_LTLIBRARIES = libvcipc-preload.la
libvcipc_preload_la_SOURCES =
libvcipc_preload_la_LIBADD = libpreload.la libdoor.la
libvcipc_preload_la_LDFLAGS = $(preload_ldflags)
EXTRA_libvcipc_preload_la_DEPENDENCIES = ipcmap/preload/preload.sym

## LD_PRELOAD names it as preload/$LIB/libvcipc-preload.so (cli/vcrun-ipc.c): the names of $LIB that
## the loaders of distributions have.
preload_libs = lib lib64 lib/$(host_cpu)-linux-gnu
all-local: preload/stamp
preload/stamp:
	$(AM_V_GEN)for lib in $(preload_libs); do $(MKDIR_P) preload/$$lib && \
		ln -sf "$(abs_top_builddir)/.libs/libvcipc-preload.so" preload/$$lib/ || exit 1; done
	@touch $@
clean-local: clean-preload
install-exec-local: install-preload
uninstall-local: uninstall-preload

.PHONY: clean-preload install-preload uninstall-preload
clean-preload:
	rm -rf preload
install-preload:
	for lib in $(preload_libs); do \
		$(MKDIR_P) "$(DESTDIR)$(pkglibdir)/preload/$$lib" && \
		ln -sf "$(pkglibdir)/libvcipc-preload.so" "$(DESTDIR)$(pkglibdir)/preload/$$lib/" || \
			exit 1; \
	done
uninstall-preload:
	rm -rf "$(DESTDIR)$(pkglibdir)/preload"

## The same without daemons, for tests.
check_LTLIBRARIES += preload-fake.la
preload_fake_la_SOURCES = tests/door-fake.c
preload_fake_la_LIBADD = libpreload.la libcommon.la
preload_fake_la_LDFLAGS = $(preload_ldflags) -rpath /nowhere

check_PROGRAMS += tests/ipc-calls tests/ipc-pair tests/ipc-sleeper tests/ipc-interrupt \
	tests/ipc-halfway tests/ipc-step
tests_ipc_calls_SOURCES = tests/ipc-calls-attach.c tests/ipc-calls-child.c \
	tests/ipc-calls-errno-posix.c tests/ipc-calls-errno.c tests/ipc-calls-ids.c \
	tests/ipc-calls-info.c tests/ipc-calls-known.c tests/ipc-calls-limits.c \
	tests/ipc-calls-msg.c tests/ipc-calls-ours.c tests/ipc-calls-poll.c \
	tests/ipc-calls-posix.c tests/ipc-calls-raw.c tests/ipc-calls-sem.c tests/ipc-calls-shm.c \
	tests/ipc-calls.c tests/ipc-calls.h
# They call what the headers say must not be called so.
tests_ipc_calls_CFLAGS = $(AM_CFLAGS) -Wno-nonnull
tests_ipc_pair_SOURCES = tests/ipc-pair.c
tests_ipc_pair_LDADD = libipcobject.la libdoor.la -lpthread
tests_ipc_sleeper_SOURCES = tests/ipc-sleeper.c tests/raw-call.h
tests_ipc_interrupt_SOURCES = tests/ipc-interrupt.c
tests_ipc_halfway_SOURCES = tests/ipc-halfway.c
tests_ipc_step_SOURCES = tests/ipc-step.c
preload_end_to_end = tests/preload-fake.sh tests/ipc-preload.sh tests/ipc-preload-errors.sh \
	tests/ipc-preload-move.sh tests/ipc-preload-given-up.sh tests/ipc-preload-interrupt.sh \
	tests/ipc-preload-halfway.sh tests/ipc-preload-step.sh tests/ipc-preload-stress.sh tests/ipc-preload-postgres.sh \
	tests/ipc-reach.sh tests/ipc-reach-calls.sh tests/ipc-ipcs.sh
dist_check_SCRIPTS += $(preload_end_to_end)
EXTRA_DIST += tests/ipc-reach.c tests/lib-reach.sh
TESTS += $(preload_end_to_end)

dist_man_MANS += man/vcipc-preload.7

if HAVE_CMOCKA
check_PROGRAMS += tests/unit-sysv
TESTS += tests/unit-sysv
tests_unit_sysv_SOURCES = tests/unit-sysv.c
tests_unit_sysv_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_sysv_LDADD = libsysv.la libcommon.la $(CMOCKA_LIBS)
endif
