#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# up-fails - an up that fails, or is interrupted, leaves what it found; one that was killed is
# cleared by the next
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv

up
down
vcd=$top_builddir/vcd

traces() {
	awk -v dir="$state" '$5 == dir || index($5, dir "/") == 1 { print "mount", $5 }' /proc/self/mountinfo
	while read -r group; do
		[ ! -d "$group" ] || echo "group $group"
	done <"$work/groups"
	own_processes
	find /run -maxdepth 1 -name 'vcrun-*.lock' | grep -F "$(sed -n '1s|.*/||p' "$work/groups").lock" || :
}
no_traces() { [ -z "$(traces)" ]; }

# Each way to fail is tried where there is no directory, where there is an empty one, and where
# that is a tmpfs already.
fails() { # WHAT REGEX COMMAND...
	what=$1 regex=$2
	shift 2
	for place in missing empty tmpfs; do
		[ $place = missing ] || mkdir -m 711 "$state"
		[ $place != tmpfs ] || mount -t tmpfs -o mode=711,size=${SIZE:-100M} none "$state"
		try "$@"
		[ "$status" -ne 0 ] || fail "$what, $place: came up"
		matches "$what, $place" "$out" "$regex"
		case $place in
		missing) [ ! -e "$state" ] || fail "$what: left $state" ;;
		*)
			[ -d "$state" ] || fail "$what, $place: the directory is gone"
			is "$what, $place: left" "$(ls -A "$state")" ''
			is "$what, $place: its mode" "$(stat -c %a "$state")" 711
			;;
		esac
		[ $place != tmpfs ] || umount "$state"
		[ $place = missing ] || rmdir "$state"
		wait_for no_traces
	done
}

echo 'partition vc0 { cpus = "0" ' >"$work/torn.conf"
echo 'partition vc0 { cpus = "99999" }' >"$work/cpus.conf"
cat >"$work/second" <<END
#!/bin/sh
case "\$*" in
*vc1*) echo 'the second has failed' >&2; exit 1 ;;
esac
exec "$vcd" "\$@"
END
cat >"$work/silent" <<END
#!/bin/sh
: >"$work/began"
case "\$*" in
*vc1*) exec sleep 100 ;;
esac
exec "$vcd" "\$@"
END
chmod 755 "$work/second" "$work/silent"

fails "a torn configuration" 'no closing' vcctl up --config="$work/torn.conf"
fails "a configuration with CPUs that are not there" '99999' vcctl up --config="$work/cpus.conf"
fails "a configuration that is not there" 'cannot read' vcctl up --config="$work/none.conf"
fails "more partitions than CPUs" '.' vcctl up --split=100000
unprivileged() {
	setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$run" vcctl "$@"
}
case $(stat -f -c %T "$work") in
tmpfs) ;;
*) fails "no mounts" 'mount' unprivileged up --split=2 ;;
esac
# The programs' wrapper names the daemon, so it is left out here.
bare() { # DAEMON OPTION...
	daemon=$1
	shift
	# A shell's background commands ignore SIGINT.
	exec env --default-signal=INT VCRUN_VCD="$daemon" VCRUN_VCSHIM="$top_builddir/vcshim" VCRUN_VCINIT="$top_builddir/vcinit" \
		VCRUN_POLICY_PATH="$top_builddir/policy/.libs" "$top_builddir/vcctl" "$@"
}
fails "a daemon that ends at once" 'daemon of vc0 ended at its start' bare /bin/false up --split=2
fails "a daemon that is not there" 'No such file' bare "$work/none" up --split=2
fails "a second daemon that fails" 'daemon of vc1 .*the second has failed' bare "$work/second" up --split=2

# No room: only a tmpfs of one's own can be full.
mkdir "$state"
for size in 4k 8k 16k 64k; do
	mount -t tmpfs -o mode=755,size=$size none "$state"
	try vcctl up --split=2
	if [ "$status" -eq 0 ]; then
		vcctl down
	else
		matches "a full tmpfs" "$out" 'No space'
	fi
	is "left in a tmpfs of $size" "$(ls -A "$state")" ''
	umount "$state"
	wait_for no_traces
done
rmdir "$state"

# Interrupted while a daemon is awaited.
for signal in INT TERM HUP; do
	rm -f "$work/began"
	bare "$work/silent" up --split=2 >"$work/up.out" 2>&1 &
	command=$!
	wait_for [ -e "$work/began" ]
	[ $signal != TERM ] || wait_for grep -q "waiting for the daemon of vc1; its log is $state/vc1" "$work/up.out"
	kill -$signal $command
	! wait $command || fail "up, after SIG$signal: came up"
	matches "up, after SIG$signal" "$(cat "$work/up.out")" 'interrupted'
	[ ! -e "$state" ] || fail "SIG$signal: left $state: $(ls -A "$state")"
	wait_for no_traces
done

# Killed at any moment: the next up clears that, and its down leaves nothing.
for delay in 0.002 0.005 0.01 0.02 0.03 0.05 0.08 0.12 0.2 began; do
	rm -f "$work/began"
	bare "$work/silent" up --split=2 >"$work/up.out" 2>&1 &
	command=$!
	if [ $delay = began ]; then
		wait_for [ -e "$work/began" ]
	else
		sleep $delay
	fi
	kill -KILL $command 2>/dev/null || :
	wait $command 2>/dev/null || :
	[ ! -e "$state/instance.json" ] || note_groups
	try vcctl up --split=2
	is "up after one that was killed after $delay s: $out" "$status" 0
	is "a job then" "$(vcrun echo works)" works
	down
	[ ! -e "$state" ] || fail "killed after $delay s: left $state: $(ls -A "$state")"
	wait_for no_traces
done
