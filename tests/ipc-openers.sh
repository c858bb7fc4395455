#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-openers - who dies is counted out: clients, daemons in between, and children that inherited
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
. "$top_srcdir/tests/lib-ipc.sh"
up

# A client that is killed.
start_client a vc0
start_client b vc1
ask a 'open sem s create' >/dev/null
ask b 'open sem s' >/dev/null
is "openers" "$(openers s)" "vc0:1 vc1:1"
kill -KILL "$(job a pid)"
wait_for openers_are s "vc1:1"

# One that is in no job: it counts where it asks.
"$client" 'open sem s' pause >"$work/outside" &
outside=$!
wait_for grep -q '^ok [0-9]*$' "$work/outside"
is "openers in all" "$(vcctl ipc show s --json | json "d['ipc'][0]['openers']")" 2
kill -KILL $outside
wait_for openers_are s "vc1:1"

# A daemon dies, and its opener while it is away; and one lives.
start_client c vc1
ask c 'open sem s' >/dev/null
is "openers" "$(openers s)" "vc1:2"
c=$(job c pid)
kill -KILL "$(daemon vc1)"
kill -KILL "$c"
is "vc0 serves meanwhile" "$(ask b 'open event e create' | cut -d' ' -f1)" ok
is "the dead one is counted still" "$(openers s)" "vc1:2"
vcctl up >/dev/null
wait_for openers_are s "vc1:1"
wait_for job_is b state running
is "the other one's object" "$(openers e)" "vc1:1"
is "it reads" "$(ask b 'put 0 5' && ask b 'get 0')" "ok
ok 5"
kill -KILL "$(job b pid)"
wait_for openers_are s gone
wait_for openers_are e gone
wait_for nothing_left

# Daemons die over and over while clients work: every request is carried out once.
cat >"$work/churn.sh" <<END
i=0
while [ \$i -lt 200 ]; do
	i=\$((i + 1))
	"$client" "open event churn-\$i create excl" "stat event churn-\$i" "close 0"
done
END
vcrun --on=vc0 sh "$work/churn.sh" >"$work/churn.out" 2>&1 &
churn=$!
for round in 1 2 3 4 5 6; do
	sleep 0.2
	[ $((round % 2)) = 0 ] && victim=vc0 || victim=vc1
	kill -KILL "$(daemon "$victim")"
	vcctl up >/dev/null
done
wait $churn
is "answers" "$(grep -c '^ok created' "$work/churn.out") $(grep -c ' openers=1 ' "$work/churn.out") $(grep -c '^ok$' "$work/churn.out")" "200 200 200"
wait_for nothing_left

# Children: one that says so is counted, one that does not keeps the object by its mapping.
start_client p vc0
ask p 'open shm kept create' >/dev/null
ask p 'put 0 7' >/dev/null
counted=$(ask p 'fork counted' | sed 's/^ok pid=//')
is "openers" "$(openers kept)" "vc0:2"
silent=$(ask p fork | sed 's/^ok pid=//')
is "openers with a silent child" "$(openers kept)" "vc0:2"
kill -KILL "$(job p pid)"
wait_for openers_are kept "vc0:1"
kill -KILL "$counted"
wait_for openers_are kept "-"
matches "its state" "$(vcctl ipc list)" 'kept .* inherited'
stays "its openers" 1 "-" openers kept
[ -d "/proc/$silent" ] || fail "the silent child is gone"
matches "somebody finds it" "$("$client" 'open shm kept' 'get 0')" 'ok 7'
kill -KILL "$silent"
wait_for openers_are kept gone
wait_for nothing_left
down --force
wait
