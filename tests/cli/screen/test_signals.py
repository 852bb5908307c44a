"""What a signal leaves: its exit code, one line, and no file that is half written."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.invoking import ENVIRONMENT, failure

PROGRAM = [sys.executable, "-m", "calibeval"]
CASES = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung up")]


@pytest.mark.parametrize(("number", "code", "word"), CASES)
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_command_that_waits(number, code, word, flags, sample_data, tmp_path):
    # The program waits until somebody reads the pipe, when all files but this one are written.
    pipe = tmp_path / "pipe.svg"
    os.mkfifo(pipe)
    command = [*PROGRAM, "report", str(sample_data / "digits_test.npz"), "-q", "--figure", str(pipe), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as one:
        time.sleep(1.5)
        one.send_signal(number)
        out, err = one.communicate(timeout=60)
    assert (one.returncode, out) == (code, "")
    assert (json.loads(err) if flags else err) == (failure(code, word) if flags else f"{word}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.svg"]


@pytest.mark.parametrize(("number", "code", "word"), CASES)
def test_while_modules_are_imported(number, code, word, tmp_path):
    # A module in whose import the signal comes, in the place of one that every command imports.
    package = tmp_path / "typer"
    package.mkdir()
    (package / "__init__.py").write_text(f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(60)\n")
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ENVIRONMENT['PYTHONPATH']}"}
    done = subprocess.run(
        [*PROGRAM, "--version"], capture_output=True, text=True, check=False, env=environment, timeout=50
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"{word}\n")


def test_a_signal_within_a_clean_up_is_not_lost(tmp_path):
    code = (
        "import os, signal\n"
        "from calibeval.cli.screen import signals\n"
        "from pathlib import Path\n"
        "from calibeval.writers.atomic import replacing\n"
        "signals.end_on_signals()\n"
        "class Caught:\n"
        "    def __del__(self): os.kill(os.getpid(), signal.SIGTERM)\n"
        f"with replacing(Path({str(tmp_path / 'a')!r})) as file:\n"
        "    file.write(b'half'); file.flush()\n"
        "    caught = Caught(); del caught\n"
        "print('lost')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", "terminated\n")
    assert not list(tmp_path.iterdir())


def test_signals_that_are_ignored_stay_ignored(sample_data):
    command = f"trap '' HUP; {' '.join(PROGRAM)} report '{sample_data}/digits_test.npz' --json -q & "
    command += "kill -HUP $!; sleep 0.1; kill -HUP $!; wait $!"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["dumps"]
