#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-failure - a failover happens when a partition has failed, and never because of its daemon
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"

# From two_conf, with what counts as a failure.
conf() { # FAILOVER_ON
	two_conf 128M 128M
	cat >>"$work/two.conf" <<-END
	event taken-over {
		failover = "a"
		failover-freeze = 2
		$1
		after b {
			memory = "192M"
		}
	}
	END
}
limit() {
	echo $(($(limit_of b) >> 20))
}
daemon() { # INDEX
	vcctl list --json | json "d['partitions'][$1]['daemon_pid']"
}
# The watch looks twice a second, and changes hands within 3 s.
nothing_happens() { # BECAUSE [SECONDS]
	stays "MiB of b after $1" "${2:-2}" 128 limit
	[ ! -e "$state/reshapes.jsonl" ] || fail "changes because of $1: $(cat "$state/reshapes.jsonl")"
}
is_in_force() {
	vcctl event list | grep -q 'taken-over .*in force .*fire: done'
}
it_happens() { # BECAUSE
	wait_for is_in_force
	is "MiB of b when the event is in force" "$(limit)" 192
	grep -h "has failed: $1" "$state"/*/vcd.log >/dev/null || fail "no log says that a has failed: $1"
}
restart() {
	vcctl up >"$work/up.out" 2>&1 || fail "up: $(cat "$work/up.out")"
}

conf ''
up --config="$work/two.conf"
vcrun --on=a --name=one sleep 1000 &
wait_for jobs_are 1

# The daemon: stopped for a while, ended in order, killed. Its job runs on.
kill -STOP "$(daemon 0)"
nothing_happens "a daemon that is stopped" 4
kill -CONT "$(daemon 0)"
kill -TERM "$(daemon 0)"
nothing_happens "a daemon that has ended in order" 4
restart
kill -KILL "$(daemon 0)"
nothing_happens "a daemon that was killed" 4
restart
wait_for jobs_are 1

# A user kills all of his processes, which are all in the partition. No other test has his number.
kill -KILL "$(job one pid)"
wait_for jobs_are 0
as_user 65531 vcrun --on=a --detach sleep 1000 >/dev/null
as_user 65531 vcrun --on=a --detach sleep 1000 >/dev/null
wait_for jobs_are 2
as_user 65531 sh -c 'kill -KILL -1' >/dev/null 2>&1 || :
wait_for jobs_are 0
nothing_happens "a user's kill -9 -1"

# A job that is stopped, and crashes; a group that is frozen for a second, as by a move.
vcrun --on=a --name=one sh -c 'kill -SEGV $$' >/dev/null 2>&1 || :
freezer=$(sed -n 's/.*"cgroup-base": "\(.*\)".*/\1/p' "$state/instance.json" | tr ';' '\n' |
	awk -F'|' '$2 == 2 { print $3 "/" $4 "/a/cgroup.freeze" }')
if [ -e "$freezer" ]; then
	echo 1 >"$freezer"
	sleep 1
	echo 0 >"$freezer"
fi
nothing_happens "a crash, and a group that was frozen for a second"

# The group is killed: its daemon notices, or another one.
vcrun --on=a --name=one sleep 1000 &
wait_for jobs_are 1
# shellcheck disable=SC2046 # a list
kill -KILL $(group_members a)
it_happens kill
# Once: what the witness's daemon has put right is no second time.
vcctl event revert taken-over >/dev/null
stays "MiB of b when one failure has been dealt with" 2 128 limit
rm "$state/reshapes.jsonl"
vcrun --on=a true || fail "a program in a afterwards"

# With its daemon, in one go.
# shellcheck disable=SC2046 # a list
kill -KILL "$(daemon 0)" $(group_members a)
it_happens kill
restart
vcctl event revert taken-over >/dev/null
stays "MiB of b when a daemon has been started again" 3 128 limit

if [ -e "$freezer" ]; then
	echo 1 >"$freezer"
	it_happens freeze
	echo 0 >"$freezer"
	vcctl event revert taken-over >/dev/null
	await "MiB of b" 128 limit
fi
down --force

# What counts only if it is said.
conf 'failover-on = { "crash" }'
up --config="$work/two.conf"
vcrun --on=b sh -c 'kill -SEGV $$' >/dev/null 2>&1 || :
vcrun --on=a sh -c 'kill -KILL $$' >/dev/null 2>&1 || :
nothing_happens "a crash elsewhere, and a program that was killed"
vcrun --on=a sh -c 'kill -SEGV $$' >/dev/null 2>&1 || :
it_happens crash
down --force

conf 'failover-on = { "oom" }'
up --config="$work/two.conf"
swap=$(awk '/^SwapFree/ { print $2 }' /proc/meminfo)
if [ "$swap" = 0 ]; then
	vcrun --on=a python3 -c 'x = bytearray(b"x") * (256 << 20)' >/dev/null 2>&1 && fail "256 MiB in 128 MiB"
	it_happens oom
fi
vcctl remove a >"$work/out" 2>&1 || fail "remove: $(cat "$work/out")"
down --force
