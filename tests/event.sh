#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event - Fig. 9 of JP06110715, scaled: an event by command and by time re-shapes three partitions
#
# VM-1 has a small memory and shares a CPU with VM-3; after the event it has the large one
# and a CPU of its own, which VM-2 gives up. A job under load in each notices nothing but a pause.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

# The time is some seconds ahead of the up that reads it.
fig9() { # AT REVERT_AT
	cat >"$work/fig9.conf" <<-END
	partition vm1 {
		cpus = "0"
		memory = "48M"
		exclusive = false
	}
	partition vm2 {
		cpus = "1"
		memory = "128M"
	}
	partition vm3 {
		cpus = "0"
		memory = "48M"
		exclusive = false
	}
	event night {
		$1
		$2
		after vm1 {
			memory = "128M"
			cpus = "1"
			exclusive = true
		}
		after vm2 {
			memory = "48M"
			cpus = "0"
			exclusive = false
		}
	}
	END
}

# What the kernel says: sizes in MiB and CPUs, of the groups and of the jobs in them.
kernel() {
	for vm in vm1 vm2 vm3; do
		printf '%s %s %s;' $(($(limit_of $vm) >> 20)) "$(group_cpus $vm)" "$(holder_cpus $vm)"
	done
}
day='48 0 0;128 1 1;48 0 0;'
night='128 1 1;48 0 0;48 0 0;'

jobs_begin() {
	rm -f "$work"/holder-*
	for vm in vm1 vm2 vm3; do
		holder $vm 8
	done
	# What VM-2 must give up is full: of page cache.
	vcrun --on=vm2 sh -c 'head -c 100M /dev/zero >cache; cat cache >/dev/null'
	at_least "bytes used by vm2" "$(used_by vm2)" $((96 << 20))
}

jobs_end() {
	for vm in vm1 vm2 vm3; do
		holder_ends $vm
		in_time "longest pause of the job in $vm" "$pause" 1500
	done
}

fig9 '' ''
up --config="$work/fig9.conf"
jobs_begin
is "by day" "$(kernel)" "$day"
before=$(shape)
vcctl event fire night --dry-run >"$work/out"
matches "a dry run" "$(cat "$work/out")" 'vm1 +48M .*shared .*-> +128M .*dedicated'
is "the shape after a dry run" "$(shape)" "$before"
try vcctl event revert night
is "exit status of going back from what has not happened" "$status" 1
matches "going back from what has not happened" "$out" 'not in force'

vcctl event fire night >"$work/out" || fail "fire: $(cat "$work/out")"
is "by night" "$(kernel)" "$night"
is "in force" "$(vcctl event list --json | json "d['events'][0]['in-force']")" True
vcctl event fire night >"$work/out" || fail "fire again: $(cat "$work/out")"
matches "firing it again" "$(cat "$work/out")" 'nothing to change'
matches "listed" "$(vcctl event list)" 'night .*in force .*fire: done'
# Two at once: one after the other.
vcctl event revert night >"$work/out1" 2>&1 &
vcctl event fire night >"$work/out2" 2>&1 || fail "fire beside revert: $(cat "$work/out2")"
wait $! || fail "revert beside fire: $(cat "$work/out1")"
vcctl event fire night >"$work/out" || fail "fire: $(cat "$work/out")"
is "by night" "$(kernel)" "$night"
vcctl event revert night >"$work/out" || fail "revert: $(cat "$work/out")"
is "by day again" "$(kernel)" "$day"
is "the shape by day again" "$(shape)" "$before"

# What cannot be leaves everything, and the reason. Swap, if the machine has any, is no way out.
vcctl set vm2 --memory-mode=fixed >"$work/out" || fail "set: $(cat "$work/out")"
before=$(shape)
holder_ends vm2
rm -f "$work"/holder-vm2.*
holder vm2 60
try vcctl event fire night --deadline=0.5
is "exit status with too much in use" "$status" 1
matches "with too much in use" "$out" 'nothing has changed: event night: partition vm2: [0-9]+ MiB are in use'
is "the shape after that" "$(shape)" "$before"
matches "the reason, kept" "$(vcctl event list)" 'night .*fire: .*MiB are in use'
jobs_end
down --force

# By the clock, and back by it.
fig9 "at = \"$(date -d '+8 seconds' +%T)\"" "revert-at = \"$(date -d '+14 seconds' +%T)\""
up --config="$work/fig9.conf"
jobs_begin
is "before the time" "$(kernel)" "$day"
matches "announced" "$(vcctl event list)" 'night +at [0-9:]+ +20'
# The daemon that watches the clock dies; another does it.
kill -KILL "$(vcctl list --json | json "d['partitions'][0]['daemon_pid']")"
await "by night" "$night" kernel
await "by day" "$day" kernel
matches "listed" "$(vcctl event list)" 'night .*revert: done'
jobs_end
down --force
