#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-swapped - a link in place of a job's directory, put there while the job stands still, leads nowhere
#
# The job has a socket, an unlinked file with and without another name, a file open twice, a
# mapped file and its current directory in a directory of its own; half of them it makes after
# the mover has looked at it. Then its user puts a link to a directory of root's there.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3

cat >"$work/job.py" <<'END'
import mmap, os, signal, socket, sys
d = sys.argv[1]

class Things:
    def __init__(self, tag):
        name = lambda what: "%s/%s-%s" % (d, what, tag)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(name("socket"))
        self.server.listen()
        self.gone = open(name("gone"), "w+")
        self.linked = open(name("linked"), "w+")
        os.link(name("linked"), name("other"))
        self.twice = [open(name("twice"), mode) for mode in ("w+", "r")]
        for f in (self.gone, self.linked, self.twice[0]):
            f.write("text " * 1000)
            f.flush()
        os.unlink(name("gone"))
        os.unlink(name("linked"))
        self.map = mmap.mmap(self.twice[0].fileno(), 4096)

    def check(self):
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.server.getsockname())
        accepted = self.server.accept()[0]
        accepted.send(b"hello")
        assert client.recv(5) == b"hello"
        for f in (self.gone, self.linked, self.twice[0]):
            assert f.tell() == 5000, f.tell()
            assert os.pread(f.fileno(), 5000, 0) == b"text " * 1000
        assert self.twice[1].fileno() and os.pread(self.twice[1].fileno(), 4, 0) == b"text"
        assert self.map[0:4] == b"text"

os.chdir(d)
before = os.stat(".").st_ino
things = [Things("before")]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2])
print("ready", flush=True)
while True:
    if signal.sigwait([signal.SIGUSR1, signal.SIGUSR2]) == signal.SIGUSR1:
        things.append(Things("%d" % len(things)))
        print("made", flush=True)
        continue
    assert os.stat(".").st_ino == before
    for t in things:
        t.check()
    print("whole", len(things), flush=True)
END
cat >"$work/hook" <<END
#!/bin/sh
case \$1 in
dump)
	kill -USR1 "\$(cat "$work/pid")"
	until [ "\$(grep -c made "$work/out")" -gt "\$(cat "$work/made")" ]; do sleep 0.01; done
	grep -c made "$work/out" >"$work/made"
	;;
commit)
	mv "$work/user/dir" "$work/user/dir.moved"
	ln -s "$work/roots" "$work/user/dir"
	;;
esac
END
chmod 755 "$work/hook" "$work"
mkdir "$work/roots"
: >"$work/roots/keep"
export VCRUN_STEP_HOOK="$work/hook"
up

for uid in 0 $nobody; do
	user_dir "$uid" user >/dev/null
	as "$uid" mkdir "$work/user/dir"
	echo 0 >"$work/made"
	as "$uid" vcrun --on=vc0 --name=job python3 "$work/job.py" "$work/user/dir" >"$work/out" 2>&1 &
	wait_for grep -q ready "$work/out"
	job job pid >"$work/pid"
	for i in 1 2; do
		move job "$uid"
		rm "$work/user/dir"
		mv "$work/user/dir.moved" "$work/user/dir"
		kill -USR2 "$(cat "$work/pid")"
		wait_for grep -q "whole $((i + 1))" "$work/out"
		is "what root's directory has" "$(ls "$work/roots")" keep
	done
	is "moves" "$(job job moves)" 2
	as "$uid" vcctl kill job >/dev/null
	wait || :
	rm -r "$work/user"
done
down --force
