#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# policy-shared - partitions that share CPUs are told apart by their own share of them, and events go by it
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-shape.sh"
requires python3
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"

for partition in a b c; do
	printf 'partition %s {\n\tcpus = "0-1"\n\tmemory = "128M"\n\texclusive = false\n}\n' $partition
done >"$work/three.conf"
cat >>"$work/three.conf" <<'END'
event own {
	when = "b.cpu > 8% for 1s"
	after b {
		memory = "192M"
	}
}
event anybody {
	when = "b.cpus > 30% for 1s"
	after c {
		memory = "192M"
	}
}
END
up --config="$work/three.conf"

where() { # POLICY
	vcrun --policy="$1" cat /proc/self/cgroup | sed -n 's|.*/\([abc]\)/job-.*|\1|p' | sort -u
}
limit_is() { # PARTITION MIB
	[ "$(limit_of "$1")" = $(($2 << 20)) ]
}
loads() { # CONDITION
	vcstat partitions --json | json "(lambda p: $1)({p['name']: p for p in d['partitions']})" | grep -qx True
}

# Two hogs: in a, and in none at all. All partitions' CPUs are busy alike.
vcrun --on=a --name=hog sha256sum /dev/zero &
sha256sum /dev/zero &
stranger=$!
trap 'kill $stranger 2>/dev/null || :' EXIT
wait_for loads "p['a']['jobs_cpu_pct'] > 10 and p['b']['cpu_pct'] > 60"
# An event by what the CPUs do, whoever uses them, comes; one by b's own work does not.
wait_for limit_is c 192
is "the limit of b, which does nothing" "$(limit_of b)" $((128 << 20))
# What the programs that ask use themselves is waited out. An answer counts if the condition still holds
# behind it.
answers() { # POLICY CONDITION REGEX
	asked=0
	while [ $asked -lt 5 ]; do
		wait_for loads "$2"
		got=$(where "$1")
		loads "$2" || continue
		matches "$1 while $2" "$got" "$3"
		asked=$((asked + 1))
	done
}
for policy in leastcpu notparent; do
	answers $policy "p['a']['jobs_cpu_pct'] > 4 + max(p['b']['jobs_cpu_pct'], p['c']['jobs_cpu_pct'])" '^[bc]$'
done
# Not even when a has fewer threads that wait at the moment, since it is its share that counts.
vcrun --on=b --name=work sha256sum /dev/zero &
wait_for loads "p['b']['jobs_cpu_pct'] > 10"
wait_for limit_is b 192
answers leastcpu "min(p['a']['jobs_cpu_pct'], p['b']['jobs_cpu_pct']) > 4 + p['c']['jobs_cpu_pct']" '^c$'
kill $stranger
down --force
wait
