# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # shared with lib.sh and the tests
# lib-reach.sh - what the tests share that run kinds of programs under --ipc=map; sourced after lib.sh
: "${CC:=cc}"
source=$top_srcdir/tests/ipc-reach.c
key=0x7c000000
mkdir "$work/programs"
cd "$work/programs" || exit

compile() { # PROGRAM COMPILER...
	name=$1
	shift
	"$@" -w -o "$name" "$source" >"$work/cc" 2>&1 || fail "$name: $*: $(cat "$work/cc")"
}

# Prints whether the set was made in the table, and removes it.
mapped() {
	if vcctl ipc show "${key#0x}" >/dev/null 2>&1; then
		vcctl ipc rm "${key#0x}" >/dev/null
		echo yes
	else
		echo no
	fi
}

# Checks $status, $out and the table after one program.
once() { # WHAT EXPECTED-STATUS WARNING MAPPED
	is "$1: exit status ($out)" "$status" "$2"
	if [ "$3" = - ]; then
		is "$1: said" "$out" ''
	else
		matches "$1" "$out" "does not reach .*$3"
	fi
	is "$1: mapped" "$(mapped)" "$4"
}
