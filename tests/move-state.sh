#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-state - a process's attributes are the same after a move, from its first instruction on
#
# A victim sets an attribute and looks at it without a pause while it is moved: it must not
# see another value, not even for a moment. Names as arguments: these attributes only.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3
moves=${VCRUN_MOVES:-$((2 * test_rounds))}
up

victim=$work/state-victim
cp "$top_builddir/tests/state-victim" "$victim"
chmod 755 "$victim"

# Refused by name, with what the message has.
refused() { # ATTRIBUTE
	case $1 in
	ldt) echo 'has segments of its own' ;;
	dnotify) echo 'a directory with F_NOTIFY in effect' ;;
	sem_shared) echo 'semaphore operations that the kernel undoes' ;;
	sem_full) echo 'may not do them again' ;;
	io_ports) echo 'may use I/O ports' ;;
	core_cookie) echo 'has a cookie of core scheduling' ;;
	io_flusher_kept) echo 'has set PR_SET_IO_FLUSHER' ;;
	locked_full) echo 'locks all future mappings' ;;
	esac
}

# What vcmove(1) says is not carried, since nobody can read it, or nobody can set it.
lost() { # ATTRIBUTE
	case $1 in
	cpu_clock) return 0 ;;
	esac
	return 1
}

watch_moved() { # ATTRIBUTE UID [--thread]
	name=$1-$2${3:-}
	as "$2" vcrun --on=vc0 --name="$name" "$victim" ${3:+"$3"} "$1" >"$work/$name.out" 2>&1 &
	job=$!
	wait_for grep -q -e '^ready' -e '^skipped' "$work/$name.out"
	if grep '^skipped' "$work/$name.out"; then
		wait $job || :
		return
	fi
	for _ in $(seq "$moves"); do
		try as "$2" vcmove --quiet --policy=notparent "$name"
		[ "$status" -eq 0 ] || break
	done
	vcctl kill "$name" >/dev/null
	wait $job || status=$?
	want=$(refused "$1")
	if [ "$status" -ne 0 ] && [ -n "$want" ] && echo "$out" | grep -q -e "$want"; then
		say "refused: $1 (uid $2): $out"
	elif [ "$status" -ne 0 ] || [ -n "$want" ]; then
		say "failed: $1 (uid $2): $out; $(tr '\n' ' ' <"$work/$name.out")"
		failures=$((failures + 1))
	else
		say "unchanged: $1 (uid $2)${3:+, in a thread}, $(tail -n 1 "$work/$name.out")"
	fi
}

failures=0
# shellcheck disable=SC2046 # a list
[ $# -gt 0 ] || set -- $("$victim" --list)
for attribute in "$@"; do
	! lost "$attribute" || continue
	watch_moved "$attribute" 0
	watch_moved "$attribute" $nobody
	case $attribute in
	slack | mce | tsc | personality | ioprio | sched_slice | policy_* | *_keyring)
		watch_moved "$attribute" $nobody --thread
		;;
	esac
done
is "attributes that were not carried" $failures 0
[ $# -gt 1 ] || exit 0

# What is left of a limit of CPU time is not more after a move.
cat >"$work/limit.py" <<'END'
import os, resource, signal, sys, time
def on_limit(signal, frame):
    print(f"limit after {time.process_time() - before:.1f} s more", flush=True)
    sys.exit()
signal.signal(signal.SIGXCPU, on_limit)
resource.setrlimit(resource.RLIMIT_CPU, (3, 100))
before = time.process_time()
while time.process_time() < 2.2:
    pass
print("ready", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
before = time.process_time()
while time.process_time() - before < 4:
    pass
print("no limit", flush=True)
END
vcrun --on=vc0 --name=limit python3 "$work/limit.py" "$work/go" >"$work/limit.out" 2>&1 &
job=$!
wait_for grep -q ready "$work/limit.out"
move limit
touch "$work/go"
wait $job || fail "the job: exit status $?"
matches "CPU time after a move" "$(tail -n 1 "$work/limit.out")" '^limit after [01]\.'
