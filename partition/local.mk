noinst_LTLIBRARIES += libpartition.la
libpartition_la_SOURCES = partition/cpulist.c partition/cpulist.h partition/instance.c \
	partition/instance.h partition/jobfile.c partition/jobfile.h partition/partition.c partition/partition.h partition/region.c \
	partition/region.h partition/spec.c partition/spec.h partition/topology.c \
	partition/topology.h partition/cgroup/bpf.c partition/cgroup/cgroup.c \
	partition/cgroup/cgroup.h partition/cgroup/cpus-v1.c partition/cgroup/cpus-v2.c \
	partition/cgroup/cpus.c partition/cgroup/deny.c partition/cgroup/entry.c \
	partition/cgroup/fetch.c partition/cgroup/file.c partition/cgroup/follow.c \
	partition/cgroup/group.c partition/cgroup/hold.c partition/cgroup/idle.c \
	partition/cgroup/lib.c partition/cgroup/memory.c partition/cgroup/priv.h \
	partition/cgroup/procs.c partition/cgroup/shrink.c partition/cgroup/stat.c partition/cgroup/transfer.c \
	partition/cgroup/walk.c partition/change/calendar.c partition/change/calendar.h \
	partition/change/check.c partition/change/condition.c partition/change/condition.h \
	partition/change/failure.c partition/change/failure.h partition/change/journal.c \
	partition/change/lease.c partition/change/lease.h partition/change/lock.c \
	partition/change/plan-json.c partition/change/plan-rank.c partition/change/plan.c \
	partition/change/plan.h partition/change/priv.h partition/change/reshape.c \
	partition/change/reshape.h partition/change/spec-patch.c partition/config/config.c \
	partition/config/config.h partition/config/device.c partition/config/event.c \
	partition/config/line.c partition/config/partition.c partition/config/priv.h \
	partition/config/region.c partition/config/size.c partition/device/deny.c \
	partition/device/deny.h partition/device/device.c partition/device/device.h \
	partition/device/hardware.c partition/device/interrupts.c partition/device/irq-watch.c \
	partition/device/irq.c partition/device/irq.h partition/device/irqbalance.c \
	partition/device/irqbalance.h partition/device/node.c partition/device/owner.c \
	partition/device/owner.h partition/device/priv.h
libpartition_la_CFLAGS = $(AM_CFLAGS) $(LIBCGROUP_CFLAGS) $(HWLOC_CFLAGS) \
	$(CONFUSE_CFLAGS) $(JANSSON_CFLAGS)
libpartition_la_LIBADD = $(LIBCGROUP_LIBS) $(HWLOC_LIBS) $(CONFUSE_LIBS) $(JANSSON_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit-cgroup tests/unit-cgroup-procs \
	tests/unit-topology tests/unit-config tests/unit-instance tests/unit-calendar tests/unit-device tests/unit-irq \
	tests/unit-deny
check_PROGRAMS += tests/unit-lease tests/unit-failure tests/unit-plan
TESTS += tests/unit-lease tests/unit-failure tests/unit-plan
TESTS += tests/unit-cgroup tests/unit-cgroup-procs \
	tests/unit-topology tests/unit-config tests/unit-instance tests/unit-calendar tests/unit-device tests/unit-irq \
	tests/unit-deny

tests_unit_cgroup_SOURCES = tests/unit-cgroup.c tests/cgroup-fixture.h
tests_unit_cgroup_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_cgroup_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit-reserve
TESTS += tests/unit-reserve
tests_unit_reserve_SOURCES = tests/unit-reserve.c
tests_unit_reserve_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_reserve_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)
tests_unit_reserve_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=cg_file_write,--wrap=cg_lib_set
tests_unit_cgroup_procs_SOURCES = tests/unit-cgroup-procs.c tests/cgroup-fixture.h
tests_unit_cgroup_procs_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_cgroup_procs_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_topology_SOURCES = tests/unit-topology.c
tests_unit_topology_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_topology_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_config_SOURCES = tests/unit-config.c
tests_unit_config_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_config_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_device_SOURCES = tests/unit-device.c
tests_unit_device_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_device_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_irq_SOURCES = tests/unit-irq.c
tests_unit_irq_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_irq_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_deny_SOURCES = tests/unit-deny.c
tests_unit_deny_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_deny_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_failure_SOURCES = tests/unit-failure.c
tests_unit_failure_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_failure_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_plan_SOURCES = tests/unit-plan.c
tests_unit_plan_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_plan_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS) $(JANSSON_LIBS)

tests_unit_lease_SOURCES = tests/unit-lease.c
tests_unit_lease_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_lease_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_calendar_SOURCES = tests/unit-calendar.c
tests_unit_calendar_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_calendar_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)

tests_unit_instance_SOURCES = tests/unit-instance.c
tests_unit_instance_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_instance_LDADD = libpartition.la libcommon.la $(CMOCKA_LIBS)
endif
