#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-terminal - vim and less move with their terminal: the screen stays, the keys work
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires tmux vim less python3 setpriv
up

terminal() { # TMUX-COMMAND...
	tmux -S "$work/tmux" -f /dev/null "$@"
}

screen() {
	terminal capture-pane -p -t t
}

shows() { # TEXT
	screen | grep -q -F -e "$1"
}

open_terminal() { # UID COMMAND...
	who=$1
	shift
	script=$work/terminal.sh
	# tmux takes one string; the quoting is the script's.
	{
		echo "cd '$dir'"
		if [ "$who" != 0 ]; then
			as_user "$who" true
			printf 'exec setpriv --reuid=%s --regid=%s --clear-groups env PATH="%s:$PATH" HOME="%s" ' \
				"$who" "$who" "$work/public" "$dir"
		else
			printf 'exec '
		fi
		echo "vcrun --on=vc0 --name=terminal $*"
	} >"$script"
	terminal new-session -d -s t -x 80 -y 24 "sh $script; echo status \$?; sleep 1000"
	wait_for job_is terminal state running
}

close_terminal() {
	terminal kill-server
	wait_for jobs_are 0
}

# Moves the job, and looks whether the screen is what it was.
move_and_look() { # UID
	before=$(screen)
	move terminal "$1"
	is "the screen after a move" "$(screen)" "$before"
}

interrupts() {
	terminal send-keys -t t C-c
	sleep 0.3
	shows 'exit Vim'
}

edit() { # UID
	dir=$(user_dir "$1" "vim-$1")
	open_terminal "$1" "vim -N -u NONE -i NONE text"
	wait_for shows '"text" [New'
	want=''
	for i in $(seq 1 "$moves"); do
		terminal send-keys -t t o "line $i" Escape
		wait_for shows "line $i"
		move_and_look "$1"
		terminal send-keys -t t A " moved" Escape
		wait_for shows "line $i moved"
		want="$want
line $i moved"
	done
	# A Ctrl-C reaches it (vim ignores the first one after an Escape), as does a new size.
	wait_for interrupts
	move_and_look "$1"
	terminal resize-window -t t -x 100 -y 30
	sleep 0.5
	terminal send-keys -t t ':set columns?' Enter
	wait_for shows 'columns=100'
	move_and_look "$1"
	terminal send-keys -t t Enter ':wq' Enter
	wait_for shows 'status 0'
	is "the file" "$(cat "$dir/text")" "$want"
	close_terminal
	show_moves "vim, uid $1"
}

page() { # UID
	dir=$(user_dir "$1" "less-$1")
	seq -f 'row %g of many' 1 100000 >"$dir/rows"
	open_terminal "$1" "less rows"
	wait_for shows 'row 23 of many'
	for i in $(seq 1 "$moves"); do
		terminal send-keys -t t "$((i * 1000))g"
		wait_for shows "row $((i * 1000 + 22)) of many"
		move_and_look "$1"
	done
	terminal send-keys -t t "/row 77777" Enter
	wait_for shows "row 77780 of many"
	terminal send-keys -t t q
	wait_for shows 'status 0'
	close_terminal
	show_moves "less, uid $1"
}

# A shell with a job of its own in the background, stopped and continued.
shell() { # UID
	dir=$(user_dir "$1" "shell-$1")
	open_terminal "$1" "env PS1='ready>' sh -i"
	wait_for shows 'ready>'
	terminal send-keys -t t "sleep 999" Enter
	wait_for pgrep -P "$(job terminal pid)" -x sleep
	move_and_look "$1"
	terminal send-keys -t t C-z
	wait_for shows 'Stopped'
	move_and_look "$1"
	terminal send-keys -t t "bg; jobs; echo tty=\$(tty) >tty.out" Enter
	wait_for test -s "$dir/tty.out"
	matches "its terminal" "$(cat "$dir/tty.out")" '^tty=/dev/pts/'
	move_and_look "$1"
	terminal send-keys -t t "kill %1; stty size; exit 5" Enter
	wait_for shows '24 80'
	wait_for shows 'status 5'
	close_terminal
	show_moves "an interactive shell, uid $1"
}

for uid in 0 $nobody; do
	edit "$uid"
	page "$uid"
	shell "$uid"
done
