#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# set-killed - whoever is killed in the middle of a change leaves it undone or finished, never halfway
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"

two_conf 256M 128M 60000 true
up --config="$work/two.conf"
holder a 30

kill_at_steps

daemon() { # PARTITION
	vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == '$1'][0]"
}

before=$(shape)
for step in shrink cpus grow save; do
	KILL_AT=$step try vcctl set a --memory=128M --cpus=0,1 --cpu=shared --memory-mode=fixed
	is "exit status of one killed at $step" "$status" 137
	[ -e "$state/reshape.journal" ] || fail "no journal is left by one killed at $step"
	# A daemon that comes back puts things in order before it does anything else.
	kill -KILL "$(daemon b)"
	wait_for sh -c 'vcctl list | grep -q "^b .*down"'
	vcctl up >"$work/up.out" || fail "up after one killed at $step: $(cat "$work/up.out")"
	[ ! -e "$state/reshape.journal" ] || fail "the journal is still there"
	case $step in
	shrink | cpus) is "the shape after one killed at $step" "$(shape)" "$before" ;;
	*)
		is "limit after one killed at $step" "$(limit_of a)" $((128 << 20))
		is "CPUs after one killed at $step" "$(group_cpus a)" 0-1
		is "swapping after one killed at $step" "$(swaps a)" no
		vcctl set a --memory=256M --cpus=0 --cpu=dedicated --memory-mode=pageable >"$work/set.out"
		is "the shape put back after $step" "$(shape)" "$before"
		;;
	esac
	holder_is_well a
done

# The next change does the same; and an interrupted one undoes itself.
KILL_AT=cpus try vcctl set a --memory=100M
vcctl set b --memory=64M >"$work/set.out" || fail "set b: $(cat "$work/set.out")"
is "limit of a" "$(limit_of a)" $((256 << 20))
is "limit of b" "$(limit_of b)" $((64 << 20))
results=$(sed 's/.*"result":"\([a-z]*\)".*/\1/' "$state/reshapes.jsonl" | tr '\n' ' ')
is "the record" "$results" "undone undone finished done finished done undone done "
before=$(shape)
# Fixed, since swap, where there is some, would let it be.
vcctl set a --memory=20M --memory-mode=fixed --deadline=60 >"$work/set.out" 2>&1 &
setter=$!
wait_for test -e "$state/reshape.journal"
kill -TERM $setter
status=0
wait $setter || status=$?
is "exit status of an interrupted one" "$status" 1
matches "an interrupted one" "$(cat "$work/set.out")" 'nothing has changed.*interrupted'
is "the shape after an interrupted one" "$(shape)" "$before"
holder_is_well a
holder_ends a
down --force

# Daemons that run find it by themselves, and jobs that wait for memory meanwhile run on.
sed -i 's/60000/50/' "$work/two.conf"
up --config="$work/two.conf"
rm -f "$work"/holder-a.*
holder a 30
before=$(shape)
for step in cpus save; do
	KILL_AT=$step try vcctl set a --memory=100M
	wait_for test ! -e "$state/reshape.journal"
	case $step in
	cpus) is "the shape after one killed at $step" "$(shape)" "$before" ;;
	save) is "limit after one killed at $step" "$(limit_of a)" $((100 << 20)) ;;
	esac
done
holder_ends a
down --force
