#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# mariadb - a server under sysbench: no error, and the tables are consistent
#
# Its settings are the default ones but for one: a job with an io_uring is refused, so the server
# does its I/O as it does where the kernel has no io_uring.
export VC_TEST_TIMEOUT="${VC_TEST_TIMEOUT:-1500}"
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
		--tables=2 --table-size=2000 --threads=4 --time=$((moves * 3 + 10)) "$1"
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
	wait_for 60 sql 'SELECT 1'
	sql 'CREATE DATABASE test; GRANT ALL ON test.* TO root@localhost'
	bench prepare >/dev/null
	bench run >"$work/sysbench.out" 2>&1 &
	client=$!
	bounce mariadb "$uid" 0.3 alive $client
	wait $client || fail "sysbench: exit status $?: $(tail -n 5 "$work/sysbench.out")"
	matches "reconnects" "$(cat "$work/sysbench.out")" 'reconnects: +0 '
	for table in sbtest1 sbtest2; do
		matches "CHECK TABLE $table" "$(sql "CHECK TABLE test.$table EXTENDED")" 'OK$'
		is "rows of $table" "$(sql "SELECT COUNT(*) FROM test.$table")" 2000
	done
	mariadb-admin --no-defaults -S "$dir/socket" -u root shutdown
	wait $server || fail "mariadbd: exit status $?: $(tail -n 5 "$work/mariadb.err")"
	show_moves "MariaDB under sysbench, uid $uid, $(sed -n 's/.*transactions: *\([0-9]*\).*/\1/p' \
		"$work/sysbench.out") transactions"
	rm -rf "$dir"
done
