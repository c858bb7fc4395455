#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-explain - what fails inside CRIU is said in words of ours, and its log is kept for root
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires prlimit python3
criu=$(vcctl check | sed -n 's/^ok  *criu  *\([^,]*\),.*/\1/p')
[ -n "$criu" ] || skip "no criu that works"

# At the step that $work/break names, its command is run, with the job's PID and CRIU's.
cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" = "\$(head -n 1 "$work/break" 2>/dev/null)" ] || exit 0
sed 1d "$work/break" >"$work/script"
rm "$work/break"
sh "$work/script" "\$@" >>"$work/hook.out" 2>&1
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

said() { # WHAT REGEX
	matches "$1" "$out" "$2"
	! printf '%s\n' "$out" | grep -Eq 'criu:|Error \(|Dumping FAILED|Restoring FAILED' ||
		fail "$1: CRIU's own words: $out"
}

# What comes between the inventory and the freeze: CRIU fails, and at the second attempt the
# inventory sees it too.
vcrun -d --on=vc0 --name=busy python3 -c 'import time; time.sleep(1000)' >/dev/null
wait_for job_sleeps busy 'python3*'
limits() { # OPTION SENTENCE
	printf 'dump\nprlimit --pid %s %s\n' "$(job busy pid)" "$1" >"$work/break"
	try vcmove --to=vc1 busy
	is "$1: exit status" "$status" 1
	said "$1" "$2"
	is "state after $1" "$(job busy state) in $(job busy partition)" "running in vc0"
	prlimit --pid "$(job busy pid)" --nofile=64 --as=unlimited
	grep -q "job [0-9]*: criu: $3" "$state"/vc?/vcd.log ||
		fail "$1: the daemon's log has not what CRIU said"
}
limits --nofile=3:64 'RLIMIT_NOFILE.* raise (its|the) limit' "Can't create memfd in victim"
limits --as=4096:unlimited 'RLIMIT_AS.* raise (its|the) limit' 'remote mmap() failed'
vcctl kill busy

# Images that are no images: nobody foresees that. The log is named, is root's, and has CRIU's words.
vcrun -d --on=vc0 --name=broken sh -c 'while sleep 0.1; do :; done' >/dev/null
wait_for job_sleeps broken sh
cat >"$work/break" <<END
reap
for image in "$state/images/\$2"/pagemap-*.img; do
	dd if=/dev/urandom of="\$image" bs=64 count=1 conv=notrunc
done
END
try vcmove --to=vc1 broken
is "broken images: exit status" "$status" 1
said "broken images" "CRIU could not restore the job, for a reason that vcrun does not know; its log is in $state/criu/[0-9]+.log, please report it"
log=$(printf '%s\n' "$out" | sed -n 's/.*its log is in \([^,]*\), please.*/\1/p' | head -n 1)
is "the log's mode and owner" "$(stat -c '%a %u' "$log")" "600 0"
is "its directory's" "$(stat -c '%a %u' "$state/criu")" "700 0"
grep -q 'Error (' "$log" || fail "$log has no error of CRIU's"
at_most "files kept" "$(find "$state/criu" -type f | wc -l)" 64
vcctl kill broken
down --force
