"""`calibeval inspect`: what is in a file, for people and as JSON."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from tests.cli.invoking import run
from tests.readers.dumps import LABELS, LOGITS, PROBS, npz


def test_a_file_with_splits(sample_data, capsys):
    path = sample_data / "diamonds.npz"
    result = run(capsys, "inspect", path)
    assert (result.code, result.err) == (0, "")
    assert f"{path}#val: logits, 12,000 rows, 5 classes" in result.out
    assert f"{path}#test: logits, 20,000 rows, 5 classes" in result.out
    assert "  columns: color (7 values), carat_band (4 values)" in result.out
    assert "  rows have ids" in result.out
    assert '  read as: logits from "logits" · labels from "labels"\n' in result.out
    assert hashlib.sha256(path.read_bytes()).hexdigest() in result.out


def test_json(sample_data, capsys):
    path = sample_data / "diamonds.npz"
    result = run(capsys, "inspect", f"{path}#val", "--json")
    document = result.json
    assert (result.code, result.err, document["schema"]) == (0, "", "calibeval.inspection/1")
    assert document["splits"] == ["val", "test"]
    (reading,) = document["readings"]
    assert (reading["name"], reading["kind"], reading["n"], reading["k"]) == (f"{path}#val", "logits", 12_000, 5)
    assert reading["recognised"] == ['logits from "logits"', 'labels from "labels"']
    assert {"key": "val_logits", "shape": [12_000, 5], "dtype": "float32", "role": "logits of val"} in document[
        "arrays"
    ]


@pytest.mark.parametrize("suffix", ["npz", "pt", "csv"])
def test_every_format(suffix, sample_data, capsys):
    result = run(capsys, "inspect", sample_data / f"digits_val.{suffix}")
    assert result.code == 0
    assert ": logits, 600 rows, 10 classes" in result.out


def test_what_cannot_be_read_is_said_and_is_no_failure(tmp_path, capsys):
    path = npz(tmp_path, logits=PROBS, labels=LABELS)
    result = run(capsys, "inspect", path)
    assert result.code == 0
    assert f"{path}: cannot be read as a dump\n  d.npz: these logits are all non-negative" in result.out
    assert [line for line in result.out.splitlines() if line.startswith(" ") and len(line) > 100] == []
    assert ": probs, 20 rows, 3 classes" in run(capsys, "inspect", path, "--kind", "probs").out


def test_options_that_change_the_reading(tmp_path, capsys):
    path = npz(tmp_path, mine=LOGITS, truth=np.where(LABELS == 2, 255, LABELS))
    options = ["--logits-key", "mine", "--labels-key", "truth", "--ignore-index", "255"]
    assert ": logits, 14 rows, 6 more ignored, 3 classes" in run(capsys, "inspect", path, *options).out


@pytest.mark.parametrize(
    ("name", "content", "code", "message"),
    [
        ("no.npz", None, 4, "there is no such file"),
        ("d.npz", b"", 3, "d.npz: the file is empty"),
        ("d.npz", b"text", 3, "d.npz: not a zip"),
        ("d.npx", b"text", 3, 'd.npx: the suffix ".npx" is unknown'),
    ],
)
def test_errors(name, content, code, message, tmp_path, capsys):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = run(capsys, "inspect", tmp_path / name)
    assert (result.code, result.out) == (code, "")
    assert message in result.err
    as_json = run(capsys, "inspect", tmp_path / name, "--json")
    assert (as_json.code, as_json.out) == (code, "")
    assert message in json.loads(as_json.err)["error"]["message"]


def test_a_feature_cache_is_described(capsys, tmp_path):
    labelled, plain = tmp_path / "cache.npz", tmp_path / "plain.npz"
    features = np.random.default_rng(0).normal(size=(6, 3))
    np.savez(labelled, train_features=features, train_labels=[0, 1, 0, 1, 2, 0])
    np.savez(plain, features=features)
    assert f"{labelled}#train: features, 6 rows, 3 features per row, 3 classes" in run(capsys, "inspect", labelled).out
    assert f"{plain}: features, 6 rows, 3 features per row, no labels" in run(capsys, "inspect", plain).out


def test_features_beside_bad_scores_do_not_hide_them(capsys, tmp_path):
    path = tmp_path / "both.npz"
    np.savez(path, features=np.ones((2, 3)), logits=np.full((2, 2), np.nan), labels=[0, 1])
    assert "cannot be read as a dump" in run(capsys, "inspect", path).out
