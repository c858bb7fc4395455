#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-servers - vcbench lock measures the servers that are installed and names the others
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "this machine has one CPU"

servers() { # WORKS; a line "NAME state" for each: the rate's rounds in all ways, or the reason for none
	"$run" vcbench --quick --rounds=1 --works="$1" --json="$work/servers.json" \
		--report="$work/page.html" lock >"$work/out" 2>&1 &
	bench=$!
	wait $bench || fail "vcbench lock: $(cat "$work/out")"
	is "what is left in memory" "$(find /dev/shm -maxdepth 1 -name "vcbench-$bench-*")" ""
	json "'\\n'.join(w['work'] + ' ' + w.get('unavailable', ' '.join(sorted('%s%d:%d' % (
		c['config'], c['domains'], c['rate']['n'] and c['rate']['center'] > 0 and
		c['p50_usec']['center'] <= c['p99_usec']['center']) for c in w['cells']
		if c['config'] != 'pinned' and c['domains'] < 3))) for w in d['lock']['works'])" \
		<"$work/servers.json" >"$work/servers"
}

state() { # NAME
	sed -n "s/^$1 //p" "$work/servers"
}

servers redis,memcached,postgres
all='one1:1 split2:1 taskset2:1 vcrun1:1 vcrun2:1'
for name in redis memcached postgres; do
	case $(state $name) in
	*'not installed') say "$name: $(state $name)" ;;
	*) is "$name" "$(state $name)" "$all" ;;
	esac
done

# A server that does not run counts as not installed. The page and the table say so, and the other
# works are measured.
mkdir "$work/broken"
printf '#!/bin/sh\nexit 1\n' >"$work/broken/memcached"
chmod +x "$work/broken/memcached"
before=$(state redis)
PATH="$work/broken:$PATH"
servers redis,memcached,futex
is "memcached that does not run" "$(state memcached)" "memcached is not installed"
is "redis beside it" "$(state redis)" "$before"
matches "the page" "$(cat "$work/page.html")" 'Not measured, or not to the end: .*memcached is not installed'
matches "the table" "$(cat "$work/out")" '^memcached: not measured: memcached is not installed'
