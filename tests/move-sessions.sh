#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# move-sessions - tmux with an attached client and three panes, screen and script move on terminals of
# their own: keys, job control and /dev/tty work in each shell, as root and as another user
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
requires tmux screen script python3 setpriv
up

terminal() { # TMUX-COMMAND...
	tmux -S "$work/tmux" -f /dev/null "$@"
}

# Runs COMMAND as a job, on a terminal that is the test's; $dir is the user's.
open_terminal() { # UID COMMAND...
	uid=$1
	shift
	rm -rf "${work:?}/home"
	dir=$(user_dir "$uid" home)
	chmod 700 "$dir"
	prefix=
	[ "$uid" = 0 ] || {
		as_user "$uid" true
		prefix="setpriv --reuid=$uid --regid=$uid --clear-groups"
	}
	cat >"$work/terminal.sh" <<-END
		cd '$dir'
		export HOME='$dir' SCREENDIR='$dir/screen' ENV= PS1='> ' TERM=screen
		exec $prefix env PATH="$work/public:\$PATH" vcrun --on=vc0 --name=session $*
	END
	terminal new-session -d -s t -x 100 -y 40 "sh $work/terminal.sh; sleep 1000"
	wait_for job_is session state running
}

close_terminal() {
	vcctl kill --signal=KILL session >/dev/null
	wait_for jobs_are 0
	terminal kill-server
}

inner() { # TMUX-COMMAND...: for the tmux that is in the job
	as "$uid" tmux -S "$dir/inner" "$@"
}

file_has() { # FILE LINE
	grep -q -x -e "$2" "$1"
}

# Types a line in a pane of the job's, or on its terminal ("outer"); what it does shows in a file.
type_line() { # PANE LINE
	if [ "$1" = outer ]; then
		terminal send-keys -t t "$2" Enter
	else
		inner send-keys -t "$1" "$2" Enter
	fi
}

type_key() { # PANE KEY
	if [ "$1" = outer ]; then
		terminal send-keys -t t "$2"
	else
		inner send-keys -t "$1" "$2"
	fi
}

# The shell answers, has its terminal as /dev/tty, and the terminal's keys signal what is in front.
works() { # PANE NUMBER
	file=$dir/answer-$2
	type_line "$1" "echo shell-$2 >$file; (echo >/dev/tty) && tty >>$file"
	wait_for file_has "$file" "shell-$2"
	wait_for file_has "$file" "/dev/pts/.*"
	type_line "$1" "echo sleeps >>$file; sleep 1000; echo interrupted >>$file"
	wait_for file_has "$file" sleeps
	# The shell starts the program after it has written this.
	wait_for pgrep -u "$uid" -x sleep -g "$(foreground "$1")"
}

# The foreground group of a pane's terminal, as the kernel says.
foreground() { # PANE
	ps -o tpgid= -p "$(shell_of "$1")" | tr -d ' '
}

shell_of() { # PANE
	if [ "$1" = outer ]; then
		cat "$dir/shell"
	else
		inner display-message -p -t "$1" '#{pane_pid}'
	fi
}

interrupted() { # PANE NUMBER
	type_key "$1" C-c
	type_line "$1" "echo back >>$dir/answer-$2"
	wait_for file_has "$dir/answer-$2" back
}

# What the kernel says of the job's processes: parents, groups, sessions, terminals.
tree() {
	pid=$(job session pid)
	root=$(ps -o ppid= -p "$pid" | tr -d ' ')
	python3 - "$root" <<-'END'
		import sys
		todo = [sys.argv[1]]
		while todo:
		    pid = todo.pop()
		    stat = open(f"/proc/{pid}/stat").read()
		    print(pid, stat[stat.index("("):stat.rindex(")") + 1], *stat.rsplit(")", 1)[1].split()[1:6])
		    for thread in [pid]:
		        todo += sorted(open(f"/proc/{pid}/task/{thread}/children").read().split())
	END
}

# Each shell has a program in front while the job is moved, and gets it interrupted afterwards.
move_about() { # PANE...
	for i in $(seq 1 "$moves"); do
		for pane in "$@"; do
			works "$pane" "$i-$pane"
		done
		before=$(tree)
		move session "$uid"
		is "the processes of $uid after move $i" "$(tree)" "$before"
		for pane in "$@"; do
			interrupted "$pane" "$i-$pane"
		done
	done
}

for user in 0 $nobody; do
	open_terminal "$user" "tmux -S inner -f /dev/null new-session -s i sh"
	wait_for inner has-session -t i
	inner split-window -t i sh
	inner split-window -t i sh
	move_about i:0.0 i:0.1 i:0.2
	is "panes" "$(inner list-panes -t i -F '#{pane_dead}' | tr '\n' ' ')" "0 0 0 "
	is "clients of tmux" "$(inner list-clients | wc -l)" 1
	show_moves "tmux, uid $user"
	close_terminal

	open_terminal "$user" "screen -c /dev/null sh -c 'echo \$\$ >shell; exec sh'"
	wait_for test -s "$dir/shell"
	move_about outer
	show_moves "screen, uid $user"
	close_terminal

	open_terminal "$user" "script -q -c 'echo \$\$ >shell; exec sh' typescript"
	wait_for test -s "$dir/shell"
	move_about outer
	show_moves "script, uid $user"
	close_terminal
done
down --force
