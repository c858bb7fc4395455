#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-environment - the program runs as it would have without vcrun
. "${top_srcdir:=.}/tests/lib.sh"
requires setpriv prlimit nice
up

# Prints everything that a program has from its parent. (Namespaces of its own, cgroup and
# CPUs are what vcrun is for.)
cat >"$work/show" <<'END'
#!/bin/sh
pwd
umask
ulimit -a
ulimit -Ha
id
nice
cat /proc/self/oom_score_adj
grep -E '^(Groups|NoNewPrivs|Uid|Gid|SigIgn|SigBlk|CapInh|CapPrm|CapEff|CapBnd|CapAmb|Seccomp):' /proc/self/status
env | grep -v ^_= | sort
END
chmod 755 "$work/show"

same() { # HOW COMMAND_PREFIX...
	how=$1
	shift
	"$@" "$work/show" >"$work/plain" 2>&1 || fail "$how, without vcrun: $(cat "$work/plain")"
	"$@" "$work/public/vcrun" "$work/show" >"$work/through" 2>&1 || fail "$how: $(cat "$work/through")"
	diff -u "$work/plain" "$work/through" || fail "$how: it differs (- without, + through vcrun)"
}
as_user 65534 true # makes public/vcrun

same "as root" env
same "variables" env -i A=1 B='two words' C= VCRUN_STATE_DIR="$state" LONG="$(head -c 100000 /dev/zero | tr '\0' x)"
mkdir "$work/a directory"
same "current directory" env -C "$work/a directory"
same "umask" sh -c 'umask 027; exec "$@"' sh
same "limits" prlimit --nofile=100:200 --core=0 --stack=4194304 --nproc=5000 --fsize=1000000
same "no descriptors to spare" prlimit --nofile=20:20
same "nice" nice -n 7
same "ignored signals" sh -c 'trap "" HUP USR1 PIPE; exec "$@"' sh
same "oom_score_adj" sh -c 'echo 123 >/proc/self/oom_score_adj; exec "$@"' sh
same "nobody" setpriv --reuid=65534 --regid=65534 --clear-groups
same "supplementary groups" setpriv --reuid=65534 --regid=65534 --groups=4,20,65533
same "no new privileges" setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs
same "nobody, limits" setpriv --reuid=65534 --regid=65534 --clear-groups prlimit --nofile=64:64 --nproc=400

# A directory that nobody but the caller could have entered.
mkdir -m 700 "$work/hers"
chown 65534 "$work/hers"
same "a directory of one's own" setpriv --reuid=65534 --regid=65534 --clear-groups env -C "$work/hers"
down
