#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-load - an event by load happens by itself, and one killed halfway is put right
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"

two_conf 128M 128M
cat >>"$work/two.conf" <<'END'
event crowd {
	when = "a.jobs > 1 for 1s"
	revert-when = "a.jobs < 2"
	after a {
		memory = "192M"
	}
	after b {
		memory = "64M"
	}
}
END
limits() {
	echo "$(($(limit_of a) >> 20)) $(($(limit_of b) >> 20))"
}
up --config="$work/two.conf"
vcrun --on=a --name=one sleep 1000 &
wait_for jobs_are 1
stays "limits with one job" 2 "128 128" limits
vcrun --on=a --name=two sleep 1000 &
two=$!
await "limits with two jobs" "192 64" limits
kill $two
await "limits with one job again" "128 128" limits

# The process that makes the change is killed halfway: the daemons put things right, and it
# stays undone, or is whole, with what events.json says.
down --force
wait
kill_at_steps
for step in cpus save; do
	echo $step >"$work/hook.at"
	up --config="$work/two.conf"
	vcrun --on=a --name=one sleep 1000 &
	vcrun --on=a --name=two sleep 1000 &
	two=$!
	wait_for sh -c 'grep -q "crowd" "$1"/reshapes.jsonl' - "$state"
	wait_for test ! -e "$state/reshape.journal"
	case $step in
	cpus)
		is "limits after one killed at $step" "$(limits)" "128 128"
		is "in force" "$(vcctl event list --json | json "d['events'][0]['in-force']")" False
		;;
	save)
		is "limits after one killed at $step" "$(limits)" "192 64"
		is "in force" "$(vcctl event list --json | json "d['events'][0]['in-force']")" True
		;;
	esac
	down --force
	wait
done
