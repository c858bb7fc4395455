#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-sqlite - sqlite3 inserts in a loop while it moves: no row is lost, the database is whole
#
# It lives by file locks, which must be there again after a move, and which nobody may
# take meanwhile: while an outsider has the database open the move is refused. With a
# write-ahead log it also maps a file that it locks, which CRIU cannot restore; that
# is refused too.
export VC_TEST_TIMEOUT="${VC_TEST_TIMEOUT:-900}"
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires sqlite3 python3 setpriv
up

# shellcheck disable=SC2016 # for the inner shell to expand
insert='i=0
	until [ -e "$1/stop" ]; do
		i=$((i + 1))
		echo "INSERT INTO t VALUES ($i, hex(randomblob(200)));"
		[ $((i % 50)) != 0 ] || echo $i >"$1/at"
	done | sqlite3 -bail -cmd ".timeout 20000" "$1/db"
	echo $? >"$1/status"'

more_rows() { # BEFORE
	[ "$(cat "$dir/at" 2>/dev/null)" != "$1" ]
}

# Rows keep coming. (Asking the database would need a pause between its transactions.)
gets_on() {
	[ ! -e "$dir/status" ] || fail "sqlite3 ended: $(cat "$dir/out")"
	wait_for 10 more_rows "$(cat "$dir/at" 2>/dev/null)"
}

begin() { # UID MODE [SUFFIX]
	dir=$(user_dir "$1" "sqlite-$2-$1${3:-}")
	as "$1" sqlite3 "$dir/db" "PRAGMA journal_mode=$2;
		CREATE TABLE t (i INTEGER PRIMARY KEY, x TEXT);" >/dev/null
	as "$1" vcrun --on=vc0 --name=sqlite sh -c "$insert" - "$dir" >"$dir/out" 2>&1 &
	job=$!
	wait_for 10 job_is sqlite state running
	gets_on
}

end() { # UID MODE
	touch "$dir/stop"
	wait $job || fail "the job: exit status $?"
	is "sqlite3's exit status ($(cat "$dir/out"))" "$(cat "$dir/status")" 0
	is "integrity, $2" "$(sqlite3 "$dir/db" 'PRAGMA integrity_check;')" ok
	is "gaps, $2" "$(sqlite3 "$dir/db" 'SELECT count(*) = max(i) AND min(i) = 1 FROM t;')" 1
}

insert_and_move() { # UID
	begin "$1" delete
	bounce sqlite "$1" 0.3 gets_on
	end "$1" delete
	show_moves "sqlite3, uid $1, $(cat "$dir/at") rows"
}

is_refused() { # WHAT REGEX
	try vcmove --to=vc1 sqlite
	is "$1: exit status" "$status" 1
	matches "$1" "$out" "$2"
	gets_on
}

insert_and_refuse() {
	begin 0 wal
	is_refused "a lock on a mapped file" 'pid [0-9]+ \(sqlite3\): .*lock on .*/db-shm.*mapped'
	end 0 wal
	begin 0 delete -watched
	# A lock is held by then for most of the time, though not all of it.
	exec 9<"$dir/db"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		try vcmove --quiet --policy=notparent sqlite
		[ "$status" -eq 0 ] || break
	done
	matches "a locked file that an outsider has open" "$out" \
		'lock on .*/db,? which pid [0-9]+ \(.*\) outside'
	exec 9<&-
	end 0 delete
}

insert_and_move 0
insert_and_move "$nobody"
insert_and_refuse
