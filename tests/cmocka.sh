#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# cmocka - takes the place of the unit tests where they cannot be built, and says so
echo "skipped: all unit tests: configure found no libcmocka; install libcmocka-dev and configure again"
exit 77
