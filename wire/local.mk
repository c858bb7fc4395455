noinst_LTLIBRARIES += libwire.la
nodist_libwire_la_SOURCES = wire/vc.pb-c.c wire/vc.pb-c.h
libwire_la_SOURCES = wire/wire.c wire/wire.h
libwire_la_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
libwire_la_LIBADD = $(PROTOBUF_C_LIBS)

BUILT_SOURCES += wire/vc.pb-c.h
CLEANFILES += wire/vc.pb-c.c wire/vc.pb-c.h
EXTRA_DIST += wire/vc.proto

wire/vc.pb-c.h: wire/vc.pb-c.c
wire/vc.pb-c.c: $(srcdir)/wire/vc.proto
	$(AM_V_GEN)$(MKDIR_P) wire && $(PROTOC_C) -I$(srcdir)/wire --c_out=wire $(srcdir)/wire/vc.proto
