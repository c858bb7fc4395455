#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-reach - whichever kind of program runs under --ipc=map, its IPC is mapped or it is warned of
#
# Each row is a kind of program. It is run by vcrun and by a shell in the job, with --ipc=map and
# with map,strict, which refuses what would only be warned of.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3 musl-gcc
: "${CC:=cc}"
up
source=$top_srcdir/tests/ipc-reach.c
key=0x7c000000
mkdir "$work/programs"
cd "$work/programs"

# --- the programs -----------------------------------------------------------------------------

compile() { # PROGRAM COMPILER...
	name=$1
	shift
	"$@" -w -o "$name" "$source" >"$work/cc" 2>&1 || fail "$name: $*: $(cat "$work/cc")"
}
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

# --- what became of it ------------------------------------------------------------------------

# Whether the set was made in the table; it is removed.
mapped() {
	if vcctl ipc show "${key#0x}" >/dev/null 2>&1; then
		vcctl ipc rm "${key#0x}" >/dev/null
		echo yes
	else
		echo no
	fi
}

run_as() { # UID COMMAND...
	if [ "$1" = 0 ]; then
		shift
		"$@"
	else
		as_user "$@"
	fi
}

# Runs one row in one way; sets $status and $out.
once() { # WHAT EXPECTED-STATUS WARNING MAPPED
	is "$1: exit status ($out)" "$status" "$2"
	if [ "$3" = - ]; then
		is "$1: said" "$out" ''
	else
		matches "$1" "$out" "does not reach .*$3"
	fi
	is "$1: mapped" "$(mapped)" "$4"
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

# --- the ways to call -------------------------------------------------------------------------

cat >plugin.c <<'END'
#include <sys/ipc.h>
#include <sys/sem.h>
int plugin_make(key_t key, int n, int flags) { return semget(key, n, flags); }
END
# shellcheck disable=SC2086
$CC -shared -fPIC -o plugin.so plugin.c

for way in call dlsym dlsym-next dlvsym deepbind syscall execve execvpe execle fexecve execveat \
	raw-execve vfork posix_spawn posix_spawnp system popen; do
	for how in map map,strict; do
		try vcrun --ipc=$how "$PWD/dynamic" $key $way "$PWD/plugin.so"
		once "$way, $how" 0 - yes
	done
done

try vcrun --ipc=map "$PWD/dynamic" $key dlmopen "$PWD/plugin.so"
once "dlmopen" 0 'loaded by dlmopen' no
try vcrun --ipc=map,strict "$PWD/dynamic" $key dlmopen "$PWD/plugin.so"
once "dlmopen, strict" 1 'loaded by dlmopen' no

# System calls by the machine's instruction: without strict they are the kernel's, as is said in
# vcipc-preload(7); with it, they are mapped, or end a program that cannot be mapped.
try vcrun --ipc=map "$PWD/dynamic" $key assembly
once "assembly" 0 - no
try vcrun --ipc=map,strict "$PWD/dynamic" $key assembly
once "assembly, strict" 0 - yes
try vcrun --ipc=map,strict sh -c "$PWD/dynamic $key assembly"
once "assembly, strict, of a shell" 0 - yes
try vcrun --ipc=map,strict "$PWD/dynamic" $key assembly-execve "$PWD/static"
once "a static program, executed by an instruction, strict" 159 - no
if [ -e i386 ]; then
	try vcrun --ipc=map,strict "$PWD/dynamic" $key int80
	is "int80, strict: exit status" "$status" 1
	matches "int80, strict" "$out" "system call 393, of another machine's code, is refused"
	is "int80, strict: mapped" "$(mapped)" no
fi
# A program that blocks SIGSYS, or has its vcrun do so, starts as any.
try env --block-signal=SYS vcrun --ipc=map,strict "$PWD/dynamic" $key assembly
once "assembly, strict, SIGSYS blocked" 0 - yes

# Where memory that is executed cannot be changed, functions that a program looks up are the C
# library's. That is said, or with strict ends it.
cat >mdwe.py <<'END'
import ctypes, os, sys
PR_SET_MDWE = 65
if ctypes.CDLL(None).prctl(PR_SET_MDWE, 1, 0, 0, 0) < 0:
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
END
try vcrun python3 mdwe.py /bin/true
if [ "$status" = 0 ]; then
	try vcrun --ipc=map python3 "$PWD/mdwe.py" "$PWD/dynamic" $key
	once "PR_SET_MDWE" 0 'calls that dynamic looks up itself.*Permission denied' yes
	try vcrun --ipc=map,strict python3 "$PWD/mdwe.py" "$PWD/dynamic" $key
	once "PR_SET_MDWE, strict" 126 'calls that dynamic looks up itself' no
fi
