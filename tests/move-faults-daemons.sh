#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-faults-daemons - a daemon or CRIU that is killed at any step of a move leaves the job running in one place
. "${top_srcdir:=.}/tests/lib.sh"
faults='source-vcd target-vcd both-vcd restore-criu'
. "$top_srcdir/tests/lib-faults.sh"
