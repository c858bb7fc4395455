#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# set - a partition is given other CPUs and another size while its job runs; what cannot be is refused
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"

two_conf 256M 128M 100 true
up --config="$work/two.conf"
holder a 60
is "CPUs of the job" "$(holder_cpus a)" 0

# Page cache goes, what is in use stays.
vcrun --on=a sh -c 'head -c 100M /dev/zero >cache; cat cache >/dev/null'
vcctl set a --memory=100M >"$work/set.out" || fail "set a --memory=100M: $(cat "$work/set.out")"
is "limit of a, as the kernel has it" "$(limit_of a)" $((100 << 20))
is "memory of a, as listed" "$(vcctl list --json | json "d['partitions'][0]['memory_bytes']")" $((100 << 20))
wait_for sh -c "[ \"\$(vcstat partitions --json | grep -c '\"mem_limit_bytes\": $((100 << 20))')\" = 1 ]"

# Both swap their CPUs, with the job in one of them.
try vcctl set a --cpus=1
is "a CPU that is another's own" "$status" 1
matches "a CPU that is another's own" "$out" 'a \(CPUs 1\).*b \(CPUs 1\)'
vcctl set b --cpus=0,1 --cpu=shared >"$work/set.out" || fail "set b: $(cat "$work/set.out")"
vcctl set a --cpus=1 >"$work/set.out" || fail "set a: $(cat "$work/set.out")"
vcctl set b --cpus=0 --cpu=dedicated >"$work/set.out" || fail "set b: $(cat "$work/set.out")"
is "CPUs of the job" "$(holder_cpus a)" 1
is "CPUs of a new one" "$(vcrun --on=a grep Cpus_allowed_list /proc/self/status | tr -cd 0-9,-)" 1
is "CPUs of one in b" "$(vcrun --on=b grep Cpus_allowed_list /proc/self/status | tr -cd 0-9,-)" 0

# Below what is in use: refused within the deadline, with everything as it was. Swap, if the
# machine has any, is no way out for fixed memory.
before=$(shape)
began=$(msec)
try vcctl set a --memory=40M --memory-mode=fixed --cpus=0,1 --cpu=shared --deadline=1
took=$(($(msec) - began))
is "exit status below what is in use" "$status" 1
matches "below what is in use" "$out" 'nothing has changed: partition a: [0-9]+ MiB are in use'
at_least "milliseconds until refused" $took 1000
in_time "until refused" $took 3000
is "the shape after a refusal" "$(shape)" "$before"
holder_is_well a

# Fixed and back.
vcctl set a --memory-mode=fixed >"$work/set.out" || fail "fixed: $(cat "$work/set.out")"
is "mode" "$(vcctl list --json | json "d['partitions'][0]['memory_mode']")" fixed
is "whether the kernel swaps it" "$(swaps a)" no
is "whether it swaps the job" "$(swaps "a/job-$(job holder-a id)")" no
try vcctl set a --memory=max
is "fixed without a size" "$status" 1
vcctl set a --memory-mode=pageable >"$work/set.out" || fail "pageable: $(cat "$work/set.out")"
is "whether the kernel swaps it" "$(swaps a)" yes

for wrong in --cpus=4000 --memory=1X --memory=4000T --cpu=mine --memory-mode=hard --mems=77; do
	try vcctl set a $wrong
	is "exit status of set $wrong" "$status" 1
	matches "set $wrong" "$out" '^vcctl: .+'
done
try vcctl set nobody --memory=1G
matches "a partition that is not there" "$out" "no partition 'nobody'"
try vcctl set a
is "set without anything to set" "$status" 2
before=$(shape)
# What was obtained is shown, and not what was asked for: a limit is whole pages, and on v1 no CPU
# is kept from the rest of the system.
vcctl set a --memory=100000001 >"$work/set.out" || fail "set a: $(cat "$work/set.out")"
limit=$(vcstat --json | json "[p for p in d['partitions'] if p['name'] == 'a'][0]['mem_limit_bytes']")
is "its limit in pages" $((limit % 4096)) 0
held=$(vcstat --json | json "[p for p in d['partitions'] if p['name'] == 'a'][0]['exclusive']")
matches "what was obtained" "$(grep '^a ' "$work/set.out")" "-> .* $held "
vcctl set a --memory=100M >"$work/set.out"
vcctl set a --memory=1G --dry-run >"$work/set.out"
matches "a dry run" "$(cat "$work/set.out")" 'a .*100M.*->.*1G'
is "the shape after a dry run" "$(shape)" "$before"
holder_is_well a
holder_ends a
down --force
