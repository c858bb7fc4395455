pkglibexec_PROGRAMS += vcd

vcd_SOURCES = daemon/alive.c daemon/balance.c daemon/conn.c daemon/daemon.h daemon/decide.c \
	daemon/devices.c daemon/fire.c daemon/job.c daemon/listen.c daemon/main.c daemon/pool.c \
	daemon/sample.c daemon/trigger.c daemon/trigger.h daemon/turn.c daemon/usage.c daemon/witness.c \
	daemon/ipc/file.c daemon/ipc/ipc.c daemon/ipc/ipc.h daemon/ipc/list.c daemon/ipc/region.c \
	daemon/ipc/request.c daemon/ipc/request.h daemon/ipc/undo.c daemon/request/arrive.c \
	daemon/request/kept.c daemon/request/move.c daemon/request/moves.c daemon/request/place.c \
	daemon/request/request.c daemon/request/run.c daemon/request/status-devices.c \
	daemon/request/status-regions.c daemon/request/status.c
vcd_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(PROTOBUF_C_CFLAGS) $(JANSSON_CFLAGS)
# Policies are modules; -export-dynamic is not needed, they call nothing of ours.
vcd_LDADD = libboard.la libipctable.la libsysv.la libpolicy.la libmig.la libpartition.la libmoved.la \
	libwire.la libcommon.la $(EVENT_LIBS) \
	$(JANSSON_LIBS) -lm
