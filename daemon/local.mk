pkglibexec_PROGRAMS += vcd

vcd_SOURCES = daemon/alive.c daemon/alive.h daemon/balancer.c daemon/balancer.h daemon/conn.c \
	daemon/conn.h daemon/daemon.h daemon/decide.c daemon/decide.h daemon/devices.c daemon/fire.c \
	daemon/job.c daemon/job.h daemon/listen.c daemon/main.c daemon/moves.c daemon/moves.h \
	daemon/open.c daemon/order.c daemon/order.h daemon/orphan.c daemon/orphan.h daemon/part.h daemon/pool.c daemon/pool.h \
	daemon/sample.c daemon/sample.h daemon/trigger.c daemon/trigger.h daemon/turn.c daemon/turn.h \
	daemon/usage.c daemon/usage.h daemon/witness.c daemon/ipc/file.c daemon/ipc/ipc.c \
	daemon/ipc/ipc.h daemon/ipc/list.c daemon/ipc/region.c daemon/ipc/request.c \
	daemon/ipc/request.h daemon/ipc/undo.c daemon/request/arrive.c daemon/request/job-state.c \
	daemon/request/kept.c daemon/request/kept.h daemon/request/move.c daemon/request/place.c \
	daemon/request/request.c daemon/request/request.h daemon/request/run.c daemon/request/status.c \
	daemon/snapshot/device.c daemon/snapshot/region.c \
	daemon/snapshot/snapshot.c daemon/snapshot/snapshot.h
vcd_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(PROTOBUF_C_CFLAGS) $(JANSSON_CFLAGS)
# Policies are modules; -export-dynamic is not needed, they call nothing of ours.
vcd_LDADD = libboard.la libipctable.la libsysv.la libpolicy.la libmig.la libpartition.la libmoved.la \
	libwire.la libcommon.la $(EVENT_LIBS) \
	$(JANSSON_LIBS) -lm
