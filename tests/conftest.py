"""Settings that hold for the whole suite, and the folders that several tests read."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# One thread a process for BLAS and torch, which read this when they are loaded: several processes share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Output is as wide as it is for a pipe, whatever terminal, or pytest-xdist, says.
os.environ.pop("COLUMNS", None)
# A suite in the background of a shell ignores the interrupt key, and so would the programs that it starts.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("suite")

ROOT = Path(__file__).parent.parent


def pytest_collection():
    """What is imported and collected stays until the end: it is not looked through for garbage, then or later."""
    gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The committed dumps of two small networks."""
    return ROOT / "sample_data"
