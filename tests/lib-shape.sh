# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154 # lib.sh sets work and state
# lib-shape.sh - what the tests that change partitions share: the kernel's view of them,
# and a job that notices what becomes of its memory and its time

# The file $work/two.conf: two partitions of a CPU each, not dedicated unless told: other tests run too.
two_conf() { # MEMORY_OF_A MEMORY_OF_B [SAMPLE_INTERVAL_MSEC [EXCLUSIVE]]
	requires python3
	[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
	cat >"$work/two.conf" <<-END
	sample-interval-msec = ${3:-100}
	exclusive = ${4:-false}
	partition a {
		cpus = "0"
		memory = "$1"
	}
	partition b {
		cpus = "1"
		memory = "$2"
	}
	END
}

# The group of a controller, in the hierarchy that has it.
group_of() { # CONTROLLER PATH
	sed -n 's/.*"cgroup-base": "\(.*\)".*/\1/p' "$state/instance.json" | tr ';' '\n' |
		awk -F'|' -v c="$1" -v path="$2" '("," $1 ",") ~ ("," c ",") { print $3 "/" $4 "/" path }'
}

# All processes in a group and below, in all hierarchies.
group_members() { # PATH
	sed -n 's/.*"cgroup-base": "\(.*\)".*/\1/p' "$state/instance.json" | tr ';' '\n' |
		awk -F'|' -v path="$1" '{ print $3 "/" $4 "/" path }' | while read -r group; do
		find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null || :
	done | sort -u
}

first_of() { # FILE...
	for file in "$@"; do
		[ ! -e "$file" ] || { cat "$file"; return; }
	done
	fail "none of these is there: $*"
}

# As the kernel has it, in bytes.
limit_of() { # PATH
	dir=$(group_of memory "$1")
	first_of "$dir/memory.max" "$dir/memory.limit_in_bytes"
}

used_by() { # PATH
	dir=$(group_of memory "$1")
	first_of "$dir/memory.current" "$dir/memory.usage_in_bytes"
}

group_cpus() { # PATH
	first_of "$(group_of cpuset "$1")/cpuset.cpus"
}

# On v2 the limit of a group above counts too.
swaps() { # PATH
	dir=$(group_of memory "$1")
	case $(first_of "$dir/memory.swap.max" "$dir/memory.swappiness") in
	0) echo no ;;
	max) if [ "${1%/*}" != "$1" ]; then swaps "${1%/*}"; else echo yes; fi ;;
	*) echo yes ;;
	esac
}

# All that a change could change, in the kernel and in our own files.
shape() {
	for partition in $(vcctl list --json | json "' '.join(p['name'] for p in d['partitions'])"); do
		dir=$(group_of memory "$partition")
		echo "$partition $(limit_of "$partition") $(group_cpus "$partition")" \
			"$(swaps "$partition")" \
			"$(cat "$(group_of cpuset "$partition")"/cpuset.cpu_exclusive 2>/dev/null)" \
			"$(cat "$dir/memory.oom_control" "$dir/memory.high" "$dir/memory.min" 2>/dev/null | grep -v oom_kill\ )"
	done
	vcctl list --json | grep -v daemon_pid
}

# From the next command on, who changes partitions is killed at the beginning of a step: the one named in
# $KILL_AT, or in the file $work/hook.at, once.
kill_at_steps() {
	cat >"$work/hook" <<-'END'
	#!/bin/sh
	[ "$1" = "${KILL_AT:-$(cat "$0.at" 2>/dev/null)}" ] || exit 0
	rm -f "$0.at" # who puts things right comes here too
	kill -KILL $PPID
	END
	chmod 755 "$work/hook"
	export VCRUN_RESHAPE_HOOK="$work/hook"
}

# A job, one a partition, that fills so many MiB with a pattern, goes through them again and again, and notes
# the longest time in which it did not run. It ends, saying so, when told.
holder() { # PARTITION MIB
	cat >"$work/holder.py" <<'END'
import os, sys, time
name, size = sys.argv[1], int(sys.argv[2]) << 20
pages = size // 4096
page = [bytes([i]) * 4096 for i in range(256)]
memory = bytearray(b"".join(page[i % 256] for i in range(pages)))
open(name + ".ready", "w").close()
worst, rounds, wrong, i = 0.0, 0, 0, 0
last = time.monotonic()
while not os.path.exists(name + ".stop"):
    for _ in range(64):
        wrong += memory[i * 4096:(i + 1) * 4096] != page[i % 256]
        i = (i + 1) % pages
    rounds += 1
    now = time.monotonic()
    worst = max(worst, now - last)
    last = now
    if rounds % 16 == 0:
        time.sleep(0.001)
        last = time.monotonic()
print(wrong, rounds > 10, int(worst * 1000))
END
	vcrun --on="$1" --name="holder-$1" python3 "$work/holder.py" "$work/holder-$1" "$2" >"$work/holder-$1.out" &
	echo $! >"$work/holder-$1.child"
	wait_for test -e "$work/holder-$1.ready"
	job "holder-$1" pid >"$work/holder-$1.pid"
}

holder_cpus() { # PARTITION
	sed -n 's/^Cpus_allowed_list:[ \t]*//p' "/proc/$(cat "$work/holder-$1.pid")/status"
}

holder_is_well() { # PARTITION
	[ -d "/proc/$(cat "$work/holder-$1.pid")" ] || fail "the job in $1 is gone"
}

# Its longest pause is then in $pause.
holder_ends() { # PARTITION
	touch "$work/holder-$1.stop"
	wait "$(cat "$work/holder-$1.child")" || fail "the job in $1 ended with $?"
	# shellcheck disable=SC2034 # the tests look at it
	read -r wrong ran pause <"$work/holder-$1.out"
	is "pages found changed in $1" "$wrong" 0
	is "whether the job in $1 ran" "$ran" True
}
