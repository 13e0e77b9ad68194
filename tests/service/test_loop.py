import subprocess
import sys

MAPPED = """
import asyncio, ctypes
from gateway.service.loop import run

class MallocInfo(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

def mapped():
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = MallocInfo
    return mallinfo2().hblks

run(asyncio.sleep(0))
for _ in range(3):
    bytearray(300_000)
before = mapped()
blocks = [bytearray(300_000) for _ in range(5)]
held = mapped() - before
del blocks
print(held, mapped() - before)
"""


def test_large_blocks_stay_out_of_the_heap_however_many_were_freed() -> None:
    # In a process of its own: this one's heap may have room for them from earlier tests.
    shown = subprocess.run([sys.executable, "-c", MAPPED], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["5", "0"]
