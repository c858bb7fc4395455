#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-status - vcrun exits as its program did, or says why there was none
. "${top_srcdir:=.}/tests/lib.sh"
up

exits() { # STATUS COMMAND...
	expected=$1
	shift
	try vcrun "$@"
	is "exit status of: vcrun $*" "$status" "$expected"
}
exits 0 true
exits 1 false
exits 42 sh -c 'exit 42'
exits 255 sh -c 'exit 255'
exits 143 sh -c 'kill -TERM $$'
exits 137 sh -c 'kill -KILL $$'
exits 134 sh -c 'ulimit -c 0; kill -ABRT $$'
# A program may exit with our own numbers.
exits 125 sh -c 'exit 125'

exits 127 no-such-program
matches "message" "$out" '^vcrun: no-such-program: .*(not found|No such file)'
exits 127 /no/such/file
matches "message" "$out" '^vcrun: /no/such/file: '
: >"$work/plain"
exits 126 "$work/plain"
matches "message" "$out" "^vcrun: $work/plain: Permission denied"
exits 126 "$work"
# A script without a first line is run by sh, as execvp(3) has it.
echo 'exit 7' >"$work/script"
chmod +x "$work/script"
exits 7 "$work/script"

exits 125 --on=nowhere true
matches "message" "$out" 'no partition nowhere'
exits 125 --policy=nosuch true
exits 125 --no-such-option true
exits 125
matches "usage" "$out" '^Usage: vcrun'
exits 0 --help
exits 0 --version
# Options of the program are the program's.
exits 3 sh -c 'exit $#' a b --on=vc1 --help
