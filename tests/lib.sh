# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# lib.sh - what the end-to-end tests share
#
# A test sources this first and then has: a directory of its own ($work, in it $state,
# the state directory of an instance that is its own), the commands in PATH, and an end that
# takes everything down. A test that passes must have left nothing: no process, no
# cgroup, no mount; what is found is removed, and fails the test.
#
# The test runs as a child of itself: whatever becomes of the child, a test that hangs and
# is killed included, the parent clears up. VC_TEST_TIMEOUT: the seconds that a test may take,
# default 900. VC_TEST_PATIENCE: the seconds that it waits for one event, default 60.
#
# VCRUN_TEST_ROUNDS multiplies the repetitions of all tests, for ./quickstart soak; default 1.
#
# Exit status as automake has it: 0 passed, 1 failed, 77 skipped.

set -eu
top_srcdir=$(CDPATH='' cd -- "${top_srcdir:-$(dirname -- "$0")/..}" && pwd)
: "${top_builddir:=${VCRUN_BUILD:-$top_srcdir/build}}"

export top_srcdir top_builddir
export VCRUN_BUILD="$top_builddir"
export LC_ALL=C
run=$top_srcdir/run
work=${VC_TEST_WORK:-} state=$work/state
# shellcheck disable=SC2034 # the tests look at it
test_rounds=${VCRUN_TEST_ROUNDS:-1}

say() {
	printf '%s\n' "$*"
}

skip() { # REASON
	say "skipped: $*"
	exit 77
}

fail() { # SENTENCE
	say "failed: $*"
	exit 1
}

# Both sides are shown when they differ.
is() { # WHAT GOT EXPECTED
	[ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

matches() { # WHAT GOT REGEX
	printf '%s\n' "$2" | grep -Eq -e "$3" || fail "$1: got '$2', expected something like '$3'"
}

at_most() { # WHAT GOT MOST
	[ "$2" -le "$3" ] || fail "$1: got $2, expected at most $3"
}

at_least() { # WHAT GOT LEAST
	[ "$2" -ge "$3" ] || fail "$1: got $2, expected at least $3"
}

# Runs a command that may fail; its exit status is in $status, what it said in $out.
try() { # COMMAND...
	status=0
	# shellcheck disable=SC2034 # the tests look at it
	out=$("$@" 2>&1) || status=$?
}

requires() { # PROGRAM...
	for program in "$@"; do
		# Programs that Debian's smaller packages have under another name.
		case $program in
		redis-server) other=redis-check-rdb ;;
		vim) other=vim.tiny ;;
		*) other='' ;;
		esac
		if [ -n "$other" ] && ! command -v "$program" >/dev/null && command -v $other >/dev/null; then
			ln -s "$(command -v $other)" "$work/links/$program"
		fi
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# For what a sanitizer stands in the way of: of whose programs CRIU cannot restore parent and child,
# and which does not let itself be loaded into other programs.
requires_plain_build() {
	! grep -qs -e __asan_init -e __tsan_init "$top_builddir/vcd" || skip "built with a sanitizer"
}

# Waits until a command succeeds. If it never does, the test fails and shows what the command
# compared, and the end of the files that it looked at.
wait_for() { # COMMAND...
	wait_until=$(($(date +%s) + ${VC_TEST_PATIENCE:-60}))
	while ! "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt $wait_until ] || wait_failed "$@"
		sleep 0.05
	done
}

wait_failed() { # COMMAND...
	(set -x; "$@") 2>&1 | tail -n 20
	for word in "$@"; do
		[ ! -f "$word" ] || { say "--- $word"; tail -n 20 "$word"; }
	done
	fail "waited in vain for: $*"
}

# Waits until a command prints a text.
await() { # WHAT EXPECTED COMMAND...
	await_what=$1 await_expected=$2
	shift 2
	wait_until=$(($(date +%s) + ${VC_TEST_PATIENCE:-60}))
	until await_got=$("$@" 2>&1) && [ "$await_got" = "$await_expected" ]; do
		[ "$(date +%s)" -lt $wait_until ] || is "$await_what, at last" "$await_got" "$await_expected"
		sleep 0.05
	done
}

# A command prints the same text for so many seconds.
stays() { # WHAT SECONDS TEXT COMMAND...
	stays_what=$1 stays_until=$(($(msec) + $2 * 1000)) stays_text=$3
	shift 3
	while is "$stays_what" "$("$@")" "$stays_text" && [ "$(msec)" -lt $stays_until ]; do
		sleep 0.1
	done
}

# Milliseconds of a clock.
msec() {
	echo $(($(date +%s%N) / 1000000))
}

# Something took so many milliseconds. A busy machine may take ten times as long as a quiet one.
in_time() { # WHAT MSEC MOST_ON_A_QUIET_MACHINE
	say "$1: $2 ms"
	at_most "milliseconds: $1" "$2" $(($3 * 10))
}

# Prints an expression over the JSON on standard input, d.
json() { # EXPRESSION
	python3 -c 'import json, sys; d = json.load(sys.stdin); print('"$1"')'
}

# One field of one job, given by name; fails when there is none.
job() { # NAME FIELD
	vcstat jobs --json | json "[j for j in d['jobs'] if j['name'] == '$1'][0]['$2']"
}

job_is() { # NAME FIELD VALUE
	[ "$(job "$1" "$2" 2>/dev/null)" = "$3" ]
}

# A job's first process is that program, and sleeps.
job_sleeps() { # NAME PROGRAM_PATTERN
	# shellcheck disable=SC2254 # a pattern
	case $(cat "/proc/$(job "$1" pid)/stat") in
	*\($2\)\ S\ *) ;;
	*) return 1 ;;
	esac
}

jobs_are() { # NUMBER
	[ "$(vcstat jobs --json | json "len(d['jobs'])")" = "$1" ]
}

# Brings the test's instance up: two equal partitions, vc0 and vc1, unless told otherwise.
up() { # [OPTION]...
	[ $# -gt 0 ] || set -- --split=2
	[ "$(nproc)" -ge 2 ] || skip "this machine has one CPU; two partitions need two"
	vcctl up "$@" >"$work/up.out" 2>&1 || fail "vcctl up $*: $(cat "$work/up.out")"
	note_groups
}

down() { # [OPTION]...
	vcctl down "$@" >"$work/down.out" 2>&1 || fail "vcctl down $*: $(cat "$work/down.out")"
}

# Writes the PID of each partition's daemon into $work/vcd.PARTITION, for hooks.
note_daemons() {
	vcctl list --json | json "'\n'.join('%s %d' % (p['name'], p['daemon_pid']) for p in d['partitions'])" |
		while read -r name pid; do
			echo "$pid" >"$work/vcd.$name"
		done
}

# Another user of this machine runs a command. The build tree may lie where that user
# cannot go, so the commands are copied. A second user is uid 65533.
as_user() { # UID COMMAND...
	uid=$1
	shift
	if [ ! -d "$work/public" ]; then
		mkdir "$work/public"
		for command in vcrun vcmove vcstat vcctl; do
			cp "$top_builddir/$command" "$work/public/"
		done
	fi
	setpriv --reuid="$uid" --regid="$uid" --clear-groups \
		env PATH="$work/public:$work/links:/usr/bin:/bin:/usr/sbin:/sbin" "$@"
}

# The instance's cgroups, as it writes them down: "controller|version|mount|group;...".
note_groups() {
	for dir in "$work"/state*; do
		[ -e "$dir/instance.json" ] || continue
		sed -n 's/.*"cgroup-base": "\(.*\)".*/\1/p' "$dir/instance.json" | tr ';' '\n' |
			awk -F'|' '{ print $3 "/" $4 }' >>"$work/groups"
	done
}

# Processes of this test's instances, by what they were started with.
own_processes() {
	env -u VCRUN_STATE_DIR grep -lzs "^VCRUN_STATE_DIR=$work/state" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
		case $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) in
		[ZX]* | '') ;;
		*) echo "$pid" ;;
		esac
	done
}

no_own_processes() {
	[ -z "$(own_processes)" ]
}

left_behind() { # WHAT
	say "left behind: $*"
	left=yes
}

clear_processes() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		no_own_processes && return
		sleep 0.2
	done
	for pid in $(own_processes); do
		left_behind "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		kill -KILL "$pid" 2>/dev/null || :
	done
}

clear_groups() {
	[ -e "$work/groups" ] || return 0
	sort -u "$work/groups" >"$work/groups.sorted"
	while read -r group; do
		[ -d "$group" ] || continue
		left_behind "cgroup $group"
		# shellcheck disable=SC2046 # a list
		kill -KILL $(find "$group" -name cgroup.procs -exec cat {} +) 2>/dev/null || :
		sleep 0.2
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
	done <"$work/groups.sorted"
}

clear_mounts() {
	awk -v dir="$work/" 'index($2, dir) == 1 { print $2 }' /proc/self/mounts | sort -r >"$work/mounts"
	while read -r mount; do
		left_behind "mount $mount"
		umount -l "$mount" || :
	done <"$work/mounts"
}

clear_loops() {
	losetup -nO NAME,BACK-FILE 2>/dev/null |
		awk -v dir="$work/" 'index($2, dir) == 1 { print $1 }' >"$work/loops"
	while read -r loop; do
		left_behind "loop device $loop"
		losetup -d "$loop" || :
	done <"$work/loops"
}

show_logs() {
	for log in "$work"/state*/*/vcd.log; do
		[ -e "$log" ] || continue
		say "--- ${log#"$work/"}"
		tail -n 40 "$log"
	done
}

# What sanitizers had to say, in any of the processes, if they are built in.
find_complaints() {
	for report in "$work"/sanitizer/*; do
		! grep -q -e 'ERROR: ' -e 'runtime error: ' "$report" 2>/dev/null || cat "$report"
	done
}

finish() { # STATUS
	status=$1
	left=no
	set +e
	note_groups
	find_complaints >"$work/complaints"
	[ "$status" -eq 0 ] || [ "$status" -eq 77 ] || show_logs
	for dir in "$work"/state*; do
		[ -e "$dir/instance.json" ] || continue
		vcctl --state-dir="$dir" down --force >"$work/down.out" 2>&1 ||
			left_behind "an instance that does not go down: $(cat "$work/down.out")"
	done
	clear_processes
	clear_groups
	clear_mounts
	clear_loops
	[ $left = no ] || [ "$status" -ne 0 ] || status=1
	if [ -s "$work/complaints" ]; then
		cat "$work/complaints"
		status=1
	fi
	cd /
	rm -rf --one-file-system "$work"
	exit "$status"
}

# The parent's part: makes the directory, runs the test, clears up.
oversee() { # ARGUMENT...
	[ "$(id -u)" -eq 0 ] || skip "needs root: cgroups and mounts"
	work=$(mktemp -d /tmp/vcrun-test.XXXXXX)
	state=$work/state
	chmod 755 "$work"
	mkdir "$work/bin" "$work/links" "$work/sanitizer"
	chmod 1777 "$work/sanitizer"
	export ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$work/sanitizer/asan"
	export UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:print_stacktrace=1:log_path=$work/sanitizer/ubsan"
	for command in vcrun vcmove vcstat vcctl; do
		printf '#!/bin/sh\nexec "%s" %s "$@"\n' "$run" "$command" >"$work/bin/$command"
		chmod 755 "$work/bin/$command"
	done
	# The system's own programs: others may not be every user's to run.
	export PATH="$work/bin:$work/links:/usr/sbin:/usr/bin:/sbin:/bin:$PATH" VC_TEST_WORK="$work"
	child='' status=0
	trap '[ -z "$child" ] || kill -TERM $child 2>/dev/null || :' INT TERM HUP
	timeout -k 5 "${VC_TEST_TIMEOUT:=900}" sh "$0" "$@" &
	child=$!
	wait $child || status=$?
	# A signal has interrupted the wait, or the child has ended.
	wait $child 2>/dev/null || :
	trap '' INT TERM HUP
	case $status in
	124 | 137) say "failed: not done after $VC_TEST_TIMEOUT s" ;;
	esac
	finish "$status"
}

[ -n "$work" ] || oversee "$@"
# Here and not above, so that this shell is not taken for a process of the instance.
export VCRUN_STATE_DIR="$state"
cd "$work"
