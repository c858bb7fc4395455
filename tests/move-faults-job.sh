#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-faults-job - whatever happens to a job, its program or its room during a move, it runs on in one place
. "${top_srcdir:=.}/tests/lib.sh"
faults='memory client child program-removed program-replaced directory-removed'
. "$top_srcdir/tests/lib-faults.sh"
