noinst_LTLIBRARIES += libwire.la
nodist_libwire_la_SOURCES = wire/vc.pb-c.c wire/vc.pb-c.h
libwire_la_SOURCES = wire/wire.c wire/wire.h wire/limit.c wire/limit.h wire/patience.c \
	wire/patience.h wire/args.c wire/args.h wire/locate.c wire/locate.h wire/state.c wire/state.h
libwire_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
libwire_la_LIBADD = $(PROTOBUF_C_LIBS)

# Apart, so that vcrun and libvcipc need no JSON.
noinst_LTLIBRARIES += libmoved.la
libmoved_la_SOURCES = wire/moved.c wire/moved.h
libmoved_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) $(JANSSON_CFLAGS)
libmoved_la_LIBADD = $(JANSSON_LIBS)

BUILT_SOURCES += wire/vc.pb-c.h
CLEANFILES += wire/vc.pb-c.c wire/vc.pb-c.h
EXTRA_DIST += wire/vc.proto

wire/vc.pb-c.h: wire/vc.pb-c.c
wire/vc.pb-c.c: $(srcdir)/wire/vc.proto
	$(AM_V_GEN)$(MKDIR_P) wire && $(PROTOC_C) -I$(srcdir)/wire --c_out=wire $(srcdir)/wire/vc.proto

if HAVE_CMOCKA
check_PROGRAMS += tests/unit-wire
TESTS += tests/unit-wire
tests_unit_wire_SOURCES = tests/unit-wire.c
tests_unit_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(PROTOBUF_C_CFLAGS)
tests_unit_wire_LDADD = libwire.la libcommon.la $(CMOCKA_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz-wire
tests_fuzz_wire_SOURCES = tests/fuzz-wire.c
tests_fuzz_wire_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) -fsanitize=fuzzer
tests_fuzz_wire_LDADD = libwire.la libcommon.la
tests_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
