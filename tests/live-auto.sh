#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# live-auto - the choice of the engine, by the command, the environment and the configuration
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-live.sh"
requires python3
unset VCRUN_ENGINE
cat >"$work/auto.conf" <<'END'
engine = "auto"
partition vc0 { cpus = "0" }
partition vc1 { cpus = "1" }
END
up -c "$work/auto.conf"

vcrun --detach --on=vc0 --name=small sleep 1000 >/dev/null
wait_for job_is small state running
try vcmove --to=vc1 small
is "exit status" "$status" 0
matches "the engine of a small job" "$out" '^job [0-9]+ moved from vc0 to vc1 by live: '
matches "the reason" "$out" '^  live: it has the shortest stop$'
is "the engine on record" "$(last_move engine)" live

try vcmove --engine=criu --to=vc0 small
matches "an engine that was ordered" "$out" 'moved from vc1 to vc0 by criu: .* of images$'
is "a reason for it" "$(last_move engine_reason)" None
try env VCRUN_ENGINE=criu vcmove --to=vc1 small
matches "an engine by the environment" "$out" 'moved from vc0 to vc1 by criu'
try vcmove --engine=steam --to=vc0 small
is "exit status of a move by an engine that is not there" "$status" 1
matches "such an engine" "$out" 'no engine steam; give auto, live or criu'
matches "an estimate" "$(vcmove --estimate --to=vc0 small)" 'job [0-9]+ would stand still for about'

# Shared memory stays charged to the source. So CRIU moves such a job, if it can.
cat >"$work/shared.py" <<'END'
import mmap, sys, time

memory = mmap.mmap(-1, 32 << 20)
memory.write(b"x" * (32 << 20))
open(sys.argv[1], "w").write("ready")
time.sleep(1000)
END
vcrun --detach --on=vc0 --name=shared python3 "$work/shared.py" "$work/ready" >/dev/null
wait_for test -s "$work/ready"
try vcmove --to=vc1 shared
is "exit status" "$status" 0
matches "the engine of a job with shared memory" "$out" 'moved from vc0 to vc1 by criu: '
matches "the reason" "$out" '^  criu: live: 3[0-9] MiB would stay charged to vc0$'
is "bytes of lien" "$(last_move lien_bytes)" 0
down --force

printf 'engine = "steam"\npartition vc0 { cpus = "0" }\n' >"$work/bad.conf"
try vcctl up -c "$work/bad.conf"
matches "a configuration with such an engine" "$out" 'engine = "steam": give auto, live or criu'
