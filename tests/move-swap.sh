#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-swap - a file put into another's place during a move is not opened for the job
#
# CRIU opens by path, as root. A user whose file is swapped for a link to a secret
# of the same size, between dump and restore, must not get the secret.
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires python3 setpriv

place=$(user_dir "$nobody" swap)
printf 'mine' >"$place/file"
printf 'root' >"$work/secret"
chown "$nobody:$nobody" "$place/file"
chmod 600 "$place/file" "$work/secret"

# Plays the racing user at the one moment at which it can be won.
cat >"$work/hook" <<END
#!/bin/sh
if [ "\$1" = restore ] && [ -e "$work/armed" ]; then
	rm "$work/armed"
	mv "$place/file" "$place/kept"
	ln -s "$work/secret" "$place/file"
fi
END
chmod 755 "$work/hook"
export VCRUN_STEP_HOOK="$work/hook"
up

# Two descriptions and a mapping of one path: such a file CRIU has to open itself.
cat >"$work/reader.py" <<'END'
import mmap, sys, time
a, b = open(sys.argv[1], "rb"), open(sys.argv[1], "rb")
m = mmap.mmap(a.fileno(), 0, prot=mmap.PROT_READ)
while True:
    for text in (a.read(), b.read(), m[:]):
        print(text.decode(), flush=True)
    a.seek(0), b.seek(0)
    time.sleep(0.02)
END
as_user "$nobody" vcrun --on=vc0 --name=reader python3 "$work/reader.py" "$place/file" \
	>>"$place/out" 2>&1 &
wait_for 10 test -s "$place/out"
grep -q Error "$place/out" && fail "$(cat "$place/out")"
touch "$work/armed"
try as_user "$nobody" vcmove --to=vc1 reader
is "the move with a swapped file" "$status" 1
matches "the move with a swapped file" "$out" 'is not the file it was'
[ -L "$place/file" ] || fail "the file was not swapped; this test shows nothing"
# It runs where it was, on the file that it had open, whatever the path leads to now.
wait_for 20 job_is reader state running
is "partition" "$(job reader partition)" vc0
: >"$place/out"
wait_for 10 test -s "$place/out"
is "what the job has read" "$(sort -u "$place/out")" mine
down --force
