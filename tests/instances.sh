#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# instances - two instances side by side do not see or disturb each other
. "${top_srcdir:=.}/tests/lib.sh"
requires python3

one=$work/state-one two=$work/state-two
up --split=2 --state-dir="$one"
up --split=2 --state-dir="$two"
vcrun --state-dir="$one" --detach --name=in-one sleep 1000 >/dev/null
vcrun --state-dir="$two" --detach --name=in-two sleep 1000 >/dev/null

names() {
	vcstat --state-dir="$1" jobs --json | json "[j['name'] for j in d['jobs']]"
}
is "jobs of the first" "$(names "$one")" "['in-one']"
is "jobs of the second" "$(names "$two")" "['in-two']"
try vcmove --state-dir="$one" in-two
is "moving the other's job" "$status" 1
matches "moving the other's job" "$out" 'no job in-two'
try vcstat
is "the instance that is not there" "$status" 1
matches "the instance that is not there" "$out" "vcctl up"

down --force --state-dir="$one"
is "jobs of the second when the first is down" "$(names "$two")" "['in-two']"
is "running in the second" "$(vcrun --state-dir="$two" echo works)" works
VCRUN_STATE_DIR=$two
is "by the environment" "$(vcrun echo works)" works
down --force
VCRUN_STATE_DIR=$state
