"""A temporary copy lasts as long as somebody may read it: a thread may do so until the process has ended."""

from __future__ import annotations

import gc
import subprocess
import sys

from calibeval.readers.remote.copied import Copy

AT_THE_END = """
import atexit
atexit.register(lambda: print(open(copy.path).read()))  # the handler that is registered first runs last
from calibeval.readers.remote.copied import Copy
copy = Copy()
copy.file.write(b"still there")
copy.file.flush()
"""


def test_a_copy_can_be_read_until_the_process_ends():
    done = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("still there\n", "")


def test_a_copy_that_nobody_has_is_closed():
    copy = Copy()
    file = copy.file
    del copy
    gc.collect()
    assert file.closed
