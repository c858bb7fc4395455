#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# overcommit - partitions do not get more memory in all than there is, unless that is configured
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

machine=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
most=$((machine * 6 / 10)) less=$((machine * 3 / 10))

conf() { # MIB_OF_A MIB_OF_B [OPTION_LINE [LINE_IN_PARTITION]]
	printf 'exclusive = false %s\n' "${3:-}"
	printf 'partition a {\n\tcpus = "0"\n\tmemory = "%sM"\n\t%s\n}\n' "$1" "${4:-}"
	printf 'partition b {\n\tcpus = "1"\n\tmemory = "%sM"\n\t%s\n}\n' "$2" "${4:-}"
}
refused() { # REGEX COMMAND...
	regex=$1
	shift
	try "$@"
	is "status of: $*: $out" "$status" 1
	matches "$*" "$out" "$regex"
}
too_much='the partitions would have .* in all; the machine has .*: give less, or set overcommit = true'

conf $most $most >"$work/much.conf"
refused "much.conf:9: partition \"b\": $too_much" vcctl up --config="$work/much.conf"
[ ! -e "$state/instance.json" ] || fail "an instance is there"

conf $less $less >"$work/fits.conf"
up --config="$work/fits.conf"
before=$(shape)
refused "$too_much" vcctl set a --memory=$((machine * 8 / 10))M
refused "$too_much" vcctl set a --memory=$((machine * 8 / 10))M --dry-run
refused "$too_much" vcctl set a --memory=9999999G
refused "$too_much" vcctl add c --cpus=1 --cpu=shared --memory=${most}M
is "what partitions have" "$(shape)" "$before"
vcctl set a --memory=${most}M >"$work/out" || fail "set to what fits: $(cat "$work/out")"
# No size is no claim to any.
vcctl add c --cpus=1 --cpu=shared >"$work/out" || fail "add: $(cat "$work/out")"
vcctl set b --memory=max >"$work/out" || fail "set to max: $(cat "$work/out")"
refused "$too_much" vcctl set c --memory=${most}M
down

conf $most $most 'overcommit = true' >"$work/over.conf"
cat >>"$work/over.conf" <<END
event grow {
	after a {
		memory = "$((machine * 8 / 10))M"
	}
}
END
up --config="$work/over.conf"
is "the limit of b" "$(limit_of b)" $((most << 20))
vcctl set b --memory=$((machine * 7 / 10))M >"$work/out" || fail "set: $(cat "$work/out")"
vcctl add c --cpus=1 --cpu=shared --memory=${most}M >"$work/out" || fail "add: $(cat "$work/out")"
vcctl event fire grow >"$work/out" || fail "fire: $(cat "$work/out")"
# A daemon that starts anew knows it as well, and what is guaranteed must be there.
refused 'would have .* of fixed memory in all; the machine has .*, and cannot guarantee more' \
	sh -c 'vcctl set a --memory-mode=fixed && vcctl set b --memory-mode=fixed'
down
conf $most $most 'overcommit = true' 'memory-mode = "fixed"' >"$work/fixed.conf"
refused 'fixed.conf:9: .*cannot guarantee more' vcctl up --config="$work/fixed.conf"
