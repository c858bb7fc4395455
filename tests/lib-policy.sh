# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# lib-policy.sh - where a policy places a program, and what it can see
#
# Sourced after lib.sh.

# Where a program runs, by its cgroups.
where() { # POLICY
	vcrun --policy="$1" sh -c 'cat /proc/self/cgroup' | sed -n 's|.*/\(vc[0-9]\)/.*|\1|p' | sort -u
}

# True when a condition holds for the partitions as vcstat shows them, p.
loads() { # CONDITION
	vcstat partitions --json | python3 -c "
import json, sys
p = json.load(sys.stdin)['partitions']
sys.exit(not ($1))"
}
