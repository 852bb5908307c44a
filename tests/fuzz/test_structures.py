"""Thousands of whole files that are odd or impossible, under commands with options: each is read, or refused in words.

CALIBEVAL_FUZZ sets the number of files a format: 200 in the suite, 20,000 by `make fuzz`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fuzz.structures import STRUCTURES

FILES = int(os.environ.get("CALIBEVAL_FUZZ", "200"))
SEED = 15


@pytest.mark.slow
@pytest.mark.parametrize("suffix", STRUCTURES)
def test_odd_files_are_read_or_refused(suffix, tmp_path):
    worker = Path(__file__).with_name("worker.py")
    command = [sys.executable, str(worker), "structures", suffix, str(FILES), str(tmp_path), str(SEED)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, cwd=ROOT)
    *wrong, last = done.stdout.strip().split("\n")
    assert done.returncode == 0, done.stderr[-2000:]
    assert wrong == []
    assert last.startswith("done")
