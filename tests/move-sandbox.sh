#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-sandbox - nobody leaves a Landlock sandbox by a move, nor by vcrun, nor PR_SET_MDWE by vcrun
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3

# Restricts itself in one way, as a whole or in one thread, now or at SIGUSR1; or runs a command then.
cat >"$work/sandbox.py" <<'END'
import ctypes, os, signal, struct, subprocess, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)

def restrict(access_fs, access_net, scoped):
    attr = struct.pack("QQQ", access_fs, access_net, scoped)
    size = 24 if scoped else 16 if access_net else 8
    rules = libc.syscall(444, attr, size, 0)
    if rules < 0 or libc.prctl(38, 1, 0, 0, 0) or libc.syscall(446, rules, 0):
        print("none:", os.strerror(ctypes.get_errno()), flush=True)
        os._exit(0)
    os.close(rules)

def files(): restrict(1 << 6, 0, 0)  # to make device nodes
def net(): restrict(0, 1, 0)
def signals(): restrict(0, 0, 2)
def thread():
    def run():
        files()
        ready.set()
        time.sleep(1000)
    ready = threading.Event()
    threading.Thread(target=run, daemon=True).start()
    ready.wait()
def child():
    pid = os.fork()
    if pid == 0:
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        files()
        time.sleep(1000)
    time.sleep(0.3)
def late():
    def enter(signum, frame):
        files()
        open(sys.argv[2], "w").close()
    signal.signal(signal.SIGUSR1, enter)
def run():
    files()
    sys.exit(subprocess.call(sys.argv[2:]))
def run_mdwe():
    if libc.prctl(65, 1, 0, 0, 0):
        print("none", flush=True)
        sys.exit()
    sys.exit(subprocess.call(sys.argv[2:]))
def plain(): pass

globals()[sys.argv[1]]()
print("ready", flush=True)
while True:
    time.sleep(0.05)
    print("on", flush=True)
END

# The step "prepare" comes after the look at the running job: it enters its sandbox there.
cat >"$work/hook" <<END
#!/bin/sh
[ "\$1" = prepare ] && [ -e "$work/late" ] || exit 0
rm "$work/late"
kill -USR1 \$(cat "$work/pid")
while [ ! -e "$work/entered" ]; do sleep 0.01; done
END
chmod 755 "$work" "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

runs_on() {
	[ "$(wc -l <"$work/out")" -gt "$1" ]
}

begin() { # WAY UID
	: >"$work/out"
	as "$2" vcrun --on=vc0 --name="$1" python3 "$work/sandbox.py" "$1" "$work/late-$1" >>"$work/out" &
	wait_for grep -Eq 'ready|none' "$work/out"
	! grep none "$work/out"
}

refuses() { # WAY UID REASON
	try vcmove --to=vc1 "$1"
	is "moving $1 of user $2" "$status" 1
	matches "moving $1 of user $2" "$out" "pid [0-9]+ .*$3"
	wait_for runs_on "$(wc -l <"$work/out")"
	is "state of $1" "$(job "$1" state) in $(job "$1" partition)" "running in vc0"
	kill -KILL "$(job "$1" pid)"
	wait || :
}

for uid in 0 $nobody; do
	for way in files net signals thread child; do
		begin $way $uid || continue
		refuses $way $uid 'Landlock sandbox, .*start the program without'
	done
	begin plain $uid
	vcmove --quiet --to=vc1 plain
	is "partition of plain" "$(job plain partition)" vc1
	vcctl kill plain
	wait || :
done

ln -s "$work/late-late" "$work/entered"
begin late 0 || skip "no Landlock in this kernel"
job late pid >"$work/pid"
: >"$work/late"
refuses late 0 'Landlock sandbox'
[ -e "$work/entered" ] || fail "it never entered its sandbox"

# A caller of vcrun.
is "an ordinary caller" "$(as_user $nobody vcrun echo free)" free
try as_user $nobody python3 "$work/sandbox.py" run vcrun echo free
is "a caller in a sandbox: exit status" "$status" 125
matches "a caller in a sandbox" "$out" 'Landlock sandbox'
try as_user $nobody python3 "$work/sandbox.py" run_mdwe vcrun echo free
if [ "$out" != none ]; then
	is "a caller under PR_SET_MDWE: exit status" "$status" 125
	matches "a caller under PR_SET_MDWE" "$out" 'PR_SET_MDWE'
fi
try setpriv --securebits=+noroot,+noroot_locked --reuid=$nobody --regid=$nobody --clear-groups \
	env PATH="$work/public:$work/links:/usr/bin:/bin" vcrun echo free
is "a caller with securebits: exit status" "$status" 125
matches "a caller with securebits" "$out" 'securebits'
down
