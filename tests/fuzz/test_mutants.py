"""Thousands of damaged files: each is read or refused, in time, without a traceback, a crash or much memory.

CALIBEVAL_FUZZ sets the number of mutants a format: 800 in the suite, 20,000 by `make fuzz`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import SEEDS

MUTANTS = int(os.environ.get("CALIBEVAL_FUZZ", "800"))
SEEDS_OF_MUTANTS = ("0", "1")  # by which seeds of some formats are compressed, or laid out, in one or another way


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SEEDS)
def test_mutants_are_read_or_refused(suffix, tmp_path):
    worker = Path(__file__).with_name("worker.py")
    files = str(MUTANTS // len(SEEDS_OF_MUTANTS))
    command = [sys.executable, str(worker), "mutants", suffix, files, str(tmp_path), *SEEDS_OF_MUTANTS]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    *wrong, last = done.stdout.strip().split("\n")
    assert done.returncode == 0, done.stderr[-2000:]
    assert wrong == []
    assert last.startswith("done")
