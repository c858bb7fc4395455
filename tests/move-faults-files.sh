#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-faults-files - whatever happens to a job's open files during a move, it runs on in one place
. "${top_srcdir:=.}/tests/lib.sh"
faults='once-removed once-cut once-replaced twice-removed twice-cut twice-replaced'
. "$top_srcdir/tests/lib-faults.sh"
