"""Rounded probabilities and --renormalize, in every format, in shards, in splits, from streams and by the command."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

import calibeval
from calibeval import InputError
from tests.cli.invoking import run as invoked

RNG = np.random.default_rng(11)
N, K = 240, 6
Z = RNG.normal(size=(N, K)) * 2
P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
ROUNDED = np.round(P, 3)
LABELS = (P.cumsum(axis=1) > RNG.random((N, 1))).argmax(axis=1)
DIVIDED = ROUNDED / ROUNDED.sum(axis=1, keepdims=True)
OFF = np.abs(ROUNDED.sum(axis=1) - 1)
SAID = (
    "probabilities are rounded to 3 decimals: every row is divided by its sum "
    f"({np.count_nonzero(OFF > 5e-4)} of {N} rows were off by up to {OFF.max():.2g})"
)


def ece(p):
    """By plain arithmetic."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == LABELS
    bins = np.ceil(confidence * 15 - 1e-12).astype(int)
    return sum(abs(right[bins == b].sum() - confidence[bins == b].sum()) for b in range(1, 16)) / N


@pytest.fixture
def run(capsys):
    return lambda *command: invoked(capsys, *command)


def table(path, scores, labels, separator):
    lines = [separator.join([*(f"prob_{i}" for i in range(scores.shape[1])), "label"])]
    lines += [separator.join([*(f"{one:.3f}" for one in row), str(y)]) for row, y in zip(scores, labels, strict=True)]
    path.write_text("\n".join(lines) + "\n")


def written(folder, suffix, scores=ROUNDED, labels=LABELS, name="d"):
    path = folder / f"{name}.{suffix}"
    if suffix in ("csv", "tsv"):
        table(path, scores, labels, "," if suffix == "csv" else "\t")
    elif suffix == "jsonl":
        rows = zip(scores.tolist(), labels.tolist(), strict=True)
        path.write_text("".join(json.dumps({"probs": p, "label": y}) + "\n" for p, y in rows))
    elif suffix == "npz":
        np.savez(path, probs=scores, labels=labels)
    elif suffix == "parquet":
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        columns = {f"prob_{i}": scores[:, i] for i in range(scores.shape[1])}
        pq.write_table(pa.table({**columns, "label": labels}), path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "npz", "parquet"])
def test_every_format_says_the_same(tmp_path, suffix):
    path = written(tmp_path, suffix)
    for options in ({}, {"max_memory": 1000}):
        found = calibeval.read(path, **options)
        assert SAID in found.warnings
        assert "rounded to 3 decimals" in found.recognised
        report = calibeval.evaluate(found, level=None)
        assert report["ece"].value == pytest.approx(ece(DIVIDED), abs=1e-7)
    (reading,) = calibeval.inspect(path).readings
    assert (reading.error, "rounded to 3 decimals" in reading.recognised) == (None, True)


def test_float32_gives_the_same_numbers_from_npz_and_from_text(tmp_path):
    one = calibeval.read(written(tmp_path, "csv"))
    other = calibeval.read(written(tmp_path, "npz", ROUNDED.astype(np.float32)))
    assert (one.scores[0:N] == other.scores[0:N]).all()
    assert one.precision == other.precision


def test_shards_are_one_dump(tmp_path):
    for i, rows in enumerate((slice(0, 100), slice(100, N))):
        written(tmp_path, "npz", ROUNDED[rows], LABELS[rows], f"d-0000{i}-of-00002")
    found = calibeval.read(tmp_path / "d-00000-of-00002.npz")
    assert found.warnings == (SAID,)
    written(tmp_path, "npz", P[100:], LABELS[100:], "d-00001-of-00002")
    with pytest.raises(InputError, match=r"not to 1 within 0\.0001, .* renormalize=True divides every row by its sum"):
        calibeval.evaluate(tmp_path / "d-00000-of-00002.npz")
    report = calibeval.evaluate(tmp_path / "d-00000-of-00002.npz", renormalize=True, level=None)
    expected = np.concatenate([DIVIDED[:100], P[100:]])
    assert report["ece"].value == pytest.approx(ece(expected), abs=1e-7)


def test_each_split_is_looked_at_by_itself(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, val_probs=P, val_labels=LABELS, test_probs=ROUNDED, test_labels=LABELS)
    assert calibeval.read(f"{path}#val").warnings == ()
    assert calibeval.read(f"{path}#test").warnings == (SAID,)


def test_the_command_says_it_and_apply_writes_divided_rows(tmp_path, run):
    path, made, out = written(tmp_path, "csv"), tmp_path / "m.json", tmp_path / "out.npz"
    shown = run("report", path, "--json")
    assert f"warning: d.csv: {SAID}" in shown.err
    (dump,) = json.loads(shown.out)["dumps"]
    assert {"code": "rounded", "message": SAID} in dump["warnings"]
    assert dump["metrics"]["ece"]["value"] == pytest.approx(ece(DIVIDED), abs=1e-7)
    assert SAID[:40] in run("inspect", path).out
    assert run("fit", path, "-o", made).code == 0
    applied = run("apply", made, path, "-o", out)
    assert (applied.code, SAID in applied.err) == (0, True)
    temperature = json.loads(made.read_text())["parameters"]["temperature"]
    with np.errstate(divide="ignore"):
        z = np.log(DIVIDED) / temperature
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    with np.load(out) as arrays:
        assert np.exp(arrays["log_probs"]) == pytest.approx(expected, abs=1e-6)


def test_renormalize_works_wherever_files_are_read(tmp_path, run):
    path, made = written(tmp_path, "npz", 1 / (1 + np.exp(-Z))), tmp_path / "m.json"
    for command in (
        ("report", path),
        ("fit", path, "-o", made),
        ("apply", made, path, "-o", tmp_path / "out.npz"),
        ("gate", path, "--max", "ece=0.9"),
        ("conventions", path),
        ("compare", path, path),
    ):
        refused = run(*command)
        if command[0] != "apply":  # which needs the map that fit has written
            assert (refused.code, "One-vs-rest or multi-label scores? --renormalize" in refused.err) == (3, True)
        assert "rows were divided by their sums" in run(*command, "--renormalize").err
    assert "divided by the sums of rows" in run("inspect", path, "--renormalize").out
    wrong = run("report", path, "--kind", "logits", "--renormalize")
    assert (wrong.code, "but these are logits" in wrong.err) == (2, True)


def test_standard_input_is_recognised(tmp_path, monkeypatch):
    text = written(tmp_path, "csv").read_bytes()

    class Stream:
        buffer = io.BytesIO(text)

    monkeypatch.setattr("sys.stdin", Stream())
    found = calibeval.read("-")
    assert found.warnings == (SAID,)
