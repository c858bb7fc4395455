#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-kinds - every kind of thing a job can have: moved twice and unchanged, or refused
#
# tests/move-kinds.sh [ROW]...: only these rows, with what differs. The rows are those of
# tests/kinds/*.c; tests/kinds/drive.py runs each as a job.
. "${top_srcdir:=.}/tests/lib.sh"
requires python3
requires_plain_build
up
as_user 65534 true
cp "$top_builddir/tests/kinds/kinds" "$work/public/"
mkdir "$work/rows"
python3 "$top_srcdir/tests/kinds/drive.py" "$work" "$@" || fail "not every row is as expected"
down --force
