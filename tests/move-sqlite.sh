#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-sqlite - sqlite3 inserts in a loop while it moves: no row is lost, the database is whole
#
# It lives by file locks, which must be there again after a move, and which nobody may
# take meanwhile: while an outsider has the database open the move is refused. With a
# write-ahead log it also maps a file that it locks; there three processes write.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires sqlite3 python3 setpriv
up

# shellcheck disable=SC2016 # for the inner shell to expand
insert='i=0
	until [ -e "$1/stop" ]; do
		i=$((i + 1))
		echo "INSERT INTO t VALUES ($i, hex(randomblob(200)));"
		[ $((i % 10)) != 0 ] || echo $i >"$1/at"
	done | sqlite3 -bail -cmd ".timeout 20000" "$1/db"
	echo $? >"$1/status"'

more_rows() { # BEFORE
	[ "$(cat "$dir/at" 2>/dev/null)" != "$1" ]
}

# Rows keep coming. (Asking the database would need a pause between its transactions.)
gets_on() {
	[ ! -e "$dir/status" ] || fail "sqlite3 ended: $(cat "$dir/out")"
	wait_for more_rows "$(cat "$dir/at" 2>/dev/null)"
}

begin() { # UID MODE [SUFFIX]
	dir=$(user_dir "$1" "sqlite-$2-$1${3:-}")
	as "$1" sqlite3 "$dir/db" "PRAGMA journal_mode=$2;
		CREATE TABLE t (i INTEGER PRIMARY KEY, x TEXT);" >/dev/null
	as "$1" vcrun --on=vc0 --name=sqlite sh -c "$insert" - "$dir" >"$dir/out" 2>&1 &
	job=$!
	wait_for job_is sqlite state running
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

# Three processes write to one database with a write-ahead log, in transactions of a few rows, each
# of which reads what is there first.
cat >"$work/wal.py" <<'END'
import os, sqlite3, sys, time
where, writer = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(where + "/db", timeout=30, isolation_level=None)
n = 0
while not os.path.exists(where + "/stop"):
    db.execute("BEGIN IMMEDIATE")
    (latest,) = db.execute("SELECT coalesce(max(n), 0) FROM t WHERE writer = ?", (writer,)).fetchone()
    if latest != n:
        sys.exit(f"writer {writer}: {latest} rows are there, {n} were written")
    for _ in range(5):
        n += 1
        db.execute("INSERT INTO t VALUES (?, ?, hex(randomblob(100)))", (writer, n))
    db.execute("COMMIT")
    with open(f"{where}/at.{writer}", "w") as f:
        f.write(str(n))
    time.sleep(0.001)
END

written_since() { # BEFORE
	[ "$(cat "$dir/at.$writer" 2>/dev/null)" != "$1" ]
}

all_get_on() {
	for writer in 1 2 3; do
		wait_for written_since "$(cat "$dir/at.$writer" 2>/dev/null)"
	done
}

write_ahead_and_move() { # UID
	dir=$(user_dir "$1" "sqlite-wal-$1")
	as "$1" sqlite3 "$dir/db" "PRAGMA journal_mode=wal; CREATE TABLE t (writer, n, x);" >/dev/null
	# shellcheck disable=SC2016 # for the inner shell to expand
	as "$1" vcrun --on=vc0 --name=wal sh -c 'for writer in 1 2 3; do
			python3 "$1" "$2" $writer || echo failed &
		done
		wait' - "$work/wal.py" "$dir" >"$dir/out" 2>&1 &
	job=$!
	all_get_on
	bounce wal "$1" 0.1 all_get_on
	touch "$dir/stop"
	wait $job || fail "the job: exit status $?"
	is "what the writers said" "$(cat "$dir/out")" ""
	is "integrity" "$(sqlite3 "$dir/db" 'PRAGMA integrity_check;')" ok
	is "rows" "$(sqlite3 "$dir/db" 'SELECT sum(n) FROM (SELECT max(n) AS n FROM t GROUP BY writer);')" \
		"$(sqlite3 "$dir/db" 'SELECT count(*) FROM t;')"
	show_moves "three writers with a write-ahead log, uid $1, $(cat "$dir/at.1") rows of the first"
}

insert_and_refuse() {
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
write_ahead_and_move 0
write_ahead_and_move "$nobody"
insert_and_refuse
