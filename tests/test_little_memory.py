"""Under a tight limit of memory the program says so in a sentence: never a traceback, a signal, or the gate's own 1."""

from __future__ import annotations

import resource

import numpy as np
import pytest

from tests.cli import feature_files as files
from tests.cli.invoking import program
from tests.data import logits_and_labels

COMMANDS = [
    ["gate", "a.npz", "--max", "ece=1"],
    ["report", "a.npz", "--json"],
    ["report", "a.npz", "--figure", "a.svg"],
    ["finetune", "train.npz", "--val", "val.npz", "-o", "run", "--epochs", "1", "-q"],
]


@pytest.fixture
def folder(tmp_path):
    logits, labels = logits_and_labels(60, 3)
    np.savez(tmp_path / "a.npz", logits=logits, labels=labels)
    return files.splits(tmp_path)


def limited(folder, mebibytes, words):
    limit = mebibytes * 2**20
    return program(*words, cwd=folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))


@pytest.mark.parametrize("mebibytes", [24, 32, 48, 96, 144, 192, 250])
@pytest.mark.parametrize("words", COMMANDS[:2])
def test_too_little_to_start(folder, mebibytes, words):
    result = limited(folder, mebibytes, words)
    assert (result.code, result.out, result.err.count("\n")) == (3, "", 1)
    assert "ulimit -v" in result.err or result.err == "there is not enough memory to start\n"


@pytest.mark.parametrize("mebibytes", [280, 400, 500, 600, 800])
@pytest.mark.parametrize("words", COMMANDS)
def test_enough_or_a_sentence(folder, mebibytes, words):
    result = limited(folder, mebibytes, words)
    assert result.code in (0, 3, 5)
    assert result.err.count("\n") <= 2
    assert "bug" not in result.err


def test_help_needs_little(folder):
    assert limited(folder, 64, ["--version"]).code == 0
