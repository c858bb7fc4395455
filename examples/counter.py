#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""counter.py - a program that would notice if a move did anything to it

Reads numbers, one a line; answers each with "NUMBER SUM". It holds 64 MiB of
memory with a known checksum and a thread that watches the clock. At the end of its input it
says what became of them: "end SUM MEMORY PAUSE_MS PID".

It knows nothing of vcrun; './quickstart' moves it while it counts.
"""
import os
import sys
import threading
import time
import zlib

MEMORY = bytearray(os.urandom(1 << 20) * 64)
CHECKSUM = zlib.crc32(MEMORY)
longest_pause = 0.0


def watch_the_clock():
    global longest_pause
    before = time.time()
    while True:
        time.sleep(0.001)
        now = time.time()
        longest_pause = max(longest_pause, now - before - 0.001)
        before = now


threading.Thread(target=watch_the_clock, daemon=True).start()
total = 0
for line in sys.stdin:
    total += int(line)
    print(int(line), total, flush=True)
same = "same" if zlib.crc32(MEMORY) == CHECKSUM else "changed"
print("end", total, same, f"{longest_pause * 1000:.0f}", os.getpid(), flush=True)
