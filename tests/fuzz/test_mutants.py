"""Thousands of damaged files: each is read or refused, in time, without a traceback, a crash or much memory.

CALIBEVAL_FUZZ sets the number of mutants a format: 2,000 in the suite, 20,000 by `make fuzz`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import SEEDS

MUTANTS = int(os.environ.get("CALIBEVAL_FUZZ", "2000"))
ROUNDS = 2  # each is a process, which takes a second to start


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SEEDS)
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_mutants_are_read_or_refused(suffix, seed, tmp_path):
    worker = Path(__file__).with_name("worker.py")
    command = [sys.executable, str(worker), "mutants", suffix, str(MUTANTS // ROUNDS), str(seed), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    *wrong, last = done.stdout.strip().split("\n")
    assert done.returncode == 0, done.stderr[-2000:]
    assert wrong == []
    assert last.startswith("done")
