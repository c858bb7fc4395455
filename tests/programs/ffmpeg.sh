#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ffmpeg - what it encodes while it moves has the hash of what it encodes unmoved
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires ffmpeg sha256sum python3 setpriv
up

# -re reads as fast as a viewer would watch, so that the work lasts for the moves.
encode() { # FILE PREFIX...
	file=$1
	shift
	"$@" ffmpeg -v error -nostdin -re -f lavfi -i "testsrc2=size=320x240:rate=25:duration=$seconds" \
		-c:v mpeg4 -threads 2 -flags +bitexact -fflags +bitexact -y "$file"
}

seconds=$((moves + 6))
for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "ffmpeg-$uid")
	encode "$work/unmoved.avi" &
	other=$!
	encode "$dir/moved.avi" as "$uid" vcrun --on=vc0 --name=ffmpeg &
	job=$!
	wait_for job_is ffmpeg state running
	bounce ffmpeg "$uid" 0.2 alive $job
	wait $job || fail "ffmpeg: exit status $?"
	wait $other
	is "hash" "$(sha256sum <"$dir/moved.avi")" "$(sha256sum <"$work/unmoved.avi")"
	show_moves "ffmpeg, uid $uid"
done
