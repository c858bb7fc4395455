#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# up-again - an up of what is up starts daemons that have died, also when it names a configuration
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3

two_conf 128M 128M
cp "$work/two.conf" "$work/other.conf"
sed -i 's/128M/64M/' "$work/other.conf"
up --config="$work/two.conf"
vcrun --detach --on=a --name=sleeper sleep 1000 >/dev/null
pid=$(job sleeper pid)

daemon_of() { # PARTITION
	vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == '$1'][0]"
}
end_daemons() { # PARTITION...
	for partition in "$@"; do
		daemon=$(daemon_of "$partition")
		kill -KILL "$daemon"
		wait_for test ! -d "/proc/$daemon"
	done
}
again() { # REGEX OPTION...
	regex=$1
	shift
	try vcctl up "$@"
	is "status of up $*: $out" "$status" 0
	matches "up $*" "$out" "$regex"
	for partition in a b; do
		[ -d "/proc/$(daemon_of $partition)" ] || fail "up $*: the daemon of $partition does not run"
	done
	wait_for job_is sleeper state running
	is "the job's PID after up $*" "$(job sleeper pid)" "$pid"
	is "the limit of a after up $*" "$(limit_of a)" $((128 << 20))
}

again 'vcrun is up already' --config="$work/two.conf"
for file in two other none; do
	end_daemons b
	again '^1 daemon started again' --config="$work/$file.conf"
	matches "what becomes of the file" "$out" "$file.conf is not read while vcrun is up"
	end_daemons a b
	again '^2 daemons started again' -c "$work/$file.conf"
done
end_daemons a
again '^1 daemon started again'

# What would cut the machine anew is something else.
end_daemons a
try vcctl up --split=2
is "status of up --split=2" "$status" 1
matches "up --split=2" "$out" "run 'vcctl down' first, or 'vcctl up' without options, which starts daemons"
again '^1 daemon started again'

# Without a job there is nothing to be kept: the file counts.
vcctl kill --signal=KILL sleeper >/dev/null
wait_for jobs_are 0
end_daemons a b
up --config="$work/other.conf"
is "the limit of a" "$(limit_of a)" $((64 << 20))
down
