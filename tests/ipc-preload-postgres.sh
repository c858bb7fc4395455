#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-preload-postgres - PostgreSQL on mapped memory loses no transaction
#
# Server and pgbench are one job, of a user who is not root, and talk through a Unix socket in it.
# The server's memory is System V's. VC_PGBENCH_MOVES: how often the job is moved while pgbench works.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv
pg=$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort | tail -n 1)
[ -n "$pg" ] || skip "PostgreSQL is not installed"
pg=${pg%/initdb}
up
dir=$(user_dir $nobody pg)
cp "$top_builddir/.libs/libvcipc-preload.so" "$work/"

cat >"$dir/run.sh" <<END
set -e
PATH=$pg:\$PATH
cd "$dir"
initdb -D data --auth=trust --no-sync >initdb.log 2>&1
pg_ctl -D data -l server.log -w start >/dev/null -o "-c listen_addresses='' -c fsync=off \
	-c unix_socket_directories='$dir' -c shared_memory_type=sysv"
pgbench -h "$dir" -i -s 2 postgres >init.log 2>&1
touch begun
until [ -e moved ]; do
	pgbench -h "$dir" -n -c 4 -j 2 -T 3 postgres >>bench.log 2>&1
done
psql -h "$dir" -At -c 'SELECT count(*) FROM pgbench_history' postgres >history
psql -h "$dir" -At -c 'SELECT sum(abalance) FROM pgbench_accounts' postgres >accounts
psql -h "$dir" -At -c 'SELECT sum(delta) FROM pgbench_history' postgres >deltas
pg_ctl -D data -w stop >/dev/null
END
as_user $nobody env VCRUN_PRELOAD="$work/libvcipc-preload.so" vcrun --ipc=map --on=vc0 \
	--name=postgres sh "$dir/run.sh" >"$work/out" 2>&1 &
job=$!

logs() {
	# The last lines of each show why the benchmark failed.
	tail -n 8 "$work/out" "$dir"/*.log 2>/dev/null
}

begun_or_ended() { [ -e "$dir/begun" ] || ! alive $job; }
wait_for begun_or_ended
[ -e "$dir/begun" ] || fail "the job ended before pgbench began: $(logs)"
matches "segments" "$(vcctl ipc list --kind=sysv-shm)" '^sysv-shm '
sleep 1
moves=${VC_PGBENCH_MOVES:-$moves} moved=0
for _ in $(seq "$moves"); do
	alive $job || fail "the job has ended: $(logs)"
	try vcmove --quiet --policy=notparent postgres
	[ "$status" -ne 0 ] || moved=$((moved + 1))
	[ "$status" -eq 0 ] || say "$out"
	sleep 0.5
done
: >"$dir/moved"
wait $job || fail "exit status $?: $(logs)"
at_least "moves" $moved $((moves / 2))
done=$(awk '/^number of transactions actually processed:/ { n += $6 } END { print n + 0 }' \
	"$dir/bench.log")
at_least "transactions" "$done" 100
is "rows of history" "$(cat "$dir/history")" "$done"
is "sum of balances" "$(cat "$dir/accounts")" "$(cat "$dir/deltas")"
is "rounds with failed transactions" \
	"$(grep -c '^number of failed transactions: [1-9]' "$dir/bench.log" || :)" 0
no_segments() { [ "$(vcctl ipc list --kind=sysv-shm --json | json "len(d['ipc'])")" = 0 ]; }
wait_for no_segments
[ "$moves" -eq 0 ] || show_moves "PostgreSQL"
say "$done transactions"
