#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# lint - the sources keep to their own rules
#
# Headers compile alone; a file includes its own header first, and the others in order; the daemon
# has no circle of includes; the code is formatted as .clang-format says; shellcheck finds nothing
# in the scripts. The manual pages have tests/manpages.sh.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3 shellcheck
cd "$top_srcdir"

find . -path ./build\* -prune -o -path ./autom4te.cache -prune -o -path ./build-aux -prune -o \
	\( -name '*.c' -o -name '*.h' \) -print | sed 's,^\./,,' | sort >"$work/sources"
grep '\.h$' "$work/sources" >"$work/headers"
at_least "headers" "$(wc -l <"$work/headers")" 50

cat >"$work/alone" <<'END'
#!/bin/sh
$CC -std=gnu17 -fsyntax-only -x c -D_GNU_SOURCE -I. -I"$top_builddir" -DVC_LIBEXECDIR='""' \
	"$1" || echo "$1" >>"$2"
END
chmod 755 "$work/alone"
xargs -P "$(nproc)" -I{} "$work/alone" {} "$work/not-alone" <"$work/headers"
[ ! -e "$work/not-alone" ] || fail "does not compile alone: $(xargs <"$work/not-alone")"

# cmocka.h wants others before it; a file that has it keeps its own order.
cat >"$work/order.py" <<'END'
import os, sys

for name in open(sys.argv[1]).read().split():
	lines = open(name).read().split("\n")
	includes = [(n, line) for n, line in enumerate(lines, 1) if line.startswith("#include ")]
	if any("cmocka.h" in line for _, line in includes):
		continue
	own = name[:-2] + ".h"
	for n, line in includes[1:]:
		if name.endswith(".c") and f'"{own}"' in line:
			print(f"{name}:{n}: its own header does not come first")
	for (n, line), (m, after) in zip(includes, includes[1:]):
		if m == n + 1 and line[9] == after[9] and line > after and f'"{own}"' not in line:
			print(f"{name}:{m}: {after[9:]} stands behind {line[9:]}")
END
order=$(python3 "$work/order.py" "$work/sources")
[ -z "$order" ] || fail "includes are not in order:
$order"

# A module of the daemon is a .c with its .h. No module includes itself through others.
cat >"$work/cycle.py" <<'END'
import re, sys

uses, done, path = {}, set(), []
for name in open(sys.argv[1]).read().split():
	if name.startswith("daemon/"):
		found = re.findall(r'#include "(daemon/[^"]+)\.h"', open(name).read())
		uses.setdefault(name[:-2], set()).update(f for f in found if f != name[:-2])

def visit(module):
	if module in path:
		sys.exit(" -> ".join(path[path.index(module):] + [module]))
	if module not in done:
		path.append(module)
		for other in sorted(uses.get(module, ())):
			visit(other)
		done.add(path.pop())

for module in sorted(uses):
	visit(module)
END
python3 "$work/cycle.py" "$work/sources" 2>"$work/cycle" ||
	fail "the daemon's files include each other in a circle: $(cat "$work/cycle")"

# Each major version formats in its own way; this one is Debian 12's.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	xargs clang-format --dry-run -Werror <"$work/sources" >"$work/format" 2>&1 ||
		fail "not as .clang-format says, see clang-format -i:
$(grep 'error:' "$work/format" | cut -d: -f1 | sort -u)"
else
	say "not looked at: the format, for which clang-format 14 is needed"
fi

grep -rlE '^#!/bin/(ba)?sh' --exclude-dir=build\* --exclude-dir=.git --exclude-dir=autom4te.cache \
	--exclude=configure --exclude-dir=m4 . >"$work/scripts"
at_least "scripts" "$(wc -l <"$work/scripts")" 50
xargs -P "$(nproc)" -n 20 shellcheck -x -S warning <"$work/scripts" >"$work/shellcheck" 2>&1 ||
	fail "shellcheck:
$(cat "$work/shellcheck")"
