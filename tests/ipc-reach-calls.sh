#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-reach-calls - however a program makes its IPC calls, they are mapped or the user is warned
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires python3
up
. "$top_srcdir/tests/lib-reach.sh"
# shellcheck disable=SC2086 # a compiler may come with options
{
	compile dynamic $CC
	compile static $CC -static
}

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
if [ "$(uname -m)" = x86_64 ]; then
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
