#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# daemon-stopped - no command waits for a daemon that is stopped or frozen, whichever it is
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-ipc.sh"
requires python3
up --split=2

daemon() { # PARTITION
	vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == '$1'][0]"
}
vcrun --detach --on=vc0 --name=in-vc0 sleep 1000 >/dev/null
vcrun --detach --on=vc1 --name=in-vc1 sleep 1000 >/dev/null
wait_for jobs_are 2
none='its daemon .* does not answer'

# The command, its exit status and what it says; $silent is the partition whose daemon is silent, $other
# the other one.
commands() {
	cat <<-END
	vcstat partitions|0|$silent +not answering
	vcstat partitions|0|$other +up
	vcstat jobs|0|in-$other .* $other +running
	vcstat jobs|0|partition $silent: $none.*jobs are not shown
	vcstat partitions jobs moves regions ipc|0|$silent +not answering
	vcstat devices|0|DEVICE
	vcrun echo runs|0|^runs
	vcrun --on=$other echo runs|0|^runs
	vcrun --on=$silent true|125|partition $silent: $none
	vcmove --to=$other in-$silent|1|partition $silent: $none
	vcmove --to=$silent in-$other|1|partition $silent: $none
	vcmove in-$other|1|partition $silent: $none
	vcctl kill in-$silent|1|partition $silent: $none
	vcctl kill --signal=CONT in-$other|0|
	vcctl list|0|$silent
	vcctl event list|0|EVENT
	vcctl ipc list|0|KIND
	vcctl ipc show nothing|1|no IPC object
	vcctl ipc check|0|table
	vcctl set $silent --memory=10G --dry-run|0|$silent
	vcctl set $silent --memory=10G|0|done
	vcctl set $silent --memory=max|0|done
	$client -|0|^ok
	END
}

# A second and what a busy machine needs besides. Much longer waits were 10 and 30 s, or for ever.
look() { # HOW
	commands >"$work/commands"
	how=$1
	while IFS='|' read -r command expected said; do
		set --
		begun=$(msec)
		# shellcheck disable=SC2086 # words
		[ "$command" != "$client -" ] || set -- "open shm /of-$silent create size=4096" "unlink shm /of-$silent"
		try timeout 5 ${command% -} "$@"
		say "$how, $silent: $command: $(($(msec) - begun)) ms"
		is "exit status of '$command' with the daemon of $silent $how ($out)" "$status" "$expected"
		matches "'$command' with the daemon of $silent $how" "$out" "$said"
	done <"$work/commands"
}

for silent in vc0 vc1; do
	[ $silent = vc0 ] && other=vc1 || other=vc0
	pid=$(daemon $silent)
	kill -STOP "$pid"
	look stopped
	kill -CONT "$pid"
	wait_for sh -c '! vcstat partitions | grep -q "not answering"'
done

# Frozen: nothing about the process says so but that it does not run.
base=$(sed -n 's/.*"cgroup-base": "\(.*\)".*/\1/p' "$state/instance.json" | tr ';' '\n' |
	awk -F'|' '$2 == 2 { print $3 "/" $4 }')
if [ -e "$base/shims/cgroup.freeze" ]; then
	pid=$(daemon vc0)
	silent=vc0 other=vc1
	mkdir "$base/frozen"
	echo "$pid" >"$base/frozen/cgroup.procs"
	echo 1 >"$base/frozen/cgroup.freeze"
	wait_for grep -q 'frozen 1' "$base/frozen/cgroup.events"
	look frozen
	echo 0 >"$base/frozen/cgroup.freeze"
	echo "$pid" >"$base/shims/cgroup.procs"
	rmdir "$base/frozen"
fi

# All of them: there is nobody to ask, but who does not answer.
kill -STOP "$(daemon vc0)" "$(daemon vc1)"
try timeout 5 vcstat
is "vcstat with all daemons stopped ($out)" "$status" 0
for silent in vc0 vc1; do
	matches "vcstat with all daemons stopped" "$out" "$silent +not answering +-"
done
is "the same in JSON" "$(vcstat partitions --json | json "[p['state'] for p in d['partitions']]")" \
	"['not answering', 'not answering']"
try timeout 5 vcrun true
is "vcrun with all daemons stopped" "$status" 125
matches "vcrun with all daemons stopped" "$out" "partition vc[01]: $none"

# Stopped daemons are ended too.
try timeout 20 vcctl down --force
is "down with all daemons stopped ($out)" "$status" 0
