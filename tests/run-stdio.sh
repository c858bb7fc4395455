#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-stdio - standard descriptors are the caller's own: pipes, files, closed ones
. "${top_srcdir:=.}/tests/lib.sh"
up

# A gigabyte in through one pipe and out through another. The numbers differ in every
# block, so that a lost, doubled or swapped one changes the sum.
mkfifo "$work/copy"
cksum <"$work/copy" >"$work/want" &
got=$(seq 1 200000000 | head -c 1073741824 | tee "$work/copy" | vcrun cat | cksum)
wait $!
want=$(cat "$work/want")
is "sum of a gigabyte through vcrun" "$got" "$want"

# One file, one offset: programs after each other append to each other.
(
	vcrun echo one
	vcrun echo two
	echo three
	vcrun --on=vc1 echo four
) >"$work/shared"
is "a shared file offset" "$(tr '\n' ' ' <"$work/shared")" "one two three four "
seq 1 5 >"$work/lines"
got=$(
	{
		vcrun sh -c 'read -r a; echo "$a"'
		vcrun sh -c 'read -r a; echo "$a"'
	} <"$work/lines" | tr '\n' ' '
)
is "a shared offset to read from" "$got" "1 2 "

# Standard output and standard error stay apart, or together.
vcrun sh -c 'echo out; echo err >&2' >"$work/out" 2>"$work/err"
is "stdout" "$(cat "$work/out")" out
is "stderr" "$(cat "$work/err")" err
got=$(vcrun sh -c '[ /proc/$$/fd/1 -ef /proc/$$/fd/2 ] && echo same' 2>&1)
is "2>&1" "$got" same

# Closed descriptors: the program gets /dev/null there, nobody else's file.
got=$(vcrun sh -c 'readlink /proc/self/fd/0' <&-)
is "stdin closed" "$got" /dev/null
vcrun sh -c 'echo lost; name=$(readlink /proc/$$/fd/1); echo "$name" >&2' >&- 2>"$work/err"
is "stdout closed" "$(cat "$work/err")" /dev/null

# Nothing of the daemon's or the shim's is open in the program.
got=$(vcrun sh -c 'ls /proc/$$/fd' | tr '\n' ' ')
is "open descriptors" "$got" "0 1 2 "

# The ends of a pipeline see each other end.
is "lines until head has had enough" "$(vcrun yes | head -n 3 | wc -l)" 3
vcrun sh -c 'echo data; exec >&- 2>&-; exec sleep 1000' | cat >"$work/piped" &
wait_for grep -q data "$work/piped"
wait_for sh -c '! ps -o args= --ppid '$$' | grep -q ^cat'
down --force
wait
