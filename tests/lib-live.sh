# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2154 # shared with lib.sh and the tests
# lib-live.sh - what the tests of the live engine share
#
# Sourced after lib.sh.

# The directories of a job's groups in a partition, one for each hierarchy.
job_groups() { # PARTITION JOB
	while read -r base; do
		find "$base" -type d -path "*/$1/job-$2" 2>/dev/null
	done <"$work/groups" | sort -u
}

# How many processes a job has in a partition, in any hierarchy.
processes_in() { # PARTITION JOB
	job_groups "$1" "$2" | while read -r group; do
		cat "$group/cgroup.procs" 2>/dev/null
	done | sort -u | wc -l
}

# The partitions that the groups of a process or thread are in.
groups_of() { # DIRECTORY-IN-PROC
	sed -n 's|.*/\(vc[0-9]\)/.*|\1|p' "/proc/$1/cgroup" | sort -u | tr '\n' ' '
}

# The kernel's count of what is charged to a partition, in KiB.
charged_kib() { # PARTITION
	while read -r base; do
		for file in memory.current memory.usage_in_bytes; do
			[ ! -e "$base/$1/$file" ] || echo $(($(cat "$base/$1/$file") / 1024))
		done
	done <"$work/groups" | head -n 1
}

# Moves a job to the other partition.
live_move() { # NAME
	vcmove --quiet --engine=live --policy=notparent "$1" 2>"$work/move.err" ||
		fail "$1 was not moved: $(cat "$work/move.err")"
}

last_move() { # FIELD
	tail -n 1 "$state/moves.jsonl" | json "d['$1']"
}
