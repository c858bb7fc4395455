#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-interrupt - vcctl check can be interrupted, and leaves nothing behind
. "${top_srcdir:=.}/tests/lib.sh"

criu=$(vcctl check | sed -n 's/^ok  *criu  *\([^,]*\),.*/\1/p')
[ -n "$criu" ] || skip "no criu that works"
# Tells its version, and hangs when it is to dump.
cat >"$work/criu" <<END
#!/bin/sh
[ ! -e "$work/asked" ] || exec sleep 1000
: >"$work/asked"
exec "$criu" "\$@"
END
chmod 755 "$work/criu"
export VCRUN_CRIU="$work/criu"

children_of() { # PID
	for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		echo "$child"
		children_of "$child"
	done
}

hangs() {
	children_of "$check" >"$work/children"
	for pid in $(cat "$work/children"); do
		grep -qs sleep "/proc/$pid/comm" && return
	done
	return 1
}

# Of tests beside this one there may be some too, for a moment.
no_remains() {
	[ -z "$(find /dev/shm -maxdepth 1 -name 'vcrun-check-*' -newer "$work/begun")" ]
}

for signal in 15 1; do
	rm -f "$work/asked"
	: >"$work/begun"
	vcctl check >"$work/out" 2>&1 &
	check=$!
	wait_for hangs
	at_least "processes that it has" "$(wc -l <"$work/children")" 3
	kill -$signal $check
	began=$(date +%s)
	status=0
	wait $check || status=$?
	at_most "seconds until it ended" $(($(date +%s) - began)) 2
	is "exit status after signal $signal" "$status" $((128 + signal))
	! grep criu "$work/out" || fail "it says of criu what it cannot know"
	for pid in $(cat "$work/children"); do
		[ ! -e "/proc/$pid" ] || fail "left behind: $pid $(cat "/proc/$pid/comm")"
	done
	wait_for no_remains
done
