#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-slow - a move that takes its time says at which step, and a criu that hangs is named
. "${top_srcdir:=.}/tests/lib.sh"
requires python3

# The dump of "stuck" stands still for longer than a shim is silent about it, the dump of
# "slow" for less.
cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" = dump ] || exit 0
if [ "\$2" = "\$(cat "$work/stuck" 2>/dev/null)" ]; then
	echo "\$5" >"$work/criu"
	kill -STOP "\$5"
	(sleep 32; kill -CONT "\$5") >/dev/null 2>&1 &
else
	sleep 3
fi
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

cat >"$work/terminal.py" <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
try:
    while data := os.read(fd, 4096):
        os.write(1, data)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END

vcrun --on=vc0 --detach --name=stuck sleep 1000 >"$work/stuck"
vcmove stuck --to=vc1 >"$work/stuck.out" 2>&1 &
stuck=$!
wait_for test -s "$work/criu"

slow=$(vcrun --on=vc0 --detach --name=slow sleep 1000)
python3 "$work/terminal.py" vcmove slow >"$work/slow.out" || fail "vcmove: $(cat "$work/slow.out")"
for sec in 1 2; do
	grep -q "moving job $slow: dump, $sec s" "$work/slow.out" || fail "no progress: $(cat "$work/slow.out")"
done
grep -q "job $slow moved from vc0 to vc1" "$work/slow.out" || fail "no result: $(cat "$work/slow.out")"
# Nobody sees it: nothing is said.
for option in --quiet --json; do
	vcmove $option slow >/dev/null 2>"$work/slow.err"
	is "stderr that is no terminal" "$(cat "$work/slow.err")" ''
done
python3 "$work/terminal.py" vcmove --quiet slow >"$work/slow.out"
is "a quiet move" "$(cat "$work/slow.out")" ''

wait $stuck || fail "the job that was stuck: $(cat "$work/stuck.out")"
grep -q "job $(cat "$work/stuck"), from vc0 to vc1: criu (pid $(cat "$work/criu")) has said nothing for 30 s, step dump" \
	"$state/vc0/vcd.log" || fail "the log does not say what hangs"
is "lines about it" "$(grep -c 'has said nothing' "$state/vc0/vcd.log")" 1
down --force
