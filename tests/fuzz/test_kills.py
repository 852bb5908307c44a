"""A command that is killed, or ended by a signal, leaves every file as it was, or as it was to be, and nothing else.

CALIBEVAL_KILLS sets the number of kills: 8 in the suite, 300 by `make fuzz`.
"""

import functools
import os
import re
import signal
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
import pytest

from calibeval.writers.tensors import write_tensors
from tests.cli import feature_files
from tests.cli.invoking import ENVIRONMENT

KILLS = int(os.environ.get("CALIBEVAL_KILLS", "8"))
DUMP, VAL = "digits.npz#test", "digits.npz#val"
COMMANDS = {
    "report": ["report", DUMP, "--fit-on", VAL, "--allow-leak", "--out", "out", "--figure", "figure.pdf"],
    "compare": ["compare", DUMP, DUMP, "--out", "out"],
    "gate": ["gate", DUMP, "--max", "ece=0.001", "-o", "out", "--export", "junit=j.xml", "--export", "markdown=m.md"],
    "fit": ["fit", VAL, "-o", "m.json"],
    "apply": ["apply", "map.json", DUMP, "-o", "applied.csv"],
    "predict": ["predict", "head.safetensors", "train.npz", "-o", "predicted.npz"],
    "finetune": ["finetune", "train.npz", "--val", "val.npz", "-o", "run", "--overwrite", "--epochs", "40", "-q"],
}
VERDICTS = {"gate": 1}
SIGNALS = {signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130, signal.SIGHUP: 129}
OLD = {"run/history.jsonl": b'{"stage": 1}'}  # by which a folder is known as that of a run
GROWING = ("run/history.jsonl", "run/checkpoint.safetensors")
TEMPORARY = re.compile(r"\.calibeval-[0-9a-f]{8}-[0-9]+-[0-9a-f]{8}\.tmp$")
BEGINS = 0.5  # seconds, within which Python itself starts


class Finished(NamedTuple):
    """The files that a command leaves, and how long it takes."""

    contents: dict[str, bytes]
    seconds: float


def command(name):
    return [sys.executable, "-m", "calibeval", *COMMANDS[name]]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, sample_data):
    """The files that the commands read."""
    folder = feature_files.splits(tmp_path_factory.mktemp("inputs"))
    both = {}
    for split in ("val", "test"):
        with np.load(sample_data / f"digits_{split}.npz") as arrays:
            both |= {f"{split}_{key}": value for key, value in arrays.items() if len(value.shape)}
    np.savez(folder / "digits.npz", **both)
    rng = np.random.default_rng(0)
    head = {"weight": rng.normal(size=(feature_files.K, feature_files.D)), "bias": np.zeros(feature_files.K)}
    write_tensors(folder / "head.safetensors", head)
    fit = [sys.executable, "-m", "calibeval", "fit", VAL, "-o", "map.json"]
    subprocess.run(fit, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
    return feature_files.contents(folder)


def laid_out(folder, contents):
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    """What an undisturbed command leaves; each is run when it is needed."""

    @functools.cache
    def run(name):
        folder = laid_out(tmp_path_factory.mktemp(name), inputs)
        began = time.monotonic()
        done = subprocess.run(command(name), cwd=folder, env=ENVIRONMENT, check=False, capture_output=True)
        assert done.returncode == VERDICTS.get(name, 0), done.stderr
        contents = {key: value for key, value in feature_files.contents(folder).items() if key not in inputs}
        return Finished(contents, time.monotonic() - began)

    return run


def check_whole(name, folder, inputs, contents, *, killed):
    """Every file is the old one or the new one; temporary files are left by a kill alone. Returns their names."""
    found = feature_files.contents(folder)
    assert all(found.pop(key) == value for key, value in inputs.items())
    temporary = [key for key in found if TEMPORARY.search(key)]
    assert len(temporary) <= killed
    for key, value in found.items():
        if key in GROWING:
            assert key != GROWING[0] or value == OLD[key] or contents[key].startswith(value)
        elif key not in temporary:
            assert value in (b"old", contents[key]), key
    assert name == "finetune" or found.keys() - set(temporary) == contents.keys()
    return temporary


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_a_kill_leaves_whole_files(number, inputs, finished, tmp_path):
    name = list(COMMANDS)[number % len(COMMANDS)]
    sent = list(SIGNALS)[(number + number // len(COMMANDS)) % len(SIGNALS)]
    contents, duration = finished(name)
    laid_out(tmp_path, inputs | dict.fromkeys(contents, b"old") | {key: OLD[key] for key in OLD.keys() & contents})
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    began = time.monotonic()
    with subprocess.Popen(command(name), cwd=tmp_path, env=ENVIRONMENT, text=True, **streams) as process:
        # Most signals come in the second half, where files are written; some before or after.
        rng = np.random.default_rng(number)
        time.sleep(duration * rng.uniform(0.5, 1.05) if rng.uniform() < 0.75 else duration * rng.uniform(0.05, 0.5))
        process.send_signal(sent)
        began_only = time.monotonic() - began < BEGINS
        _, said = process.communicate(timeout=120)
    codes = {SIGNALS[sent], VERDICTS.get(name, 0)} | ({-sent} if began_only else set())
    assert process.returncode in codes, said
    assert "Traceback" not in said or process.returncode == -sent
    left = check_whole(name, tmp_path, inputs, contents, killed=sent == signal.SIGKILL)
    if left or number < len(COMMANDS):
        done = subprocess.run(command(name), cwd=tmp_path, env=ENVIRONMENT, check=False, capture_output=True)
        assert done.returncode == VERDICTS.get(name, 0)
        assert feature_files.contents(tmp_path) == inputs | contents
