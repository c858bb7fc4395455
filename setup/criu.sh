#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# criu.sh - make sure that a CRIU which works on the running kernel exists, and print its path
#
# A criu older than the kernel may start, pass `criu check` and still move nothing (bookworm's
# 3.17.1 from kernel 6.13 on, trixie's 4.1.1 with sockets on 6.18). So nothing here trusts a version
# number: each candidate has to dump and restore a small process, setup/criu-probe.c. The first
# that does is taken, in this order:
#
#   1. PREFIX/criu         what an earlier run put there
#   2. criu in PATH        the system's own
#   3. apt-get install     where the running release offers criu 4 or newer
#   4. a private copy      criu and the libraries it needs, libc and ld.so included, from a newer
#                          Debian release, run through its own loader. apt works on a state of
#                          its own in a temporary folder: the system's packages, libc and apt
#                          state stay as they are. Signatures are always checked.
#
# Layout of PREFIX: criu (launcher)  lib/ (ld.so, *.so.N)  usr/sbin/criu  usr/lib/criu/ (plugins: none)
#                   MANIFEST (release and package versions; marks the folder as ours)
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
umask 022

here=$(cd "$(dirname "$0")" && pwd)
prefix=/usr/local/lib/vcrun/criu
suites='trixie forky sid'
seconds=${VCRUN_CRIU_SECONDS:-120}
force_private=no remove=no
tmp='' victim='' building='' tried='' keyring='' keyring_renewed=no mirror='' apt_dir=''
kernel_hint='boot a kernel that one of these supports, or put a newer criu in PATH and run this again'
hint=$kernel_hint

usage() {
	cat <<-END
	usage: $0 [--prefix DIR] [--force-private] [--remove]
	Finds a criu that works on the running kernel, fetches one where none does, prints its path.
	  --prefix DIR     where a private copy lives (default $prefix)
	  --force-private  leave the system's criu and packages out of it
	  --remove         remove the private copy
	VCRUN_CRIU_KEYRING names a keyring to trust instead of Debian's (a mirror that signs itself).
	VCRUN_CRIU_SECONDS is the time limit of each dump and restore that is tried (default 120).
	END
}

say() {
	printf 'criu.sh: %s\n' "$*" >&2
}

# What failed and why, then what to do about it.
die() {
	say "$1"
	[ $# -lt 2 ] || say "remedy: $2"
	exit 1
}

end_victim() {
	[ -n "$victim" ] || return 0
	if [ "$(cat "/proc/$victim/comm" 2>/dev/null)" = criu-probe ]; then
		kill -KILL "$victim" 2>/dev/null || :
	fi
	wait "$victim" 2>/dev/null || :
	victim=''
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	trap '' INT TERM HUP
	end_victim
	[ -z "$building" ] || rm -rf "$building"
	[ -z "$tmp" ] || rm -rf "$tmp"
}

# ---- the self-test ---------------------------------------------------------------------------

build_probe() {
	probe=$tmp/criu-probe
	command -v cc >/dev/null ||
		die "self-test: no C compiler for criu-probe.c" "apt-get install gcc libc6-dev"
	cc -std=gnu11 -O -pthread -o "$probe" "$here/criu-probe.c" 2>"$tmp/cc.log" ||
		die "self-test: cannot compile $here/criu-probe.c: $(head -n 1 "$tmp/cc.log")" \
			"apt-get install gcc libc6-dev"
	"$probe" >/dev/null 2>&1 || [ $? -eq 2 ] ||
		die "self-test: cannot run $probe: is its file system mounted noexec?" \
			"set TMPDIR to a folder where programs may run"
}

# The first error is the cause, the last one what criu made of it. Not worth a word: the closing
# "... FAILED.", and util.c's on failed helpers and on RLIMIT_NOFILE without CAP_SYS_RESOURCE.
log_errors() { # LOG OUTPUT
	errors=$(cat "$2" "$1" 2>/dev/null | grep Error | grep -v -e 'FAILED\.$' -e '(criu/util\.c:' |
		sed 's/^([0-9. ]*) *//') || errors=$(tail -n 1 "$2")
	first=$(printf '%s\n' "$errors" | head -n 1)
	last=$(printf '%s\n' "$errors" | tail -n 1)
	[ "$first" = "$last" ] || last="$first ... $last"
	printf '%s\n' "${last:-no reason given}"
}

criu_run() { # CRIU dump|restore OPTION...
	criu_bin=$1 criu_verb=$2
	shift
	status=0
	timeout -k 5 "$seconds" "$criu_bin" "$@" -D "$tmp/images" --manage-cgroups=ignore -v4 \
		-o "$criu_verb.log" </dev/null >"$tmp/out" 2>&1 || status=$?
	case $status in
	0) return 0 ;;
	124 | 137) why="$criu_verb: not done after $seconds s" ;;
	*) why="$criu_verb: $(log_errors "$tmp/images/$criu_verb.log" "$tmp/out")" ;;
	esac
	return 1
}

criu_moves() { # CRIU
	rm -rf "$tmp/images" "$tmp/port"
	mkdir -m 700 "$tmp/images"
	"$probe" rpc "$1" >"$tmp/out" 2>&1 || {
		why="RPC: $(tail -n 1 "$tmp/out")"
		return 1
	}
	"$probe" victim "$tmp/port" </dev/null >/dev/null 2>"$tmp/out" &
	victim=$!
	before=$("$probe" ask "$tmp/port" 2>>"$tmp/out") || {
		why="test process: $(head -n 1 "$tmp/out")"
		return 1
	}
	criu_run "$1" dump -t "$victim" || return 1
	# Reaped, or its pid is not free for the restore.
	wait "$victim" 2>/dev/null || :
	criu_run "$1" restore -d || return 1
	"$probe" ask "$tmp/port" "$victim" "${before#* }" >"$tmp/out" 2>&1 || {
		why="after the restore: $(tail -n 1 "$tmp/out")"
		return 1
	}
}

# 0, or 1 with a line in $tried. PATH_SHOWN names a criu whose real path is temporary.
criu_works() { # CRIU [PATH_SHOWN]
	version=$("$1" --version 2>&1 | sed -n 's/^Version: //p') || version=''
	version=${version:-version unknown}
	why=''
	works=yes
	criu_moves "$1" || works=no
	end_victim
	if [ $works = yes ]; then
		say "self-test: ${2:-$1} ($version) works on kernel $(uname -r)"
		return 0
	fi
	say "self-test: ${2:-$1} ($version) does not work on kernel $(uname -r): $why"
	tried="$tried
criu.sh:   ${2:-$1} ($version): $why"
	return 1
}

found() { # CRIU
	printf '%s\n' "$1"
	exit 0
}

# ---- the system's own ------------------------------------------------------------------------

system_candidate() {
	apt-cache policy criu | sed -n 's/^  Candidate: //p'
}

# A criu that fails here stays installed: taking it out again could take more than was put in.
try_system_package() {
	command -v apt-get >/dev/null || return 1
	candidate=$(system_candidate)
	if [ -z "$(apt-get indextargets 'Created-By: Packages' 2>/dev/null)" ]; then
		say "apt: no package lists yet, running apt-get update"
		apt-get -q update >"$tmp/apt.log" 2>&1 || :
		candidate=$(system_candidate)
	fi
	case $candidate in
	'' | '(none)') return 1 ;;
	esac
	if dpkg --compare-versions "$candidate" lt 4; then
		say "apt: this release has criu $candidate only, too old to try"
		return 1
	fi
	say "apt: installing criu $candidate"
	if apt-get -q install -y --no-install-recommends criu >"$tmp/apt.log" 2>&1; then
		installed=yes
		return 0
	fi
	say "apt: cannot install criu: $(apt_error); going on with a private copy"
	return 1
}

# ---- a private copy --------------------------------------------------------------------------

signature_error() {
	grep -iE 'NO_PUBKEY|missing key|EXPKEYSIG|KEYEXPIRED|signature' "$tmp/apt.log"
}

apt_error() {
	signature_error | head -n 1 | grep . ||
		grep '^[EW]:' "$tmp/apt.log" | grep -v 'index files failed' | head -n 1 | grep . ||
		tail -n 1 "$tmp/apt.log"
}

# The mirror that already serves this system, whatever it is.
find_mirror() {
	for need in apt-get apt-config dpkg-deb flock timeout; do
		command -v $need >/dev/null ||
			die "mirror: no $need here" "run this on Debian 12 or 13, or put a working criu in PATH"
	done
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # the format's fields are apt's to expand
	mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(ORIGIN) $(REPO_URI)' \
		'Created-By: Packages' | awk -v release="$codename" '
		$1 == release && $2 == "main" && $3 == "Debian" && $4 !~ /^cdrom:/ { print $4; exit }')
	# Nothing is known of origins before the first apt-get update: then the address has to do.
	[ -n "$mirror" ] || mirror=$(apt-get --print-uris update 2>"$tmp/apt.log" | tr -d "'" |
		sed -n 's,^\([^ ]*/debian/*\)/dists/[^ /]*/InRelease .*,\1,p' | grep -v ^cdrom: | head -n 1)
	[ -n "$mirror" ] ||
		die "mirror: apt's sources name no mirror of Debian $codename with component main" \
			"add one to /etc/apt/sources.list.d and run this again"
	for keyring in "${VCRUN_CRIU_KEYRING:-}" /usr/share/keyrings/debian-archive-keyring.pgp \
		/usr/share/keyrings/debian-archive-keyring.gpg; do
		[ ! -r "$keyring" ] || return 0
	done
	die "keys: no debian-archive-keyring in /usr/share/keyrings" \
		"apt-get install debian-archive-keyring"
}

# An apt with nothing of the system's but its way to the network (proxy, credentials, clock checks).
private_apt() { # SUITE
	apt_dir=$tmp/apt-$1
	mkdir -p "$apt_dir/etc/none" "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
	: >"$apt_dir/status"
	printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$(dpkg --print-architecture)" "$keyring" \
		"$mirror" "$1" >"$apt_dir/etc/sources.list"
	{
		apt-config dump | grep -E '^(Acquire|APT::Sandbox)::' | grep -v '^Acquire::IndexTargets'
		cat <<-END
		Dir::Etc "$apt_dir/etc";
		Dir::Etc::main "none/apt.conf";
		Dir::Etc::parts "none";
		Dir::Etc::sourcelist "sources.list";
		Dir::Etc::sourceparts "none";
		Dir::Etc::preferences "none/preferences";
		Dir::Etc::preferencesparts "none";
		Dir::Etc::trusted "none/trusted.gpg";
		Dir::Etc::trustedparts "none";
		Dir::Etc::netrc "/etc/apt/auth.conf";
		Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
		Dir::State "$apt_dir";
		Dir::State::lists "$apt_dir/lists";
		Dir::State::status "$apt_dir/status";
		Dir::Cache "$apt_dir/cache";
		Dir::Log "$apt_dir";
		APT::Update::Error-Mode "any";
		APT::Get::AllowUnauthenticated "false";
		Acquire::AllowInsecureRepositories "false";
		Acquire::AllowWeakRepositories "false";
		Acquire::AllowDowngradeToInsecureRepositories "false";
		#clear Acquire::Languages;
		Acquire::Languages { "none"; };
		END
	} >"$apt_dir/apt.conf"
}

papt() { # TOOL ARGUMENT...
	papt_tool=$1
	shift
	APT_CONFIG=$apt_dir/apt.conf "$papt_tool" -q "$@" >"$tmp/apt.log" 2>&1
}

# A release newer than this system may be signed with keys this system does not know. The keyring
# package of a release whose signature does verify brings them, itself verified.
renew_keyring() { # SUITE_THAT_FAILED
	[ $keyring_renewed = no ] || return 1
	keyring_renewed=yes
	for donor in $suites "$codename"; do
		if [ "$donor" = "$1" ] || [ -z "$donor" ]; then
			continue
		fi
		private_apt "$donor"
		papt apt-get update || continue
		mkdir -p "$tmp/keys"
		papt apt-get -y --no-install-recommends --download-only install debian-archive-keyring ||
			continue
		dpkg-deb -x "$apt_dir"/cache/archives/debian-archive-keyring_*.deb "$tmp/keys" || continue
		for new in "$tmp"/keys/usr/share/keyrings/debian-archive-keyring.[pg]*; do
			if [ ! -f "$new" ] || [ -L "$new" ]; then
				continue
			fi
			cp "$new" "$tmp/newer-keyring.gpg"
			keyring=$tmp/newer-keyring.gpg
			say "keys: took the newer debian-archive-keyring of $donor, verified"
			return 0
		done
	done
	return 1
}

update_suite() { # SUITE
	private_apt "$1"
	! papt apt-get update || return 0
	why="index: $(apt_error)"
	hint='check that this machine reaches its Debian mirror and that its clock is right: apt-get update'
	signature_error >/dev/null || return 1
	hint='apt-get install --only-upgrade debian-archive-keyring, then run this again'
	say "keys: $1 does not verify with the keys of this system, looking for newer ones"
	if ! renew_keyring "$1"; then
		why="$why (and no suite that verifies has newer keys)"
		return 1
	fi
	private_apt "$1"
	if papt apt-get update; then
		hint=$kernel_hint
		return 0
	fi
	why="index: $(apt_error)"
	return 1
}

launcher() { # BASE: the folder that the launcher runs from
	# The job's LD_* are not for this loader.
	cat <<-END
	#!/bin/sh
	# made by vcrun's setup/criu.sh: criu with its own libc, see MANIFEST
	unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT
	: "\${CRIU_LIBS_DIR=$1/usr/lib/criu}"
	export CRIU_LIBS_DIR
	exec $1/lib/$loader_name --inhibit-cache --library-path $1/lib $1/usr/sbin/criu "\$@"
	END
}

# What the loader itself resolves is what gets copied; it must all come from the fetched packages.
assemble() { # SUITE
	root=$apt_dir/root
	mkdir "$root"
	for deb in "$apt_dir"/cache/archives/*.deb; do
		dpkg-deb -x "$deb" "$root" || {
			why="unpack: dpkg-deb failed on $(basename "$deb")"
			return 1
		}
	done
	binary=$(find "$root" -path '*/sbin/criu' -type f)
	loader=$(find "$root" -type f \( -name 'ld-linux*.so.*' -o -name 'ld64.so.*' \) | head -n 1)
	if [ -z "$binary" ] || [ -z "$loader" ]; then
		why="unpack: the packages hold no sbin/criu or no ld.so"
		return 1
	fi
	loader_name=$(basename "$loader")
	folders=$(find "$root" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -s -d : -)
	"$loader" --inhibit-cache --library-path "$folders" --list "$binary" >"$tmp/needed" 2>&1 || {
		why="libraries: $(tail -n 1 "$tmp/needed")"
		return 1
	}
	sed -n 's/.* => \(.*\) (0x[0-9a-f]*)$/\1/p' "$tmp/needed" >"$tmp/libraries"
	if stray=$(grep -v "^$root/" "$tmp/libraries"); then
		why="libraries: not in the fetched packages: $(echo "$stray" | tr '\n' ' ')"
		return 1
	fi

	building=$prefix.new
	rm -rf "$building"
	mkdir -p "$building/lib" "$building/usr/sbin" "$building/usr/lib/criu"
	cp "$binary" "$building/usr/sbin/criu"
	cp "$loader" "$building/lib/$loader_name"
	while read -r library; do
		cp -L "$library" "$building/lib/"
	done <"$tmp/libraries"
	chmod 755 "$building/lib/$loader_name"
	launcher "$prefix" >"$building/criu"
	chmod 755 "$building/criu"
	{
		echo "# private criu of vcrun, made by setup/criu.sh on $(date -u +%Y-%m-%dT%H:%M:%SZ)"
		echo "# release $1, tested on kernel $(uname -r); package and version of what is in here:"
		find "$building/lib" "$building/usr" -type f -printf '/%f\n' >"$tmp/names"
		for deb in "$apt_dir"/cache/archives/*.deb; do
			# shellcheck disable=SC2016 # the fields are dpkg-deb's to expand
			! dpkg-deb -c "$deb" | grep -F -f "$tmp/names" >/dev/null ||
				dpkg-deb --show --showformat='${Package} ${Version}\n' "$deb"
		done
	} >"$building/MANIFEST"

	launcher "$building" >"$tmp/criu"
	chmod 755 "$tmp/criu"
}

try_suite() { # SUITE
	started=$(date +%s)
	say "index: reading the package index of $1"
	update_suite "$1" || return 1
	if ! papt apt-get -y --no-install-recommends --download-only install criu; then
		why="fetch: $(apt_error)"
		return 1
	fi
	set -- "$1" "$apt_dir"/cache/archives/*.deb
	say "fetch: criu of $1 and what it depends on, $(($# - 1)) packages, $(($(date +%s) - started)) s"
	assemble "$1" || return 1
}

# A reader finds either the old copy or the new one; a signal waits.
put_in_place() {
	trap '' INT TERM HUP
	rm -rf "$prefix.old"
	[ ! -e "$prefix" ] || mv "$prefix" "$prefix.old"
	mv "$building" "$prefix"
	building=''
	rm -rf "$prefix.old"
	trap 'exit 130' INT TERM HUP
}

ours_or_free() {
	[ ! -e "$prefix" ] || [ -f "$prefix/MANIFEST" ] || rmdir "$prefix" 2>/dev/null ||
		die "$prefix exists and was not made by this script (no MANIFEST in it)" \
			"move it away, or choose another --prefix"
}

# ---- the steps -------------------------------------------------------------------------------

while [ $# -gt 0 ]; do
	case $1 in
	--prefix)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		prefix=$2
		shift
		;;
	--prefix=*) prefix=${1#*=} ;;
	--force-private) force_private=yes ;;
	--remove) remove=yes ;;
	-h | --help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done
case $prefix in
/*[!A-Za-z0-9/._+-]* | [!/]* | '' | */ | */../* | */..)
	die "--prefix $prefix: need an absolute path of letters, digits, / . _ + and -, no / at the end" ;;
esac
[ "$(id -u)" -eq 0 ] || die "criu needs root, this is uid $(id -u)" "run it with sudo"

if [ $remove = yes ]; then
	if [ ! -e "$prefix" ]; then
		say "remove: there is no $prefix"
		exit 0
	fi
	ours_or_free
	rm -rf "$prefix" "$prefix.new" "$prefix.old"
	say "remove: removed $prefix"
	exit 0
fi

trap cleanup EXIT
trap 'exit 130' INT TERM HUP
tmp=$(mktemp -d "${TMPDIR:-/tmp}/vcrun-criu.XXXXXX")
chmod 755 "$tmp" # apt fetches as user _apt
build_probe

if [ -x "$prefix/criu" ] && criu_works "$prefix/criu"; then
	found "$prefix/criu"
fi
system_failed=no installed=no
if [ $force_private = no ]; then
	if command -v criu >/dev/null || try_system_package; then
		system=$(command -v criu)
		! criu_works "$system" || found "$system"
		system_failed=yes
		[ $installed = no ] ||
			say "apt: criu $candidate stays installed; apt-get purge criu removes it"
	fi
fi

ours_or_free
find_mirror
mkdir -p "$(dirname "$prefix")"
exec 9<"$(dirname "$prefix")"
if ! flock -n 9; then
	say "waiting for another run of this script"
	flock 9
	if [ -x "$prefix/criu" ] && criu_works "$prefix/criu"; then
		found "$prefix/criu"
	fi
fi
for suite in $suites; do
	# The system's own criu came from there and has failed already.
	[ "$suite" != "$codename" ] || [ $system_failed = no ] || continue
	why=''
	if ! try_suite "$suite"; then
		say "$suite: $why"
		tried="$tried
criu.sh:   $suite: $why"
	elif criu_works "$tmp/criu" "criu of $suite"; then
		put_in_place
		"$prefix/criu" --version >/dev/null 2>&1 ||
			die "install: $prefix/criu does not start" "check that $prefix is not mounted noexec"
		say "install: $prefix ($(du -sh "$prefix" | cut -f 1))"
		found "$prefix/criu"
	fi
	rm -rf "$tmp/apt-$suite" "$prefix.new"
	building=''
done
die "no criu works on kernel $(uname -r). Tried:$tried" \
	"$hint"
