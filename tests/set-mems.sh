#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# set-mems - a partition is given other memory nodes, to and fro, while its job does direct and
# asynchronous I/O: every page is there afterwards, and every byte what it was
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3
case $(cat /sys/devices/system/node/has_memory 2>/dev/null) in
*[,-]*) ;;
*) skip "this machine has one memory node" ;;
esac

sets=10
cat >"$work/one.conf" <<'END'
exclusive = false
partition a {
	cpus = "0"
	mems = "0"
	memory = "256M"
}
END
up --config="$work/one.conf"
cp "$top_builddir/tests/io-victim" "$work/victim"
mkfifo "$work/in"
vcrun --on=a --name=victim "$work/victim" 64 /var/tmp <"$work/in" >"$work/out" 2>&1 &
waiting=$!
exec 3>"$work/in"

answers() {
	[ "$(wc -l <"$work/out")" -ge "$1" ]
}

# All pages are on the node, and all that was written is as it was.
answered=0 worst=0
look() { # NODE WHEN
	echo "$1" >&3
	answered=$((answered + 1))
	wait_for answers $answered
	tail -n 1 "$work/out" >"$work/answer"
	read -r pages elsewhere wrong turns longest <"$work/answer"
	say "$2: $pages pages, $turns turns, the longest $longest ms"
	is "$2: pages on other nodes than $1" "$elsewhere" 0
	is "$2: words found wrong" "$wrong" 0
	at_least "$2: turns under I/O meanwhile" "$turns" 1
	[ $answered -eq 1 ] || [ "$longest" -le "$worst" ] || worst=$longest
}

# Its stack and heap too, as the kernel tells it to others.
anonymous_elsewhere() { # NODE
	grep -v ' file=' "/proc/$(job victim pid)/numa_maps" | grep -Eo ' N[0-9]+=[0-9]+' | grep -v " N$1=" || :
}

look 0 "at first"
for i in $(seq $sets); do
	node=$((i % 2))
	began=$(msec)
	vcctl set a --mems="$node" >"$work/set.out" || fail "set a --mems=$node: $(cat "$work/set.out")"
	took=$(($(msec) - began))
	! grep '^note:' "$work/set.out" || fail "pages have stayed behind"
	look "$node" "set $i, to node $node in $took ms"
	is "set $i: anonymous pages on other nodes" "$(anonymous_elsewhere "$node")" ''
done

# Without time to wait for the pipe, some stay; that is told, and the same command moves them.
stayed=no
for i in $(seq 20); do
	node=$((i % 2))
	vcctl set a --mems="$node" --deadline=0 >"$work/set.out" || fail "set a --mems=$node: $(cat "$work/set.out")"
	! grep '^note: .* still on other nodes' "$work/set.out" || { stayed=yes; break; }
	sleep 0.3
done
is "whether a set without time has left pages behind" "$stayed" yes
vcctl set a --mems="$node" >"$work/set.out" || fail "set a --mems=$node again: $(cat "$work/set.out")"
matches "the same set again" "$(cat "$work/set.out")" '^nothing to change'
look "$node" "set again"
exec 3>&-
status=0
wait $waiting || status=$?
is "exit status of the job" "$status" 0
say "longest pause of the job in $sets sets: $worst ms"
down
