#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# text - names and arguments of one user do nothing to the terminal of another
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 setpriv
up

cat >"$work/words.py" <<'END'
WORDS = {
    "C0": b"a\x1b[2J\x07", "C1": b"a\xc2\x9b2J", "C1, raw": b"a\x9b2J", "DEL": b"a\x7f",
    "override": "a\u202eexe".encode(), "isolate": "\u2066a\u2069".encode(),
    "mark": "a\u200e\u200f\u061c".encode(), "zero width": "a\u200b\ufeff".encode(),
    "no UTF-8": b"gr\xfcn \xff", "tag": "a\U000e0041".encode(), "UTF-8": "gr\u00f6\u00dfe".encode(),
}
END
cat >"$work/check.py" <<'END'
# Standard input has nothing of the kind; lines end as they do.
import sys, unicodedata
text = sys.stdin.buffer.read().decode()
bad = [hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
assert not bad, (sys.argv[1], bad)
assert text, sys.argv[1]
END
shows_nothing() { # WHAT
	cat >"$work/shown"
	python3 "$work/check.py" "$1" <"$work/shown" || fail "$1"
}

# Arguments.
cat >"$work/start.py" <<'END'
import os, sys
sys.path.insert(0, sys.argv[1])
from words import WORDS
os.execvp("vcrun", ["vcrun", "--detach", "--name=words", "sh", "-c", "exec sleep 1000", *WORDS.values()])
END
as_user 65534 python3 "$work/start.py" "$work" >/dev/null
wait_for jobs_are 1
vcstat jobs | shows_nothing "vcstat jobs"
vcstat jobs --json | shows_nothing "vcstat jobs --json"
python3 - "$work" "$work/shown" <<'END'
import json, sys
sys.path.insert(0, sys.argv[1])
from words import WORDS
argv = json.load(open(sys.argv[2]))["jobs"][0]["argv"][3:]
for (what, word), got in zip(WORDS.items(), argv, strict=True):
    # One U+FFFD a byte that is none; Python's own decoder would take some together.
    expected = "".join(chr(0xFFFD) if 0xDC80 <= ord(c) <= 0xDCFF else c for c in word.decode(errors="surrogateescape"))
    assert got == expected, (what, got, expected)
END

# A job's arguments can be megabytes. Enough is shown to know it by.
as_user 65534 python3 -c 'import os; os.execvp("vcrun", ["vcrun", "--detach", "--name=long", "sleep", "1000"] + ["0" * 100000] * 10)' >/dev/null
wait_for jobs_are 2
at_most "bytes of arguments" "$(vcstat jobs --json | json "sum(map(len, [j for j in d['jobs'] if j['name'] == 'long'][0]['argv']))")" 4096

# Names of IPC objects.
cat >"$work/open.py" <<'END'
import socket, struct, sys, time
sys.path.insert(0, sys.argv[2])
from words import WORDS
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
for word in WORDS.values():
    # IpcOpen: an event, with a name; create, 0666, 64 bytes.
    inner = b"\x08\x01\x12" + bytes([len(word)]) + word + b"\x20\x01\x28\xb6\x03\x30\x40"
    body = b"\x92\x03" + bytes([len(inner)]) + inner
    s.sendall(struct.pack(">I", len(body)) + body)
    assert s.recv(65536)
print("open", flush=True)
time.sleep(1000)
END
python3 "$work/open.py" "$state/vc0/vcd.sock" "$work" >"$work/opened" &
opener=$!
wait_for grep -q open "$work/opened"
vcstat ipc | shows_nothing "vcstat ipc"
vcstat ipc --json | shows_nothing "vcstat ipc --json"
at_least "objects" "$(json "len(d['ipc'])" <"$work/shown")" 5
kill $opener
wait $opener 2>/dev/null || :

# What commands say of words that are none, and names that cannot be.
python3 - "$work" >"$work/said" 2>&1 <<'END' || fail "$(cat "$work/said")"
import subprocess, sys
sys.path.insert(0, sys.argv[1])
from words import WORDS
for what, word in WORDS.items():
    for command in (["vcrun", b"--on=" + word, "true"], ["vcrun", b"./" + word], ["vcmove", word],
                    ["vcrun", b"--policy=" + word, "true"], ["vcmove", b"--to=" + word, "words"],
                    ["vcctl", "kill", word]):
        done = subprocess.run(command, capture_output=True)
        assert done.returncode != 0, (what, command)
        sys.stdout.buffer.write(done.stderr)
    done = subprocess.run(["vcrun", b"--name=" + word, "true"], capture_output=True)
    if what == "UTF-8":
        assert done.returncode == 0, (what, done)
    else:
        assert done.returncode == 125 and b"name" in done.stderr, (what, done)
END
shows_nothing "what commands say" <"$work/said"
cat "$state"/vc?/vcd.log | shows_nothing "the logs"

# A log that has become large begins anew, for the shims too.
head -c 5000000 /dev/zero | tr '\0' x >>"$state/vc0/vcd.log"
vcrun --on=vc0 true
wait_for sh -c '[ "$(stat -c %s "$1")" -lt 100000 ]' - "$state/vc0/vcd.log"
at_least "bytes of the log before" "$(stat -c %s "$state/vc0/vcd.log.1")" 5000000
vcrun --on=vc0 --name=after sh -c true
wait_for grep -q 'has ended' "$state/vc0/vcd.log"
is "NUL bytes in the log" "$(tr -dc '\0' <"$state/vc0/vcd.log" | wc -c)" 0
down --force
