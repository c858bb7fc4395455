#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# reserve - vcctl check and vcstat say what was obtained of CPUs and memory, as the kernel has it
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"

two_conf 64M 64M 100 true
cat >>"$work/two.conf" <<'END'
partition c {
	cpus = "1"
	memory = "32M"
	exclusive = false
}
END
# In the first partition.
sed -i '0,/memory = /s//memory-mode = "fixed"\n\tmemory = /' "$work/two.conf"
up --config="$work/two.conf"

# Whether none of the others has a CPU of it; there are but 0 and 1.
alone() { # PARTITION
	for other in a b c; do
		case "$other $(group_cpus "$1") $(group_cpus $other)" in
		"$1 "* | *" 0 1" | *" 1 0") ;;
		*) return 1 ;;
		esac
	done
}
# By the kernel's own files.
obtained() { # PARTITION
	memory=$(group_of memory "$1")
	case $(cat "$(group_of cpuset "$1")/cpuset.cpus.partition" 2>/dev/null || echo v1) in
	root | isolated) printf 'dedicated ' ;;
	*) if alone "$1"; then printf 'advisory '; else printf 'shared '; fi ;;
	esac
	if [ "$(cat "$memory/memory.min" 2>/dev/null || echo 0)" != 0 ]; then
		echo fixed
	elif [ "$(swaps "$1")" = no ]; then
		echo unswapped
	else
		echo pageable
	fi
}
told() { # PARTITION
	vcstat partitions --json | json "[p['exclusive'] + ' ' + p['memory_held'] for p in d['partitions'] if p['name'] == '$1'][0]"
}
told_right() { # PARTITION
	[ "$(told "$1")" = "$(obtained "$1")" ]
}
for partition in a b c; do
	wait_for told_right $partition
done
vcctl check --json >"$work/check" || fail "check: $(cat "$work/check")"
found() { # CHECK
	json "[c['verdict'] + ': ' + c['found'] for c in d['checks'] if c['check'] == '$1'][0]" <"$work/check"
}
case $(obtained a) in
"dedicated fixed")
	is "of a" "$(found a)" "ok: CPUs 0: dedicated; memory 64M: fixed"
	matches "of memory" "$(found fixed)" '^ok: .*memory.min'
	;;
*)
	matches "of a" "$(found a)" '^warn: CPUs 0: advisory, not dedicated as asked; memory 64M: unswapped, not fixed as asked$'
	matches "of CPUs" "$(found exclusive)" '^warn: CPUs are advisory'
	matches "of memory" "$(found fixed)" '^warn: .*not guaranteed'
	;;
esac
is "of c, which asks for nothing" "$(found c)" "ok: CPUs 1: shared; memory 32M: pageable"

# What changes is told anew.
vcctl set c --cpus=0,1 --memory-mode=fixed >"$work/out" || fail "set c: $(cat "$work/out")"
vcctl set a --memory-mode=pageable >"$work/out" || fail "set a: $(cat "$work/out")"
for partition in a b c; do
	wait_for told_right $partition
done
matches "of a then" "$(told a)" 'pageable$'
matches "of c then" "$(told c)" '(fixed|unswapped)$'
down --force
