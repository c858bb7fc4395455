#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# jvm - a Java program counts in several threads; jstack attaches to it between moves
. "${top_srcdir:=.}/tests/lib.sh"
. "$top_srcdir/tests/lib-move.sh"
. "$top_srcdir/tests/programs/lib-programs.sh"
requires java javac jstack python3 setpriv
up

cat >"$work/Count.java" <<'END'
import java.util.concurrent.atomic.AtomicLong;

public class Count {
	static final AtomicLong sum = new AtomicLong();

	public static void main(String[] args) throws Exception {
		for (int i = 0; i < 4; i++) {
			Thread thread = new Thread(() -> {
				byte[][] garbage = new byte[64][];
				for (int n = 0; ; n++) {
					garbage[n % 64] = new byte[8192];
					sum.incrementAndGet();
					try { Thread.sleep(1); } catch (InterruptedException e) { System.exit(3); }
				}
			}, "worker-" + i);
			thread.setDaemon(true);
			thread.start();
		}
		for (int line = 1; !new java.io.File("stop").exists(); line++) {
			long before = sum.get();
			Thread.sleep(20);
			System.out.println(line + " " + (sum.get() >= before));
		}
	}
}
END
javac -d "$work" "$work/Count.java"

attach_and_look() {
	as "$uid" jstack "$(job jvm pid)" >"$work/jstack.out" 2>&1 ||
		fail "jstack: $(cat "$work/jstack.out")"
	is "threads that jstack sees" "$(grep -c '^"worker-' "$work/jstack.out")" 4
	gets_on "$work/jvm.out"
}

for uid in 0 $nobody; do
	dir=$(user_dir "$uid" "jvm-$uid")
	# shellcheck disable=SC2016 # for the inner shell to expand
	as "$uid" vcrun --on=vc0 --name=jvm sh -c 'cd "$1" && exec java -Xmx64m -cp "$2" Count' \
		- "$dir" "$work" >"$work/jvm.out" &
	job=$!
	wait_for job_is jvm state running
	gets_on "$work/jvm.out"
	bounce jvm "$uid" 0.1 attach_and_look
	: >"$dir/stop"
	wait $job || fail "java: exit status $?: $(tail -n 3 "$work/jvm.out")"
	counts_up "what the program printed" "$work/jvm.out"
	is "lines that say false" "$(grep -c false "$work/jvm.out" || :)" 0
	show_moves "a JVM with jstack, uid $uid"
done
