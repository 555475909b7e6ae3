"""Programs that make it hard to look at them. Each writes ``done``, or why it cannot, and waits."""

from __future__ import annotations

HUGE = """
# 2 GiB of zero pages are declared to be the environment and the arguments: prctl(2).
import ctypes, os, struct, sys, time
fields = open('/proc/self/stat').read().rpartition(')')[2].split()
code, end_code, stack, data, end_data, brk = (int(fields[n - 3]) for n in (26, 27, 28, 45, 46, 47))
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.sbrk.restype = ctypes.c_void_p
size = 2 << 30
zeros = libc.mmap(None, ctypes.c_size_t(size), 1, 0x4022, -1, 0)
ends = (zeros, zeros + size, zeros, zeros + size)
layout = struct.pack('=11QQIi', code, end_code, data, end_data, brk, libc.sbrk(0), stack, *ends,
                     0, 0, -1)
refused = libc.prctl(35, 14, layout, ctypes.c_ulong(len(layout)), 0)
print(os.strerror(ctypes.get_errno()) if refused else 'done', flush=True)
time.sleep(600)
"""

RESTLESS = """
# The environment and the arguments change all the time.
import os, threading, time
fields = open('/proc/self/stat').read().rpartition(')')[2].split()
start, end = int(fields[45]), int(fields[48])
print('done', flush=True)
with open('/proc/self/mem', 'r+b', buffering=0) as memory:
    for number in range(10**9):
        memory.seek(start)
        memory.write((b'RECON_ID=x/%d\\0' % number * (end - start))[: end - start])
"""
