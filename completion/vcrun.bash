# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2207,SC2016,SC2034
#
# vcrun.bash - bash completion for vcrun, vcmove, vcstat, vcctl and vcbench
#
# Options come from each command's --help, so they are those of the installed
# version; partitions from the state directory, policies and jobs from vcctl and
# vcstat. For bash-completion 2.11 and newer.
#
# "compgen -W" expands what it is given. So it is given commands to run, in single
# quotes, and never their output; and a job's name, which may be somebody else's,
# is offered only when it means nothing to the shell.

# The state directory that the command line means: its option, the environment, the default.
_vcrun_state_dir() {
	local i dir=${VCRUN_STATE_DIR:-/run/vcrun}

	for ((i = 1; i < ${#words[@]}; i++)); do
		case ${words[i]} in
		--state-dir=*) dir=${words[i]#*=} ;;
		--state-dir)
			[[ ${words[i + 1]-} == = ]] && ((i++))
			dir=${words[i + 1]-}
			;;
		esac
	done
	printf '%s\n' "${dir/#\~/$HOME}"
}

# A command of vcrun; vcctl is not in everybody's PATH.
_vcrun_ask() {
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command "$@" \
		--state-dir="$(_vcrun_state_dir)" 2>/dev/null
}

_vcrun_partitions() {
	local lock

	compgen -G "$(_vcrun_state_dir)/*/vcd.lock" | while IFS= read -r lock; do
		lock=${lock%/vcd.lock} lock=${lock##*/}
		[[ $lock == *[^a-z0-9-]* ]] || printf '%s\n' "$lock"
	done
}

_vcrun_policies() {
	_vcrun_ask vcctl list --policies --json | sed -n 's/^ *"name": "\([a-z0-9]*\)".*/\1/p'
}

# Numbers and names. A job's own keys are six columns in; nothing deeper is one.
_vcrun_jobs() {
	_vcrun_ask vcstat --json jobs | sed -n -e 's/^ \{6\}"id": \([0-9]*\),$/\1/p' \
		-e 's/^ \{6\}"name": "\([A-Za-z0-9_.][A-Za-z0-9_.+%-]*\)",$/\1/p'
}

_vcrun_objects() {
	_vcrun_ask vcctl ipc list --json |
		sed -n 's/^ \{6\}"name": "\([A-Za-z0-9_./][A-Za-z0-9_./+%-]*\)",$/\1/p'
}

# The options of the command, and the words given.
_vcrun_reply() {
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '$(_parse_help "$cmd")' -- "$cur"))
		[[ ${COMPREPLY-} == *= ]] && compopt -o nospace
	else
		COMPREPLY=($(compgen -W "$*" -- "$cur"))
	fi
	return 0
}

# The argument of the option before the cursor; false: it takes none that is known.
_vcrun_argument() {
	case $prev in
	--policy | -p) COMPREPLY=($(compgen -W '$(_vcrun_policies)' -- "$cur")) ;;
	--on | -o | --to | -t) COMPREPLY=($(compgen -W '$(_vcrun_partitions)' -- "$cur")) ;;
	--kind) COMPREPLY=($(compgen -W 'event sem mutex mq shm region posix-mq posix-sem posix-shm
		sysv-msg sysv-sem sysv-shm' -- "$cur")) ;;
	--ipc | -i) COMPREPLY=($(compgen -W 'map map,strict private' -- "$cur")) ;;
	--engine) COMPREPLY=($(compgen -W 'live criu auto' -- "$cur")) ;;
	--state-dir) _filedir -d ;;
	--config | -c) _filedir ;;
	--max-stop | --name | -n | -m | --split | --cpus | --mems | --memory | --devices | --share | --deadline) ;;
	--cpu) COMPREPLY=($(compgen -W 'dedicated shared' -- "$cur")) ;;
	--memory-mode) COMPREPLY=($(compgen -W 'fixed pageable' -- "$cur")) ;;
	*) return 1 ;;
	esac
}

# Where in COMP_WORDS the program stands, or would stand if it were begun at the
# cursor; false: the cursor is before that.
_vcrun_program_at() {
	local i=1

	while ((i < COMP_CWORD)); do
		case ${COMP_WORDS[i]} in
		--)
			((i++))
			break
			;;
		--policy | --on | --name | --ipc | --memory | --state-dir)
			# bash cuts words at "=".
			[[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
			((i += 2))
			;;
		-*)
			[[ ${COMP_WORDS[i]} =~ ^-[dhV]*[ponim]$ ]] && ((i++))
			((i++))
			;;
		*) break ;;
		esac
	done
	((i < COMP_CWORD)) || [[ $i -eq $COMP_CWORD && ${COMP_WORDS[i]} != -* ]] || return
	printf '%d\n' "$i"
}

_vcrun() {
	local cur prev words cword split cmd=$1 program

	_init_completion -s || return
	if program=$(_vcrun_program_at); then
		_command_offset "$program"
		return
	fi
	[[ $prev =~ ^-[dhV]*([ponim])$ ]] && prev=-${BASH_REMATCH[1]}
	_vcrun_argument || _vcrun_reply
}

_vcmove() {
	local cur prev words cword split cmd=$1

	_init_completion -s || return
	_vcrun_argument || _vcrun_reply '$(_vcrun_jobs)'
}

_vcstat() {
	local cur prev words cword split cmd=$1

	_init_completion -s || return
	_vcrun_argument || [[ $split == true ]] || _vcrun_reply partitions jobs moves ipc regions devices
}

# What follows "vcctl event": what to do, then an event's name.
_vcrun_event() {
	case $prev in
	event) _vcrun_reply list show fire revert ;;
	show | fire | revert)
		_vcrun_reply '$(_vcrun_ask vcctl event list --json |
			sed -n "s/^ \{6\}\"name\": \"\([a-z0-9-]*\)\",$/\1/p")'
		;;
	*) _vcrun_reply ;;
	esac
}

# Behind "vcctl ipc", which is the word at I.
_vcctl_ipc() { # I
	local i

	for ((i = $1 + 1; i < cword; i++)); do
		case ${words[i]} in
		list | check)
			_vcrun_reply
			return
			;;
		show | rm)
			_vcrun_reply '$(_vcrun_objects)'
			return
			;;
		esac
	done
	_vcrun_reply list show rm check
}

_vcctl() {
	local cur prev words cword split cmd=$1 i

	_init_completion -s || return
	if [[ $prev == --signal || $prev == -s ]]; then
		COMPREPLY=($(compgen -A signal -- "$cur"))
		return
	fi
	_vcrun_argument && return
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		kill)
			_vcrun_reply '$(_vcrun_jobs)'
			return
			;;
		up | down | list | check)
			_vcrun_reply
			return
			;;
		add)
			_vcrun_reply
			return
			;;
		event)
			_vcrun_event
			return
			;;
		set | remove | failover)
			_vcrun_reply '$(_vcrun_partitions)'
			return
			;;
		ipc)
			_vcctl_ipc "$i"
			return
			;;
		esac
	done
	_vcrun_reply up down list check set add remove event failover kill ipc
}

_vcbench() {
	local cur prev words cword split cmd=$1

	_init_completion -s || return
	case $prev in
	--json | --report | --from)
		_filedir
		return
		;;
	esac
	_vcrun_argument || [[ $split == true ]] || _vcrun_reply spawn move reshape ipc lock interfere all
}

complete -F _vcrun vcrun
complete -F _vcmove vcmove
complete -F _vcstat vcstat
complete -F _vcctl vcctl
complete -F _vcbench vcbench
