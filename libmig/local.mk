noinst_LTLIBRARIES += libmig.la
nodist_libmig_la_SOURCES = libmig/criu/rpc.pb-c.c libmig/criu/rpc.pb-c.h libmig/criu/image.pb-c.c \
	libmig/criu/image.pb-c.h
libmig_la_SOURCES = libmig/affinity.c libmig/affinity.h libmig/check.c libmig/check.h libmig/mig.h libmig/move-priv.h libmig/move.c \
	libmig/namespace.c libmig/namespace.h libmig/pids.c libmig/pids.h libmig/refusal.c \
	libmig/refusal.h libmig/restore.c libmig/robust.c libmig/robust.h libmig/take.c \
	libmig/criu/cache.c libmig/criu/criu.c libmig/criu/criu.h libmig/criu/explain.c libmig/criu/explain.h \
	libmig/criu/external.c libmig/criu/external.h libmig/criu/hold-wire.h libmig/criu/hold.c \
	libmig/criu/hold.h libmig/criu/rights.c libmig/criu/rights.h libmig/fill/copy.c \
	libmig/fill/fill.c libmig/fill/fill.h libmig/fill/plan.c libmig/fill/priv.h \
	libmig/image/image.c libmig/image/image.h libmig/image/locked.c libmig/image/maps.c \
	libmig/image/names.c libmig/image/priv.h libmig/image/out.c libmig/inventory/barred.c \
	libmig/inventory/cpuset.c libmig/inventory/fd.c libmig/inventory/flight.c libmig/inventory/flight.h \
	libmig/inventory/frozen.c libmig/inventory/inventory.c libmig/inventory/inventory.h \
	libmig/inventory/limit.c libmig/inventory/lock.c libmig/inventory/map.c \
	libmig/inventory/namespace.c libmig/inventory/object.c libmig/inventory/priv.h libmig/inventory/process.c libmig/inventory/reach.c \
	libmig/inventory/serve.c libmig/inventory/share.c libmig/inventory/task.c \
	libmig/inventory/timer.c libmig/inventory/tree.c libmig/live/fork.c libmig/live/fork.h libmig/live/pages.c libmig/live/pages.h libmig/live/recharge.c \
	libmig/live/recharge.h libmig/live/threads.c libmig/live/threads.h libmig/keep/ended.c libmig/keep/follow.c libmig/keep/identity.c \
	libmig/keep/identity.h libmig/keep/image.c libmig/keep/keep.c libmig/keep/keep.h \
	libmig/keep/keeper.c libmig/keep/keeper.h libmig/keep/kind.c libmig/keep/map.c \
	libmig/keep/owner.c libmig/keep/priv.h libmig/keep/reopen.c libmig/keep/reopen.h \
	libmig/kernel/btf.c libmig/kernel/btf.h libmig/kernel/peek-code.c libmig/kernel/peek-copy.c libmig/kernel/hugepages.c \
	libmig/kernel/hugepages.h libmig/kernel/peek.c libmig/kernel/peek.h libmig/kernel/priv.h \
	libmig/kernel/sandbox-learn.c libmig/kernel/sandbox.c libmig/kernel/sandbox.h \
	libmig/kernel/sight.c libmig/kernel/sight.h libmig/module/inject-arch.h \
	libmig/module/inject.c libmig/module/inject.h libmig/session/image.c libmig/session/priv.h \
	libmig/session/session.c libmig/session/session.h libmig/session/stop.c \
	libmig/session/stop.h libmig/session/terminal.c libmig/session/terminal.h \
	libmig/state/call.c libmig/state/dispatch.c libmig/state/keys.c libmig/state/lock.c \
	libmig/state/maps.c libmig/state/mlockall.c libmig/state/policy.c libmig/state/priv.h libmig/state/sched.c \
	libmig/state/segment.c libmig/state/sign.c libmig/state/state.c libmig/state/state.h \
	libmig/state/timers.c libmig/state/timers.h libmig/state/undo.c libmig/state/waits-learn.c \
	libmig/state/waits.c libmig/state/waits.h libmig/verify/dumpable.c libmig/verify/file.c \
	libmig/verify/filters.c libmig/verify/image.c libmig/verify/kernel.c libmig/verify/priv.h \
	libmig/verify/thread.c libmig/verify/verify.c libmig/verify/verify.h
libmig_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
libmig_la_LIBADD = $(PROTOBUF_C_LIBS)

# The part that criu loads: no sanitizer, which would have to be in criu too. criu loads all
# that is in the directory, so it has one of its own.
criumodules_LTLIBRARIES += libmig/modules/hold.la
libmig_modules_hold_la_SOURCES = libmig/criu/hold-wire.h libmig/module/adopt.c \
	libmig/module/adopt.h libmig/module/diag.c libmig/module/diag.h libmig/module/end.c \
	libmig/module/end.h libmig/module/inject-arch.h libmig/module/inject.c \
	libmig/module/inject.h libmig/module/keep.c libmig/module/keep.h libmig/module/lead.c \
	libmig/module/lead.h libmig/module/module.c libmig/module/net.c libmig/module/net.h \
	libmig/module/peer.c libmig/module/peer.h libmig/module/rights.c libmig/module/rights.h \
	libmig/module/serve.c libmig/module/serve.h libmig/module/slot.c libmig/module/slot.h \
	libmig/module/stop.c libmig/module/stop.h common/file.c common/proc.c common/procdir.c
libmig_modules_hold_la_CFLAGS = $(WARN_CFLAGS)
libmig_modules_hold_la_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^CR_PLUGIN_DESC$$'

BUILT_SOURCES += libmig/criu/rpc.pb-c.h libmig/criu/image.pb-c.h
CLEANFILES += libmig/criu/rpc.pb-c.c libmig/criu/rpc.pb-c.h \
	libmig/criu/image.pb-c.c libmig/criu/image.pb-c.h
EXTRA_DIST += libmig/criu/rpc.proto libmig/criu/image.proto

libmig/criu/rpc.pb-c.h: libmig/criu/rpc.pb-c.c
libmig/criu/rpc.pb-c.c: $(srcdir)/libmig/criu/rpc.proto
	$(AM_V_GEN)$(MKDIR_P) libmig/criu && $(PROTOC_C) -I$(srcdir)/libmig/criu --c_out=libmig/criu $(srcdir)/libmig/criu/rpc.proto

libmig/criu/image.pb-c.h: libmig/criu/image.pb-c.c
libmig/criu/image.pb-c.c: $(srcdir)/libmig/criu/image.proto
	$(AM_V_GEN)$(MKDIR_P) libmig/criu && $(PROTOC_C) -I$(srcdir)/libmig/criu --c_out=libmig/criu $(srcdir)/libmig/criu/image.proto

if HAVE_CMOCKA
libmig_tests = tests/unit-inventory tests/unit-inventory-refuse tests/unit-images tests/unit-inject tests/unit-verify \
	tests/unit-explain tests/unit-image-maps tests/unit-fork
check_PROGRAMS += $(libmig_tests)
TESTS += $(libmig_tests)

tests_unit_inventory_SOURCES = tests/unit-inventory.c tests/victim.h
tests_unit_inventory_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -pthread
tests_unit_inventory_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS) -lpthread

tests_unit_inventory_refuse_SOURCES = tests/unit-inventory-refuse.c tests/victim.h
tests_unit_inventory_refuse_CFLAGS = $(tests_unit_inventory_CFLAGS)
tests_unit_inventory_refuse_LDADD = $(tests_unit_inventory_LDADD)

tests_unit_inject_SOURCES = tests/unit-inject.c
tests_unit_inject_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_inject_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS)

tests_unit_fork_SOURCES = tests/unit-fork.c
tests_unit_fork_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_fork_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS)

tests_unit_image_maps_SOURCES = tests/unit-image-maps.c
tests_unit_image_maps_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_image_maps_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS)

tests_unit_explain_SOURCES = tests/unit-explain.c
tests_unit_explain_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_explain_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS)

tests_unit_images_SOURCES = tests/unit-images.c
tests_unit_images_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_images_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS)

tests_unit_verify_SOURCES = tests/unit-verify.c tests/victim.h tests/alter.c tests/alter.h
tests_unit_verify_CFLAGS = $(tests_unit_inventory_CFLAGS) $(PROTOBUF_C_CFLAGS)
tests_unit_verify_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS) $(PROTOBUF_C_LIBS) -lutil -lpthread
endif
