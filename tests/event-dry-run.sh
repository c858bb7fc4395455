#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# event-dry-run - a dry run makes the checks of an event, and none of its waits
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-event.sh"

# A dry run makes the checks of the event, and none of its waits.
is "a dry run of what could be" "$(vcctl event fire squeeze --dry-run >/dev/null && echo ok)" ok
holder b 60
began=$(msec)
try vcctl event fire squeeze --dry-run
took=$(($(msec) - began))
is "a dry run of what would fail for memory" "$status" 1
matches "a dry run of what would fail for memory" "$out" 'partition b: [0-9]+ MiB are in use that cannot be reclaimed'
in_time "a dry run" "$took" 3000
try vcctl set b --memory=40M --dry-run
is "a dry run of set" "$status" 1
matches "a dry run of set" "$out" 'partition b: [0-9]+ MiB are in use that cannot be reclaimed'
holder_ends b
try vcctl failover b
is "a failover for which there is no event" "$status" 1
matches "a failover for which there is no event" "$out" 'no event has failover = "b"'
down --force
