pkglibexec_PROGRAMS += vcshim vcinit

vcshim_SOURCES = shim/arrive.c shim/caller.c shim/caller.h shim/client.c shim/engine-criu.c shim/engine-live.c \
	shim/engine.c shim/engine.h shim/estimate.c \
	shim/job.c shim/lien.c shim/launch.c shim/launch.h shim/main.c shim/move.c shim/record.c shim/report.h \
	shim/room.c shim/shim.h shim/signal.c
vcshim_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(PROTOBUF_C_CFLAGS) $(JANSSON_CFLAGS)
vcshim_LDADD = libmig.la libpartition.la libmoved.la libwire.la libcommon.la $(EVENT_LIBS) $(JANSSON_LIBS)

# No C library, no sanitizer, no stack protector: see the top of vcinit.c. The C
# library's own link flags (PIE among them) are kept out by the LINK line.
vcinit_SOURCES = shim/vcinit.c shim/report.h
vcinit_CFLAGS = $(WARN_CFLAGS) -O2 -ffreestanding -fno-stack-protector -fno-pie -fno-builtin \
	-fno-asynchronous-unwind-tables
vcinit_LDFLAGS =
vcinit_LINK = $(CC) -nostdlib -static -no-pie -Wl,-z,noseparate-code -Wl,--build-id=none -o $@
