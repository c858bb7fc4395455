#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# completion.sh - completion offers what there is: options, policies, partitions, jobs, programs
# shellcheck disable=SC2317 # functions called by the trap and by the completion
set -euo pipefail

framework=/usr/share/bash-completion/bash_completion
[ -r "$framework" ] || { echo "skipped: bash-completion is not installed"; exit 77; }
top_srcdir=$(CDPATH='' cd -- "${top_srcdir:-.}" && pwd)
export VCRUN_BUILD=${top_builddir:-$top_srcdir/build}
dir=$(mktemp -d /tmp/vcrun-completion.XXXXXX)
export VCRUN_STATE_DIR=$dir/state VCRUN_POLICY_PATH=$VCRUN_BUILD/policy/.libs
export PATH=$VCRUN_BUILD:$PATH

finish() {
	[ ! -e "$dir/state/instance.json" ] || "$top_srcdir/run" vcctl down --force >/dev/null
	rm -rf "$dir"
}
trap finish EXIT

# A non-interactive shell has no completion under way: compopt has nobody to tell.
compopt() { :; }
set +eu
# shellcheck disable=SC1090
. "$framework"
# shellcheck disable=SC1091
. "$top_srcdir/completion/vcrun.bash"
set -eu

# What is offered at the end of the line WORDS, cut as bash does it.
complete_line() {
	local func

	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	COMP_LINE=$(printf '%s ' "$@")
	COMP_LINE=${COMP_LINE% } COMP_LINE=${COMP_LINE// = /=}
	COMP_POINT=${#COMP_LINE}
	func=$(complete -p "$1")
	func=${func#*-F } func=${func%% *}
	set +eu
	"$func" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	set -eu
	printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"} | sort -u | paste -sd' '
}

failed=0
expect() {
	local wanted=$1 got
	shift
	got=$(complete_line "$@")
	[ "$got" = "$wanted" ] && return
	printf '%s\n  offers: %s\n  wanted: %s\n' "$*" "$got" "$wanted"
	failed=1
}
expect_among() {
	local wanted=$1 got
	shift
	got=$(complete_line "$@")
	case " $got " in *" $wanted "*) return ;; esac
	printf '%s\n  offers: %s\n  wanted among these: %s\n' "$*" "$got" "$wanted"
	failed=1
}

# Every long option that --help names is offered.
for name in vcrun vcmove vcstat vcctl vcbench; do
	for option in $("$name" --help |
		sed -n 's/^  *\(-[a-zA-Z], \)\{0,1\}\(--[a-z-]*=\{0,1\}\).*/\2/p'); do
		expect_among "$option" "$name" --
	done
done

expect "leastcpu leastmem" vcrun -p least
expect "leastcpu leastmem" vcrun --policy = least
expect "random roundrobin" vcmove --policy r
expect "jobs" vcstat j
expect "add check down event failover ipc kill list remove set up" vcctl ''
expect "check list rm show" vcctl ipc ''
expect "posix-mq posix-sem posix-shm" vcctl --kind = posix
expect "ipc" vcstat i
expect "devices" vcstat d
expect "SIGKILL" vcctl kill --signal = SIGKI
expect "--split=" vcctl up --sp
expect "all interfere ipc lock move reshape spawn" vcbench ''
expect "fire list revert show" vcctl event ''
expect "dedicated shared" vcctl set vc0 --cpu = ''

# After the options comes a program and what belongs to that.
expect_among ls vcrun --policy = leastcpu -n x l
expect_among ls vcrun -dn x -- l
(cd "$dir" && mkdir one two && touch three && expect "one two" vcrun --on vc0 rmdir '' &&
	exit "$failed") || failed=1

mkdir -p "$dir/other/vc7" "$dir/other/jobs" && touch "$dir/other/vc7/vcd.lock"
expect "vc7" vcrun --state-dir = "$dir/other" --on ''
expect "" vcmove ''

if [ "$(id -u)" -eq 0 ]; then
	printf '%s\n' 'exclusive = false' 'partition vc0 { ' 'cpus = "0"' '}' 'event night {' 'after vc0 {' \
		'memory = "1G"' '}' '}' >"$dir/one.conf"
	"$top_srcdir/run" vcctl up --config="$dir/one.conf" >/dev/null
	expect "night" vcctl event fire ''
	"$top_srcdir/run" vcrun -d -n cache sleep 60 </dev/null >/dev/null
	# shellcheck disable=SC2016 # the names of a job and of an object that mean harm
	"$top_srcdir/run" vcrun -d -n '$(touch${IFS}harm)' sleep 60 </dev/null >/dev/null
	expect "vc0" vcmove --to = ''
	expect "vc0" vcctl set ''
	expect "1 2 cache" vcmove ''
	expect "1 2 cache" vcctl kill ''
	[ ! -x "$VCRUN_BUILD/tests/ipc-client" ] || {
		"$VCRUN_BUILD/tests/ipc-client" "open mq inbox create persistent" \
			'open mq $(touch${IFS}harm) create persistent' >/dev/null
		expect "inbox" vcctl ipc show ''
		expect "inbox" vcctl ipc rm i
	}
	[ ! -e harm ] || { echo "a job's name was executed"; failed=1; }
else
	echo "partly skipped: only root can bring an instance up"
fi
exit "$failed"
