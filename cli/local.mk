bin_PROGRAMS += vcrun vcmove vcstat vcctl

# Every start of a program pays for what vcrun is linked with: keep it small.
vcrun_SOURCES = cli/client.c cli/client.h cli/options.c cli/options.h cli/vcrun/ipc.c cli/vcrun/ipc.h \
	cli/vcrun/order.c cli/vcrun/tty.c cli/vcrun/tty.h cli/vcrun/vcrun.c cli/vcrun/vcrun.h \
	cli/vcrun/wait.c partition/config/size.c
vcrun_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
vcrun_LDADD = libreach.la libwire.la libcommon.la

vcmove_SOURCES = cli/vcmove.c cli/client.c cli/client-status.c cli/json.c cli/json.h \
	cli/options.c cli/columns.c cli/columns.h
vcmove_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS) $(JANSSON_CFLAGS) $(SMARTCOLS_CFLAGS)
vcmove_LDADD = libmoved.la libwire.la libcommon.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS)

vcstat_SOURCES = cli/client-status.c cli/client.c cli/ipc.c cli/ipc.h cli/json.c \
	cli/options.c cli/columns.c cli/vcstat-devices.c cli/vcstat-regions.c cli/vcstat.c cli/vcstat.h
vcstat_CFLAGS = $(vcmove_CFLAGS)
vcstat_LDADD = $(vcmove_LDADD)

vcctl_SOURCES = cli/client-status.c cli/client.c cli/columns.c cli/ipc.c cli/json.c cli/options.c \
	cli/vcctl/check.c cli/vcctl/event.c cli/vcctl/ipc.c cli/vcctl/ipccheck.c cli/vcctl/kill.c \
	cli/vcctl/list.c cli/vcctl/set.c cli/vcctl/shape.c cli/vcctl/up.c cli/vcctl/vcctl.c \
	cli/vcctl/vcctl.h cli/vcctl/verdict.c cli/vcctl/verdict.h
vcctl_CFLAGS = $(vcmove_CFLAGS)
vcctl_LDADD = libadmin.la libboard.la libipctable.la libpolicy.la libmig.la libpartition.la libwire.la \
	libcommon.la $(JANSSON_LIBS) $(SMARTCOLS_LIBS) -lm
