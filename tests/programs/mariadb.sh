#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mariadb - a server under sysbench: no error, and the tables are consistent
#
# Its settings are the default ones but for one: a job with an io_uring is refused, so the server
# does its I/O as it does where the kernel has no io_uring.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires mariadbd mariadb-install-db mariadb sysbench python3 setpriv
up

sql() { # STATEMENT
	mariadb --no-defaults -S "$dir/socket" -u root -N -e "$1"
}

# Any error ends it but 1213: its own transactions deadlock now and then.
bench() { # COMMAND
	sysbench oltp_read_write --mysql-socket="$dir/socket" --mysql-user=root --mysql-db=test \
		--mysql-ignore-errors=1213 \
		--tables=2 --table-size=2000 --threads=4 --time=5 "$1"
}

# Works until the moves are over, however long they take.
work_on() { # FILE
	while [ ! -e "$dir/moved" ]; do
		bench run >>"$1" 2>&1 || return
	done
}

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "mariadb-$uid")
	user=$([ "$uid" = 0 ] && echo root || echo nobody)
	as "$uid" mariadb-install-db --no-defaults --user="$user" --datadir="$dir/data" \
		--auth-root-authentication-method=normal --skip-test-db >"$work/install.out" 2>&1 ||
		fail "mariadb-install-db: $(tail -n 5 "$work/install.out")"
	as "$uid" vcrun --on=vc0 --name=mariadb "$(command -v mariadbd)" --no-defaults --user="$user" \
		--datadir="$dir/data" --socket="$dir/socket" --skip-networking --innodb-use-native-aio=OFF --pid-file="$dir/pid" \
		2>"$work/mariadb.err" &
	server=$!
	wait_for sql 'SELECT 1'
	sql 'CREATE DATABASE test; GRANT ALL ON test.* TO root@localhost'
	bench prepare >/dev/null
	: >"$work/sysbench.out"
	work_on "$work/sysbench.out" &
	client=$!
	bounce mariadb "$uid" 0.3 alive $client
	: >"$dir/moved"
	wait $client || fail "sysbench: exit status $?: $(tail -n 5 "$work/sysbench.out")"
	matches "transactions" "$(cat "$work/sysbench.out")" 'transactions: +[1-9]'
	is "rounds with reconnects" "$(grep -c 'reconnects: *[1-9]' "$work/sysbench.out" || :)" 0
	for table in sbtest1 sbtest2; do
		matches "CHECK TABLE $table" "$(sql "CHECK TABLE test.$table EXTENDED")" 'OK$'
		is "rows of $table" "$(sql "SELECT COUNT(*) FROM test.$table")" 2000
	done
	mariadb-admin --no-defaults -S "$dir/socket" -u root shutdown
	wait $server || fail "mariadbd: exit status $?: $(tail -n 5 "$work/mariadb.err")"
	show_moves "MariaDB under sysbench, uid $uid, $(awk '/transactions:/ { n += $2 } END { print n }' \
		"$work/sysbench.out") transactions"
	rm -rf "$dir"
done
