"""`calibeval finetune --labels`: features in one file, the labels of all splits in another."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cli import feature_files as files
from tests.cli.invoking import run

SIZES = {"train": 120, "val": 80, "test": 60}


@pytest.fixture
def folder(tmp_path):
    made = {split: files.rows(n, seed) for seed, (split, n) in enumerate(SIZES.items())}
    np.savez(tmp_path / "x.npz", **{f"{split}_features": x for split, (x, _) in made.items()})
    np.savez(tmp_path / "y.npz", **{f"{split}_labels": y for split, (_, y) in made.items()})
    both = {f"{split}_features": x for split, (x, _) in made.items()}
    np.savez(tmp_path / "both.npz", **both, **{f"{split}_labels": y for split, (_, y) in made.items()})
    return tmp_path


def words(folder, cache, *more, out="run"):
    named = [f"{folder / cache}#train", "--val", f"{folder / cache}#val", "--test", f"{folder / cache}#test"]
    return ["finetune", *named, "-o", folder / out, "--loss", "ce", "--epochs", 2, "--jobs", 1, "-q", *more]


def test_the_heads_are_those_of_one_file(capsys, folder):
    assert run(capsys, *words(folder, "x.npz", "--labels", folder / "y.npz")).code == 0
    assert run(capsys, *words(folder, "both.npz", out="both")).code == 0
    for name in ("head.safetensors", "history.jsonl"):
        assert (folder / "run" / name).read_bytes() == (folder / "both" / name).read_bytes()
    settings = [files.load(folder / name / "finetune.json")["settings"]["labels_sha256"] for name in ("run", "both")]
    assert settings[0].keys() == SIZES.keys()
    assert settings[1] is None


def test_other_labels_are_another_command(capsys, folder):
    assert run(capsys, *words(folder, "x.npz", "--labels", folder / "y.npz")).code == 0
    with np.load(folder / "y.npz") as labels:
        np.savez(folder / "y.npz", **{name: values[::-1] for name, values in labels.items()})
    result = run(capsys, *words(folder, "x.npz", "--labels", folder / "y.npz", "--resume"))
    assert result.code == 2
    assert "belongs to a different command (labels_sha256" in result.err


def test_the_labels_are_not_overwritten(capsys, folder):
    (folder / "run").mkdir()
    (folder / "y.npz").rename(folder / "run" / "val_logits.npz")
    result = run(capsys, *words(folder, "x.npz", "--labels", folder / "run" / "val_logits.npz"))
    assert result.code == 2
    assert "val_logits.npz" in result.err
