#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy-parent - a move to, or away from, the partition of a job's parent process, wherever that is
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

for partition in a:0 b:1 c:0-1; do
	printf 'partition %s {\n\tcpus = "%s"\n\texclusive = false\n}\n' \
		"${partition%:*}" "${partition#*:}"
done >"$work/three.conf"
up --config="$work/three.conf"

# By the kernel's word.
where() { # NAME
	sed -n 's|.*/\([abc]\)/job-.*|\1|p' "/proc/$(job "$1" pid)/cgroup" | sort -u
}
# The policy has it stay where it is.
stays() { # NAME POLICY
	here=$(where "$1")
	try vcmove --policy="$2" "$1"
	is "$1, $2: status, $out" "$status" 0
	matches "$1, $2" "$out" "stays in $here: the policy wants it where it is"
	is "$1, $2: where" "$(where "$1")" "$here"
	is "$1, $2: in JSON" "$(vcmove --json --policy="$2" "$1" | json "d['result'], d['from'], d['to']")" \
		"stays $here $here"
	is "$1, $2: an estimate" "$(vcmove --estimate --policy="$2" "$1")" "$out"
}
goes_to() { # NAME PARTITION
	[ "$(where "$1")" = "$2" ] || vcmove --quiet --to="$2" "$1" || fail "$1 was not moved to $2"
}
moves_to() { # NAME POLICY REGEX
	try vcmove --quiet --policy="$2" "$1"
	is "$1, $2: status, $out" "$status" 0
	matches "$1, $2: where" "$(where "$1")" "^$3\$"
}

# Of a caller outside of all partitions: the first one is its, and none has to be avoided.
vcrun --detach --on=b --name=orphan sleep 1000 >/dev/null
is "the parent of a job from outside" "$(job orphan parent) $(job orphan parent_job)" "None None"
matches "in the table" "$(vcstat jobs | tr -s ' ')" ' orphan .* - sleep 1000$'
vcctl kill --signal=STOP orphan >/dev/null
moves_to orphan notparent '[ac]'
goes_to orphan c
moves_to orphan parent a
stays orphan parent
moves_to orphan notparent '[bc]'

vcrun --detach --on=a --name=parent sh -c 'vcrun --detach --on=b --name=child sleep 1000; sleep 1000' >/dev/null
wait_for job_is child state running
parent=$(job parent id)
is "the parent" "$(job child parent) $(job child parent_job)" "a $parent"
matches "in the table" "$(vcstat jobs | tr -s ' ')" ' child .* a sleep 1000$'
moves_to child parent a
stays child parent
moves_to child notparent '[bc]'
moves_to child notparent '[bc]'

# It follows the parent, which a daemon that starts anew knows too, and one to which the child moves.
goes_to parent c
is "the parent has moved" "$(job child parent)" c
moves_to child parent c
moves_to child notparent '[ab]'
daemon=$(vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == '$(where child)'][0]")
kill -KILL "$daemon"
vcctl up >"$work/up.out" || fail "up: $(cat "$work/up.out")"
wait_for job_is child parent c
is "the parent's job" "$(job child parent_job)" "$parent"
moves_to child parent c

# Another job's note takes the place of its own, and the daemon writes it again.
python3 - "$state/board" "$parent" 2 <<'END'
import sys
board = bytearray(open(sys.argv[1], "rb").read())
note = (int(sys.argv[2]) << 32 | int(sys.argv[3]) + 1).to_bytes(8, "little")
if board.count(note) != 1:
    sys.exit(f"the note is there {board.count(note)} times")
with open(sys.argv[1], "r+b") as file:
    file.seek(board.find(note))
    file.write((int(sys.argv[2]) + 8192 << 32 | 1).to_bytes(8, "little"))
END
wait_for job_is child parent c
moves_to child notparent '[ab]'
moves_to child parent c

# Its end leaves the place where it was last.
vcctl kill --signal=KILL parent >/dev/null
wait_for sh -c "! vcstat jobs | grep -q ' parent '"
is "a parent that has ended" "$(job child parent) $(job child parent_job)" "c $parent"
moves_to child notparent '[ab]'
moves_to child parent c

# Only the parent's is left beside its own.
goes_to child b
goes_to orphan b
vcctl remove a >"$work/out" || fail "remove a: $(cat "$work/out")"
stays child notparent
moves_to child parent c

# While that is down somebody else decides, and it is said.
goes_to child b
vcctl add a --cpus=0 --cpu=shared >"$work/out" || fail "add a: $(cat "$work/out")"
kill -KILL "$(vcctl list --json | json "[p['daemon_pid'] for p in d['partitions'] if p['name'] == 'c'][0]")"
wait_for sh -c "vcstat partitions | grep -q '^c *down'"
try vcmove --policy=parent child
matches "its parent's is down" "$out" "'parent' finds no partition fit; leastcpu decides instead"
is "its parent's is down" "$(where child)" a
vcctl up >"$work/up.out" || fail "up: $(cat "$work/up.out")"
down --force
