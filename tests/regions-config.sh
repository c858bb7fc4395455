#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# regions-config - a region that could never be is refused when it is read, with its line
. "${top_srcdir:=.}/tests/lib.sh"

wrong() { # LINE WHAT_IT_SAYS, the regions on standard input
	{
		printf 'partition a {\n\tcpus = "0"\n\tmemory = "64M"\n}\n'
		cat
	} >"$work/bad.conf"
	try vcctl up --config="$work/bad.conf"
	is "exit status for: $2" "$status" 1
	matches "message" "$out" "bad\.conf:$1: .*$2"
}
wrong 6 'would own regions of 64M in all, and has 64M' <<'END'
region r {
	size = "64M"
	owner = "a"
}
END
wrong 7 'there is no partition "z"' <<'END'
region r {
	size = "1M"
	owner = "z"
}
END
wrong 8 'there is no partition "b"' <<'END'
region r {
	size = "1M"
	owner = "a"
	share = { "b" }
}
END
wrong 7 'has no owner' <<'END'
region r {
	size = "1M"
}
END
wrong 6 'give permission bits' <<'END'
region r {
	mode = "rw"
}
END
wrong 6 'there is no user "nobody-here"' <<'END'
region r {
	user = "nobody-here"
}
END
