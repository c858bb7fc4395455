noinst_LTLIBRARIES += libmig.la
nodist_libmig_la_SOURCES = libmig/criu-rpc.pb-c.c libmig/criu-rpc.pb-c.h \
	libmig/criu-image.pb-c.c libmig/criu-image.pb-c.h
libmig_la_SOURCES = \
	libmig/mig.h libmig/move.c libmig/move-priv.h libmig/take.c libmig/restore.c libmig/check.c libmig/check.h \
	libmig/criu.c libmig/criu.h libmig/criu-explain.c libmig/criu-explain.h \
	libmig/inventory.c libmig/inventory.h libmig/inventory-priv.h \
	libmig/inventory-barred.c libmig/inventory-fd.c libmig/inventory-frozen.c libmig/inventory-lock.c \
	libmig/inventory-limit.c libmig/inventory-reach.c \
	libmig/inventory-map.c libmig/inventory-object.c \
	libmig/inventory-share.c libmig/inventory-task.c libmig/inventory-serve.c libmig/inventory-timer.c \
	libmig/namespace.c libmig/namespace.h \
	libmig/image.c libmig/image.h libmig/image-maps.c libmig/image-write.c \
	libmig/image-names.c libmig/image-locked.c \
	libmig/image-priv.h \
	libmig/flight.c libmig/flight.h \
	libmig/fill.c libmig/fill.h libmig/fill-priv.h libmig/fill-plan.c libmig/fill-copy.c \
	libmig/identity.c libmig/identity.h \
	libmig/hugepages.c libmig/hugepages.h \
	libmig/pids.c libmig/pids.h \
	libmig/rights.c libmig/rights.h libmig/robust.c libmig/robust.h \
	libmig/external.c libmig/external.h libmig/refusal.c libmig/refusal.h \
	libmig/keep.c libmig/keep.h libmig/keep-priv.h libmig/keep-image.c libmig/keep-kind.c \
	libmig/keep-map.c libmig/keep-owner.c libmig/keep-ended.c \
	libmig/inject.c libmig/inject.h libmig/inject-arch.h \
	libmig/hold.c libmig/hold.h libmig/hold-wire.h \
	libmig/reopen.c libmig/reopen.h \
	libmig/keep-follow.c \
	libmig/stop.c libmig/stop.h \
	libmig/terminal.c libmig/terminal.h \
	libmig/session.c libmig/session.h libmig/session-priv.h libmig/session-image.c \
	libmig/keeper.c libmig/keeper.h \
	libmig/state.c libmig/state.h libmig/state-priv.h libmig/state-call.c \
	libmig/state-keys.c libmig/state-lock.c libmig/state-maps.c libmig/state-memory.c libmig/state-sched.c libmig/state-segment.c libmig/state-sign.c libmig/state-undo.c libmig/state-dispatch.c \
	libmig/btf.c libmig/btf.h libmig/peek.c libmig/peek-copy.c libmig/peek.h libmig/peek-priv.h libmig/sight.c libmig/sight.h \
	libmig/sandbox.c libmig/sandbox-learn.c libmig/sandbox.h \
	libmig/verify.c libmig/verify.h libmig/verify-priv.h libmig/verify-dumpable.c libmig/verify-filter.c \
	libmig/verify-file.c libmig/verify-image.c libmig/verify-kernel.c libmig/verify-thread.c \
	libmig/waits.c libmig/waits-learn.c libmig/waits.h \
	libmig/timers.c libmig/timers.h
libmig_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
libmig_la_LIBADD = $(PROTOBUF_C_LIBS)

# The part that criu loads: no sanitizer, which would have to be in criu too. criu loads all
# that is in the directory, so it has one of its own.
criumodules_LTLIBRARIES += libmig/modules/hold.la
libmig_modules_hold_la_SOURCES = libmig/hold-module.c libmig/hold-wire.h \
	libmig/module-keep.c libmig/module-keep.h \
	libmig/module-diag.c libmig/module-diag.h \
	libmig/module-net.c libmig/module-net.h \
	libmig/module-end.c libmig/module-end.h libmig/module-stop.c libmig/module-stop.h \
	libmig/module-peer.c libmig/module-peer.h libmig/module-rights.c libmig/module-rights.h \
	libmig/module-slot.c libmig/module-slot.h \
	libmig/hold-lead.c libmig/hold-lead.h \
	libmig/inject.c libmig/inject.h libmig/inject-arch.h
libmig_modules_hold_la_CFLAGS = $(WARN_CFLAGS)
libmig_modules_hold_la_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^CR_PLUGIN_DESC$$'

BUILT_SOURCES += libmig/criu-rpc.pb-c.h libmig/criu-image.pb-c.h
CLEANFILES += libmig/criu-rpc.pb-c.c libmig/criu-rpc.pb-c.h \
	libmig/criu-image.pb-c.c libmig/criu-image.pb-c.h
EXTRA_DIST += libmig/criu-rpc.proto libmig/criu-image.proto

libmig/criu-rpc.pb-c.h: libmig/criu-rpc.pb-c.c
libmig/criu-rpc.pb-c.c: $(srcdir)/libmig/criu-rpc.proto
	$(AM_V_GEN)$(MKDIR_P) libmig && $(PROTOC_C) -I$(srcdir)/libmig --c_out=libmig $(srcdir)/libmig/criu-rpc.proto

libmig/criu-image.pb-c.h: libmig/criu-image.pb-c.c
libmig/criu-image.pb-c.c: $(srcdir)/libmig/criu-image.proto
	$(AM_V_GEN)$(MKDIR_P) libmig && $(PROTOC_C) -I$(srcdir)/libmig --c_out=libmig $(srcdir)/libmig/criu-image.proto

if HAVE_CMOCKA
libmig_tests = tests/unit-inventory tests/unit-images tests/unit-inject tests/unit-verify \
	tests/unit-explain tests/unit-image-maps
check_PROGRAMS += $(libmig_tests)
TESTS += $(libmig_tests)

tests_unit_inventory_SOURCES = tests/unit-inventory.c tests/victim.h
tests_unit_inventory_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -pthread
tests_unit_inventory_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS) -lpthread

tests_unit_inject_SOURCES = tests/unit-inject.c
tests_unit_inject_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_inject_LDADD = libmig.la libcommon.la $(CMOCKA_LIBS)

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
