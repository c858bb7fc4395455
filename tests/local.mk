## SPDX-License-Identifier: LGPL-2.1-or-later
## End-to-end tests: shell, one behaviour each. Unit tests stand with what they test.

EXTRA_DIST += tests/driver tests/in-vm tests/lib.sh tests/lib-live.sh tests/lib-move.sh tests/lib-policy.sh tests/lib-faults.sh \
	tests/lib-shape.sh tests/lib-event.sh tests/lib-regions.sh tests/policy-stats.py \
	tests/reshape-random.py tests/terminal.py
# Those that take longest begin first, so that no CPU waits for the last one.
long_tests = \
	tests/lint.sh tests/move-faults-files.sh tests/move-kinds.sh tests/move-faults-job.sh \
	tests/move-faults-daemons.sh tests/move-make.sh tests/move-state.sh tests/move-sqlite.sh \
	tests/event-failure.sh tests/move-slow.sh tests/move-parked.sh tests/move-redis.sh \
	tests/move-python.sh tests/move-sessions.sh tests/up-again.sh
end_to_end = \
	tests/up-down.sh tests/up-config.sh tests/up-remains.sh tests/statedir.sh \
	tests/up-fails.sh tests/down-force.sh tests/check-interrupt.sh tests/trust.sh \
	tests/instances.sh tests/overcommit.sh \
	tests/run-status.sh tests/run-stdio.sh tests/run-environment.sh tests/run-signals.sh \
	tests/run-detach.sh tests/run-tty.sh tests/run-tty-jobs.sh tests/run-numbers.sh \
	tests/users.sh \
	tests/policies.sh tests/policy-burst.sh tests/policy-parent.sh tests/policy-shared.sh \
	tests/policy-memory.sh tests/policy-stats.sh tests/policy-faulty.sh \
	tests/daemon-restart.sh tests/daemon-garbage.sh tests/daemon-fuse.sh \
	tests/daemon-silent.sh tests/daemon-stopped.sh tests/flood.sh tests/text.sh \
	tests/vcstat-json.sh \
	tests/add-remove.sh tests/set-stopped.sh tests/set-mems.sh tests/set-swap.sh \
	tests/event-stopped.sh tests/event-first.sh tests/event-put-off.sh \
	tests/event-dry-run.sh tests/event-load.sh tests/event-retry.sh tests/devices-deny.sh \
	tests/regions.sh tests/regions-move.sh tests/regions-burst.sh tests/regions-daemons.sh \
	tests/regions-config.sh \
	tests/move-limit.sh tests/move-room.sh tests/move-basic.sh tests/move-stdio.sh \
	tests/move-swap.sh tests/move-taken.sh tests/move-signals.sh tests/move-cache.sh \
	tests/move-pipeline.sh tests/move-program.sh tests/move-lock.sh tests/move-daemon.sh \
	tests/move-terminal.sh tests/move-terminal-theft.sh tests/move-refuse.sh \
	tests/move-sandbox.sh tests/move-unseen.sh tests/move-swapped.sh tests/move-connect.sh \
	tests/move-memory.sh tests/move-maps.sh tests/move-files.sh tests/move-verify.sh \
	tests/move-criu.sh tests/move-attack.sh tests/move-intruder.sh tests/move-killed.sh \
	tests/move-limits.sh tests/move-threads.sh tests/move-churn.sh tests/move-estimate.sh tests/move-forked.sh \
	tests/move-explain.sh tests/move-reach.sh \
	tests/live-basic.sh tests/live-charge.sh tests/live-any.sh \
	tests/live-auto.sh tests/live-ipc.sh tests/live-frozen.sh \
	tests/live-stuck.sh

# These tests need the machine alone. They give a partition CPUs of its own: v2 takes them from the
# partitions of other tests, and v1 refuses them beside other groups;
alone_tests = tests/reserve.sh tests/reserve-kept.sh tests/set.sh tests/set-killed.sh \
	tests/event.sh tests/event-config.sh tests/reshape-random.sh tests/claims.sh
# or route interrupts or take a CPU away, which the machine has once;
alone_tests += tests/devices.sh tests/devices-both.sh tests/devices-astray.sh \
	tests/devices-storm.sh tests/devices-hotplug.sh
# or compare times, or need a CPU that has nothing else to do. A job that forks faster than it is moved
# is not moved after 5 s, and a live move's faults are struck at a moment.
alone_tests += tests/live-forks.sh tests/live-faults.sh
alone_tests += tests/move-timers.sh tests/move-waits.sh tests/bench-noise.sh tests/bench-lock.sh \
	tests/bench-servers.sh tests/bench-interfere.sh tests/balance.sh tests/policy-leastcpu.sh
EXTRA_DIST += tests/claims.py

check_PROGRAMS += tests/fault-victim tests/io-victim tests/memory-victim tests/map-victim
check_PROGRAMS += tests/state-victim
tests_state_victim_SOURCES = tests/state/descriptor.c tests/state/keys.c tests/state/memory.c \
	tests/state/prctl.c tests/state/processor.c tests/state/sched.c tests/state/semaphore.c \
	tests/state/state.c tests/state/state.h
tests_state_victim_CFLAGS = $(WARN_CFLAGS) -O2 -pthread
tests_state_victim_LDFLAGS = -pthread
check_PROGRAMS += tests/alter-image tests/parasite-attack
tests_parasite_attack_SOURCES = tests/parasite-attack.c
tests_parasite_attack_CFLAGS = $(WARN_CFLAGS) -O2
tests_parasite_attack_LDFLAGS =
tests_alter_image_SOURCES = tests/alter-image.c tests/alter.c tests/alter.h
tests_alter_image_CFLAGS = $(AM_CFLAGS) $(PROTOBUF_C_CFLAGS)
tests_alter_image_LDADD = libmig.la libcommon.la $(PROTOBUF_C_LIBS)
check_PROGRAMS += tests/wait-victim tests/timer-victim
tests_timer_victim_SOURCES = tests/timer-victim.c
tests_timer_victim_CFLAGS = $(WARN_CFLAGS) -O2
tests_timer_victim_LDFLAGS =
tests_wait_victim_SOURCES = tests/wait-victim.c
tests_wait_victim_CFLAGS = $(WARN_CFLAGS) -O2
tests_wait_victim_LDFLAGS =
tests_fault_victim_SOURCES = tests/fault-victim.c
tests_fault_victim_CFLAGS = $(WARN_CFLAGS) -O2 -pthread
tests_fault_victim_LDFLAGS = -pthread
tests_io_victim_SOURCES = tests/io-victim.c
tests_io_victim_CFLAGS = $(WARN_CFLAGS) -O2
tests_io_victim_LDFLAGS =
tests_memory_victim_SOURCES = tests/memory-victim.c
tests_memory_victim_CFLAGS = $(WARN_CFLAGS) -O2
tests_memory_victim_LDFLAGS =
tests_map_victim_SOURCES = tests/map-victim.c
tests_map_victim_CFLAGS = $(WARN_CFLAGS) -O2 -pthread
tests_map_victim_LDFLAGS = -pthread
dist_check_SCRIPTS += $(long_tests) $(end_to_end) $(alone_tests)
TESTS += $(end_to_end) $(alone_tests)

if !HAVE_CMOCKA
TESTS += tests/cmocka.sh
endif
dist_check_SCRIPTS += tests/cmocka.sh

# Well-known programs. "./quickstart programs" runs the others of tests/programs too, which
# need large packages.
programs = tests/programs/tail.sh tests/programs/ssh-agent.sh tests/programs/manager.sh \
	tests/programs/nginx.sh tests/programs/sshd.sh tests/programs/tcpdump.sh
more_programs = tests/programs/jvm.sh tests/programs/openmpi.sh tests/programs/ffmpeg.sh \
	tests/programs/mariadb.sh tests/programs/etcd.sh
EXTRA_DIST += tests/programs/lib-programs.sh
dist_check_SCRIPTS += $(programs) $(more_programs)
TESTS += $(programs)

# The sources themselves: "make lint".
lint:
	$(MAKE) check TESTS=tests/lint.sh
.PHONY: lint

# Tests that need the machine alone run one after the other when all others are done. (GNU make)
alone_logs = $(filter $(alone_tests:.sh=.log),$(TEST_LOGS))
$(alone_logs): | $(filter-out $(alone_logs),$(TEST_LOGS))
$(foreach log,$(alone_logs),$(eval $(log): | $(alone_before))$(eval alone_before += $(log)))
