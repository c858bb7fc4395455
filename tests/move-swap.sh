#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-swap - a file put into another's place during a move is not opened for the job
#
# A user swaps the job's file for a link to a secret of the same size, between dump and
# restore. The job must not get the secret. It moves with the file that it had open.
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

# Two descriptions and a mapping of one path.
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
wait_for test -s "$place/out"
grep -q Error "$place/out" && fail "$(cat "$place/out")"
touch "$work/armed"
try as_user "$nobody" vcmove --to=vc1 reader
is "the move with a swapped file ($out)" "$status" 0
[ -L "$place/file" ] || fail "the file was not swapped; this test shows nothing"
is "partition" "$(job reader partition)" vc1
: >"$place/out"
wait_for test -s "$place/out"
is "what the job has read" "$(sort -u "$place/out")" mine
down --force
