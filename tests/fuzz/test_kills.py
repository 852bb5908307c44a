"""A report that is killed while it writes leaves every file as it was, or as it was to be.

CALIBEVAL_KILLS sets the number of kills: 3 in the suite, 200 by `make fuzz`.
"""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

KILLS = int(os.environ.get("CALIBEVAL_KILLS", "3"))
COMMAND = [sys.executable, "-m", "calibeval", "report", "sample_data/digits_test.npz", "--out"]
FOLDER = b"{the folder}"  # in whose place report.json, which names its command, has the folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The files of an undisturbed report, and how long it took."""
    folder = tmp_path_factory.mktemp("finished")
    began = time.monotonic()
    subprocess.run([*COMMAND, str(folder)], check=True, capture_output=True)
    contents = {path.name: path.read_bytes().replace(str(folder).encode(), FOLDER) for path in folder.iterdir()}
    return contents, time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_a_kill_leaves_whole_files(number, finished, tmp_path):
    contents, duration = finished
    contents = {name: content.replace(FOLDER, str(tmp_path).encode()) for name, content in contents.items()}
    for name in contents:
        (tmp_path / name).write_bytes(b"old")
    process = subprocess.Popen([*COMMAND, str(tmp_path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Most kills fall into the second half, where files are written; some come before or after.
    time.sleep(duration * float(np.random.default_rng(number).uniform(0.4, 1.1)))
    process.send_signal(signal.SIGKILL if number % 4 else signal.SIGTERM)
    process.wait()
    for name, content in contents.items():
        assert (tmp_path / name).read_bytes() in (b"old", content), name
    if (tmp_path / "report.json").read_bytes() != b"old":
        assert all((tmp_path / name).read_bytes() == content for name, content in contents.items())
