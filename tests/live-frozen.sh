#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-frozen - a live move into a frozen partition leaves the job's registers as they were
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-live.sh"
requires python3
up

freeze() { # 0 or 1
	while read -r base; do
		[ ! -e "$base/vc1/cgroup.freeze" ] || echo "$1" >"$base/vc1/cgroup.freeze"
	done <"$work/groups"
}

cat >"$work/count.py" <<'END'
import signal, sys

ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
memory = bytearray(4 << 20)
open(sys.argv[1], "w").write("ready")
while not ending:
    for at in range(0, len(memory), 4096):
        memory[at] = (memory[at] + 1) % 256
sys.exit(7 if len(set(memory[::4096])) == 1 else 1)
END
vcrun --on=vc0 --name=count python3 "$work/count.py" "$work/ready" &
vcrun=$!
wait_for test -s "$work/ready"
pid=$(job count pid)
freeze 1
live_move count
is "groups of the program" "$(groups_of "$pid")" "vc1 "
freeze 0
kill -TERM "$pid"
status=0
wait $vcrun || status=$?
is "exit status" $status 7
down
