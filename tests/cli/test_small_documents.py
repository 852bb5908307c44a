"""Wherever a command reads a small document, something else of its name is answered at once: exit 4, one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli import feature_files as files
from tests.cli.invoking import run
from tests.data import logits_and_labels
from tests.odd_files import ODD, bound_socket, folder


@pytest.fixture(autouse=True)
def dump(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    logits, labels = logits_and_labels(60, 3)
    np.savez(tmp_path / "a.npz", logits=logits, labels=labels)


ROLES = {
    "map.json": ["apply", "map.json", "a.npz", "-o", "b.npz"],
    "saved.json": ["report", "a.npz", "--map", "saved.json"],
    "base.json": ["compare", "base.json", "a.npz"],
    "baseline.json": ["gate", "a.npz", "--max", "ece=0.5", "--baseline", "baseline.json"],
    "named.toml": ["gate", "a.npz", "--config", "named.toml"],
    "calibeval.toml": ["gate", "a.npz", "--max", "ece=0.5"],
    "pyproject.toml": ["gate", "a.npz", "--max", "ece=0.5"],
    "names.txt": ["report", "a.npz", "--class-names", "names.txt"],
}


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_what_is_no_document(capsys, tmp_path, name, make, words):
    if words and name == "map.json":
        words = []
    make(tmp_path / name)
    before = set(tmp_path.iterdir())
    result = run(capsys, *ROLES[name], *words)
    said = json.loads(result.err)["error"]["message"] + "\n" if words else result.err
    assert (result.code, said) == (4, f"{name}: {ODD[make]}\n")
    assert set(tmp_path.iterdir()) == before


RUN = {
    "head.json": ["predict", "run", "test.npz", "-o", "logits.npz"],
    "finetune.json": files.words(Path(), "-q", "--resume"),
    "checkpoint.safetensors": files.words(Path(), "-q", "--resume"),
}


NOT_WRITTEN = {
    make: f"this is a {what}, which cannot be written to; name another output"
    for make, what in ((bound_socket, "socket"), (folder, "folder"))
}


@pytest.mark.parametrize("name", RUN)
@pytest.mark.parametrize("make", ODD)
def test_what_is_no_document_of_a_run(capsys, tmp_path, name, make):
    files.splits(tmp_path)
    assert run(capsys, *files.words(Path(), "-q")).code == 0
    path = tmp_path / "run" / name
    path.unlink(missing_ok=True)
    make(path)
    before = files.contents(tmp_path)
    result = run(capsys, *RUN[name])
    if "finetune" in RUN[name] and make in NOT_WRITTEN:  # a file of the run, which is written as well
        assert (result.code, result.err) == (2, f"run/{name}: {NOT_WRITTEN[make]}\n")
    else:
        assert (result.code, result.err) == (4, f"run/{name}: {ODD[make]}\n")
    assert files.contents(tmp_path) == before


@pytest.mark.parametrize("words", [["--overwrite"], ["--resume"]])
@pytest.mark.parametrize("make", ODD)
def test_what_is_no_history(capsys, tmp_path, make, words):
    files.splits(tmp_path)
    (tmp_path / "run").mkdir()
    make(tmp_path / "run" / "history.jsonl")
    result = run(capsys, *files.words(Path(), "-q", *words))
    assert result.code == (2 if make in NOT_WRITTEN else 4)
    assert result.err.startswith("run/history.jsonl: ")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["--overwrite"], ["--resume"]])
@pytest.mark.parametrize("hard", [False, True])
def test_what_lies_behind_a_history_is_not_touched(capsys, tmp_path, words, hard):
    """A link in a run's folder may lead anywhere."""
    files.splits(tmp_path)
    (tmp_path / "run").mkdir()
    precious = tmp_path / "precious"
    precious.write_text("precious\n", encoding="utf-8")
    history = tmp_path / "run" / "history.jsonl"
    if hard:
        history.hardlink_to(precious)
    else:
        history.symlink_to(precious)
    result = run(capsys, *files.words(Path(), "-q", *words))
    said = "has a second name elsewhere" if hard else "is a link"
    assert (result.code, result.err) == (4, f"run/history.jsonl: {said}, so it is not written to; remove it\n")
    assert precious.read_text(encoding="utf-8") == "precious\n"
