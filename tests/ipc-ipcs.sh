#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ipc-ipcs - ipcs, lsipc, ipcmk, ipcrm and /proc/sysvipc show and remove the mapped objects
#
# The same commands run on the kernel's objects and on mapped ones, and say the same.
. "${top_srcdir:=.}/tests/lib.sh"
requires_plain_build
requires ipcs lsipc ipcmk ipcrm python3
up

cat >"$work/commands" <<'END'
made=$(mktemp)
make() { # VARIABLE OPTION...
	variable=$1
	shift
	ipcmk "$@" >"$made" &
	eval "${variable}_pid=$!"
	wait
	eval "$variable=$(sed 's/.*: //' "$made")"
}
# The kernel gives its identifiers out in turn, from 0: on to numbers that nothing else has.
python3 - <<'PYTHON'
import ctypes
c = ctypes.CDLL(None)
RMID = 0
def advance(least, get, remove):
    id = 0
    while id < least:
        id = get()
        remove(id)
advance(10000, lambda: c.msgget(0, 0o600), lambda id: c.msgctl(id, RMID, None))
advance(40000, lambda: c.semget(0, 1, 0o600), lambda id: c.semctl(id, 0, RMID))
advance(70000, lambda: c.shmget(0, 1, 0o600), lambda id: c.shmctl(id, RMID, None))
PYTHON
make q --queue -p 0640
make s --semaphore 3
make m --shmem 5000
make m2 --shmem 10
rm "$made"

# Identifiers, keys, PIDs and times differ from run to run, and with them the columns and the order.
plain() {
	sed -E -e "s/\<($q)\>/QUEUE/g; s/\<($s)\>/SET/g; s/\<($m|$m2)\>/SEGMENT/g" \
		-e "s/\<($q_pid|$s_pid|$m_pid|$m2_pid)\>/MAKER/g" \
		-e 's/0x[0-9a-f]{8}/KEY/g; s/[0-9]{2}:[0-9]{2}(:[0-9]{2})?/TIME/g' \
		-e 's/(Mon|Tue|Wed|Thu|Fri|Sat|Sun)? *[A-Z][a-z]{2} +[0-9]{1,2} TIME( +[0-9]{4})?/DATE/g' \
		-e 's/[ 	]+/ /g; s/ $//'
}
ordered() {
	awk '
		/SEGMENT/ && held == "" { held = $0; next }
		/SEGMENT/ { print (held < $0 ? held "\n" $0 : $0 "\n" held); held = ""; next }
		held != "" { print held; held = "" }
		{ print } END { if (held != "") print held }'
}
# Keys are numbers there, and so are times.
text() {
	plain | sed -E -e 's/^ *-?[0-9]{5,}/KEY/; s/\<[0-9]{10}\>/SECONDS/g' | ordered
}
shown() { # COMMAND...
	echo "--- $*" | plain
	"$@" 2>&1 | plain | ordered
}

shown ipcs
for what in -q -m -s; do
	shown ipcs $what
	for how in -t -p -c -l -u; do
		shown ipcs $what $how
	done
done
shown ipcs -q -i "$q"
shown ipcs -m -i "$m"
shown ipcs -s -i "$s"
shown ipcs -s -i 99
shown lsipc
for what in -q -m -s; do
	shown lsipc $what
done
shown lsipc -m -i "$m"

for file in msg sem shm; do
	echo "--- $file"
	path=/proc/sysvipc/$file
	cat $path | text
	(cd /proc/sysvipc && cat ./$file) | text
	cat <$path | text
	head -n 1 /proc/self/../sysvipc/$file
	python3 -c "print(open('$path').read(), end='')" | text
	python3 -c "import os; d = os.open('/proc/sysvipc', os.O_RDONLY)
print(os.read(os.open('$file', os.O_RDONLY, dir_fd=d), 10000).decode(), end='')" | text
	test -r $path && stat -c '%a %U %F' $path
done
# Others of these names are what they are.
cd "$(mktemp -d)" && echo mine >shm && cat shm && rm shm && rmdir "$PWD"

shown ipcrm -q "$q"
shown ipcrm -q "$q"
shown ipcrm -s "$s" -m "$m"
shown ipcs
shown ipcrm --all
shown ipcs -u
cat /proc/sysvipc/shm
END

run_commands() { # OUTPUT OPTION
	vcrun "$2" sh "$work/commands" >"$1" 2>&1 || fail "$2: exit status $?: $(tail -n 3 "$1")"
}
run_commands "$work/kernel" --ipc=private
run_commands "$work/mapped" --ipc=map
at_least "lines" "$(wc -l <"$work/kernel")" 200
diff -u "$work/kernel" "$work/mapped" || fail "the kernel's and the mapped objects are shown differently"

# What one partition's job has made another's sees and removes.
id=$(vcrun --ipc=map --on=vc0 ipcmk --shmem 4096 | sed 's/.*: //')
matches "ipcs in the other partition" "$(vcrun --ipc=map --on=vc1 ipcs -m)" "$id +root"
vcrun --ipc=map --on=vc1 ipcrm -m "$id"
# A daemon notices the end of another partition's openers when it looks next.
no_objects() { [ "$(vcctl ipc list --json | json "len(d['ipc'])")" = 0 ]; }
wait_for no_objects || fail "objects left: $(vcctl ipc list)"
