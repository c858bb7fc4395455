#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-pipeline - a bash pipeline moves, pipes full of data: nothing is lost or doubled
#
# One pipe comes in from outside of the job, one leads out, the others are its own.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires bash python3 setpriv gzip

up
# Numbers from 1 on, as fast as they are read, until told to stop.
cat >"$work/feed.py" <<'END'
import os, sys
n = 0
while not os.path.exists(sys.argv[1]):
    sys.stdout.write("".join("%d\n" % i for i in range(n + 1, n + 1001)))
    n += 1000
sys.stdout.flush()
open(sys.argv[1], "w").write(str(n))
END

# shellcheck disable=SC2016 # for bash to expand
pipeline='set -o pipefail
	while read -r line; do echo "$line"; done | tee >(cksum >"$1/tee") | gzip -1 | gunzip |
	sed "s/\$/ /" | tr -d " " | awk "{ print }"'

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "pipeline-$uid")
	python3 "$work/feed.py" "$dir/stop" |
		as "$uid" vcrun --on=vc0 --name=pipeline bash -c "$pipeline" - "$dir" |
		cksum >"$dir/end" &
	last=$!
	wait_for job_is pipeline state running
	bounce pipeline "$uid" 0.5 alive $last
	: >"$dir/stop"
	wait $last
	wait_for test -s "$dir/stop"
	want=$(seq 1 "$(cat "$dir/stop")" | cksum)
	is "what came out, uid $uid" "$(cat "$dir/end")" "$want"
	wait_for test -s "$dir/tee"
	is "what went through tee, uid $uid" "$(cat "$dir/tee")" "$want"
	show_moves "a bash pipeline, uid $uid, $(cat "$dir/stop") lines"
done
