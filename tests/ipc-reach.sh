#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-reach - whichever kind of program runs under --ipc=map, its IPC is mapped or it is warned of
#
# Each row is a kind of program. It is run by vcrun and by a shell in the job, with --ipc=map and
# with map,strict, which refuses what would only be warned of.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3 musl-gcc
up
. "$top_srcdir/tests/lib-reach.sh"

# --- the programs -----------------------------------------------------------------------------

# shellcheck disable=SC2086 # a compiler may come with options
{
	compile dynamic $CC
	compile no-pie $CC -no-pie
	compile static $CC -static
	compile static-pie $CC -static-pie
	compile musl musl-gcc
	compile musl-static musl-gcc -static
	compile asan $CC -fsanitize=address
	compile tsan $CC -fsanitize=thread
	compile ubsan $CC -fsanitize=undefined
	compile go $CC -DGO_NOTE
	printf '.globl _start\n_start: mov $1, %%eax\nxor %%ebx, %%ebx\nint $0x80\n' >i386.s
	$CC -m32 -nostdlib -static -o i386 i386.s 2>/dev/null || rm -f i386
}
for id in setuid setgid caps unreadable; do
	cp dynamic $id
done
cp dynamic setuid-root
chown 65533:65533 setuid
chgrp 65533 setgid
chmod 4755 setuid setuid-root
chmod 2755 setgid
chmod 711 unreadable
python3 -c 'import os, struct
os.setxattr("caps", "security.capability", struct.pack("<5I", 0x2000001, 1 << 13, 0, 0, 0))'
for interpreter in dynamic static musl setuid; do
	printf '#!%s %s\n' "$PWD/$interpreter" "$key" >script-$interpreter
	chmod 755 script-$interpreter
done
printf '#!%s\n' "$PWD/script-static" >script-script
chmod 755 script-script

# --- how they run -----------------------------------------------------------------------------

run_as() { # UID COMMAND...
	if [ "$1" = 0 ]; then
		shift
		"$@"
	else
		as_user "$@"
	fi
}

# A program that is not mapped is warned of, and does not run when it must be.
row() { # PROGRAM UID MAPPED WARNING
	program=$PWD/$1 strict=0
	[ "$4" = - ] || strict=126
	try run_as "$2" vcrun --ipc=map "$program" $key
	once "$1" 0 "$4" "$3"
	try run_as "$2" vcrun --ipc=map sh -c "$program $key"
	once "$1, of a shell" 0 "$4" "$3"
	try run_as "$2" vcrun --ipc=map env -i "$program" $key
	once "$1, of env -i" 0 "$4" "$3"
	[ "$strict" = 0 ] || set -- "$1" "$2" no "$4"
	try run_as "$2" vcrun --ipc=map,strict "$program" $key
	once "$1, strict" $strict "$4" "$3"
	case $out in
	*'Permission denied'*) fail "$1, strict: it was started" ;;
	esac
	try run_as "$2" vcrun --ipc=map,strict env -i "$program" $key
	once "$1, strict, of env -i" $strict "$4" "$3"
}

# The interposer must be another user's to read.
cp "$top_builddir/.libs/libvcipc-preload.so" "$work/"
for lib in lib lib64 "lib/$(uname -m)-linux-gnu"; do
	mkdir -p "$work/$lib"
	ln -s "$work/libvcipc-preload.so" "$work/$lib/"
done
export VCRUN_PRELOAD="$work/\$LIB/libvcipc-preload.so"

#   program         uid    mapped warning
row dynamic         0      yes    -
row no-pie          0      yes    -
row static          0      no     'statically linked'
row static-pie      0      no     'statically linked'
row musl            0      no     "another C library's"
row musl-static     0      no     'statically linked'
row asan            0      yes    -
row ubsan           0      yes    -
row go              0      yes    'Go program'
row setuid          65534  no     'gains rights'
row setgid          65534  no     'gains rights'
row caps            65534  no     'gains rights'
row setuid-root     0      yes    -
row caps            0      yes    -
row unreadable      65534  yes    'cannot be read'
row script-dynamic  0      yes    -
row script-static   0      no     'a script of .*statically linked'
row script-musl     0      no     "a script of .*another C library's"
row script-setuid   65534  no     'a script of .*gains rights'
row script-script   0      no     'a script of .*statically linked'
# Where addresses have more random bits than ThreadSanitizer can do with, it starts nothing.
! vcrun ./tsan $key 2>/dev/null || row tsan 0 yes -
[ ! -e i386 ] || row i386  0      no     'another kind of machine'
