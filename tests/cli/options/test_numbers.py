"""Every option that takes a number, with numbers that nobody can mean: exit 2, one short line, at once."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from typer.core import TyperOption

from calibeval.cli.main import program
from tests.cli import feature_files as files
from tests.cli.invoking import built, run
from tests.data import logits_and_labels

WORDS = {
    "report": ["report", "a.npz"],
    "inspect": ["inspect", "a.npz"],
    "conventions": ["conventions", "a.npz"],
    "fit": ["fit", "a.npz", "-o", "map.json"],
    "apply": ["apply", "map.json", "a.npz", "-o", "b.npz"],
    "compare": ["compare", "a.npz", "a.npz"],
    "gate": ["gate", "a.npz", "--max", "ece=0.9"],
    "survey": ["survey", "{part:train|val}.npz"],
    "finetune": ["finetune", "train.npz", "--val", "val.npz", "-o", "run"],
    "sums": ["sums", "a.npz", "-o", "a.sums"],
    "predict": ["predict", "run", "val.npz", "-o", "b.npz"],
}
NEVER = ["9" * 400, "-" + "9" * 400, "9" * 5000, "-" + "9" * 5000, "nan", "inf", "-inf", "1e999", "x" * 5000]
NUMBERS = ("int", "float", "range", "size", "integer")


def numeric():
    """Every option of every command whose value is a number."""
    for name, command in getattr(built(program()), "commands").items():  # noqa: B009 - typer says too little of its type
        for option in command.params:
            if isinstance(option, TyperOption) and not option.is_flag and any(k in option.type.name for k in NUMBERS):
                yield name, option.opts[-1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logits, labels = logits_and_labels(60, 2)
    np.savez("a.npz", logits=logits, labels=labels)
    return files.splits(tmp_path)


def test_the_options_are_found():
    found = set(numeric())
    assert {name for name, _ in found} == set(WORDS)
    there = {"--bins", "--level", "--seed", "--clip", "--cross-fit", "--ignore-index", "--max-bytes", "--jobs", "--lr"}
    assert there <= {option for _, option in found}


@pytest.mark.parametrize(("command", "option"), sorted(set(numeric())))
def test_numbers_that_nobody_means(capsys, folder, command, option):
    for value in NEVER:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = run(capsys, *WORDS[command], f"{option}={value}", "-q")
        assert (result.code, result.out) == (2, ""), value[:20]
        assert result.err.count("\n") == 1
        assert len(result.err) < 500
    assert not {"map.json", "b.npz", "run"} & {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("command", "option"), sorted(set(numeric())))
def test_numbers_at_the_edges(capsys, folder, command, option):
    """Whether they can be meant or not: no crash, and no long line."""
    # One epoch reads an option as well as the usual 20 would.
    more = ["--overwrite", *(["--epochs=1"] if option != "--epochs" else [])] if command == "finetune" else []
    if command == "finetune" and option in ("--seeds", "--epochs", "--trials"):
        values = ["-1", "0", str(2**63), str(2**64)]
    else:
        values = ["-1", "0", "1", str(2**31), str(2**63 - 1), str(2**63), str(2**64), "1e308", "1e-320", "5e-324", "-0"]
    for value in values:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = run(capsys, *WORDS[command], *more, f"{option}={value}", "-q")
        assert result.code in (0, 2, 3, 4, 5), (value, result.err)
        assert len(result.err) < 500


@pytest.mark.parametrize("option", ["--max", "--min", "--max-increase", "--max-drop"])
@pytest.mark.parametrize("value", [f"ece={one}" for one in NEVER] + NEVER)
def test_limits_that_nobody_means(capsys, folder, option, value):
    result = run(capsys, "gate", "a.npz", f"{option}={value}")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert len(result.err) < 500


@pytest.mark.parametrize("value", NEVER)
@pytest.mark.parametrize(
    "loss", ["mbls(margin={})", "focal(gamma={})", "cals(margin=2,lambd_init={})", "ce({}=1)", "{}"]
)
def test_losses_that_nobody_means(capsys, folder, loss, value):
    result = run(capsys, *WORDS["finetune"], "--loss", loss.format(value), "-q")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert len(result.err) < 500
