#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# statedir.sh - common/statedir.h, the table in docs/DESIGN.md and a state directory in use agree
. "${top_srcdir:=.}/tests/lib.sh"

cat >"$work/list.c" <<'END'
#include <stdio.h>
#include "common/statedir.h"
#define X(path, mode, writer, content) printf("| `%s` | %04o | %s | %s |\n", path, mode, writer, content);
int main(void) { STATE_PATHS(X) return 0; }
END
${CC:-cc} -I"$top_srcdir" -o "$work/list" "$work/list.c" || fail "common/statedir.h does not compile alone"
"$work/list" | sed 's/%s/PARTITION/; s/%u/JOB/' >"$work/list.md"
sed -n '/^| path | mode |/,/^$/p' "$top_srcdir/docs/DESIGN.md" | sed '1,2d; /^$/d' >"$work/design.md"
diff "$work/design.md" "$work/list.md" || fail "docs/DESIGN.md has another table than common/statedir.h"

# Every file in use is in the list, with the permissions that the list names.
up
vcrun --name=sleeper sleep 300 &
wait_for job_is sleeper state running
vcctl set vc0 --memory=256M >/dev/null
vcmove sleeper 2>/dev/null || :
(cd "$state" && find . -mindepth 1 ! -path './ipc/o/*' ! -path './images/*/*' ! -path './irqs/*' -printf '%P %m\n') |
	sed -E 's/^vc[01]/PARTITION/; s#^(jobs|images)/[0-9]+#\1/JOB#; s#^criu/[0-9]+#criu/JOB#; s/\.(new|1) / /' |
	sort -u >"$work/found"
sed -E 's/^\| `(.*)` \| 0([0-7]*) .*/\1 \2/' "$work/list.md" | sort >"$work/known"
is "files that are not in the list" "$(comm -23 "$work/found" "$work/known")" ""
for path in instance.json board PARTITION/vcd.sock jobs/JOB/job.json ipc/table reshapes.jsonl moves.jsonl; do
	grep -q "^$path " "$work/found" || fail "the test has made no $path"
done
