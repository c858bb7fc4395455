# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2207,SC2016,SC2034
#
# vcrun.bash - bash completion for vcrun, vcmove, vcstat, vcctl and vcbench
#
# Options come from each command's --help, so they are those of the installed
# version; partitions from the state directory, policies and jobs from vcctl and
# vcstat. For bash-completion 2.11 and newer.
#
# "compgen -W" expands its argument. So it gets commands in single quotes, and never their output. A
# job's name, which another user may have chosen, is offered only if it has no characters that are
# special to the shell.

# The state directory of the command line: its option, the environment, or the default.
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

# Runs a command of vcrun. The PATH of some users does not contain vcctl.
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

# Job numbers and names. A job's own keys are indented by six columns.
_vcrun_jobs() {
	_vcrun_ask vcstat --json jobs | sed -n -e 's/^ \{6\}"id": \([0-9]*\),$/\1/p' \
		-e 's/^ \{6\}"name": "\([A-Za-z0-9_.][A-Za-z0-9_.+%-]*\)",$/\1/p'
}

_vcrun_objects() {
	_vcrun_ask vcctl ipc list --json |
		sed -n 's/^ \{6\}"name": "\([A-Za-z0-9_./][A-Za-z0-9_./+%-]*\)",$/\1/p'
}

# Completes the command's options, or the words given.
_vcrun_reply() {
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '$(_parse_help "$cmd")' -- "$cur"))
		[[ ${COMPREPLY-} == *= ]] && compopt -o nospace
	else
		COMPREPLY=($(compgen -W "$*" -- "$cur"))
	fi
	return 0
}

# Completes the argument of the option before the cursor. Fails if the option has no known argument.
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

# Prints the index of the program in COMP_WORDS, which may be the word at the cursor. Fails if the
# cursor is before the program.
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

# Completes "vcctl event": a verb, then the name of an event.
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

# Completes "vcctl ipc", which is the word at index I.
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
		up | down | list | check | add)
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
