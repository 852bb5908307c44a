"""Messages about near misses name the way out, and names of files, metrics and formats are those that a person sees."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tests.cli.invoking import run
from tests.conftest import ROOT

SAMPLES = ROOT / "sample_data"
TEST, DIAMONDS = SAMPLES / "digits_test.npz", SAMPLES / "diamonds.npz"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets.csv").write_text("cat,dog,label\n0.3,0.7,1\n0.6,0.4,0\n", encoding="utf-8")
    (tmp_path / "odd.csv").write_text("cat,dog,label\n0.3,-0.7,1\n0.6,0.4,0\n", encoding="utf-8")
    np.save(tmp_path / "bare.npy", np.full((5, 2), 0.5))
    return tmp_path


@pytest.fixture
def near(tmp_path):
    """The test rows with logits that differ in the tenth digit."""
    arrays = dict(np.load(TEST))
    np.savez(tmp_path / "near.npz", **{**arrays, "logits": arrays["logits"].astype(np.float64) * (1 + 1e-9)})
    return tmp_path / "near.npz"


NEAR: list[tuple[list[object], int, str]] = [
    (["report", "pets.csv"], 3, "every row: calibeval report pets.csv --score-columns cat,dog --kind probs\n"),
    (["report", "odd.csv"], 3, "; if these columns are the scores, say --score-columns cat,dog --kind logits.\n"),
    (["report", "bare.npy"], 3, "found an array without a name (5, 2) float64"),
    (["report", f"{TEST}#test"], 3, "found logits. This file has no splits; leave out #test\n"),
    (["report", TEST, "--fit-on", TEST], 3, "Fit on other rows, say --cross-fit 5, or use --allow-leak"),
    (["report", TEST, "--format", "json"], 2, '--format "json": use --json\n'),
    (["gate", TEST, "--min", "accuracy", "0.9"], 2, "write --min accuracy=0.9\n"),
]


@pytest.mark.parametrize(("words", "code", "message"), NEAR)
def test_a_near_miss_is_told_what_to_write(words, code, message, folder, capsys):
    result = run(capsys, *words)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_a_map_and_a_dump_in_the_wrong_order(folder, capsys):
    assert run(capsys, "fit", TEST, "-o", "map.json", "-q").code == 0
    result = run(capsys, "apply", TEST, "map.json", "-o", "new.npz")
    assert (result.code, result.err) == (2, f"{TEST}: is no map; the map comes first, as in apply map.json {TEST}\n")
    assert run(capsys, "apply", "pets.csv", "bare.npy", "-o", "new.npz").code == 3


def test_markdown_has_one_name_for_files_and_another_for_the_screen_and_both_work(folder, capsys):
    assert run(capsys, "report", TEST, "--export", "md=table.md", "-q").code == 0
    assert (folder / "table.md").read_text(encoding="utf-8") == run(capsys, "report", TEST, "--format", "markdown").out


def test_standard_input_has_a_name(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"prob_0,prob_1,label\n0.3,0.7,1\n")))
    assert run(capsys, "inspect", "-").out.startswith("standard input · stdin-csv · ")


def test_a_head_beside_features_is_not_unused(capsys):
    lines = run(capsys, "inspect", SAMPLES / "diamonds_features.npz").out.splitlines()
    assert {line.split()[0] for line in lines if line.endswith("  weights of a head")} == {"head_weight", "head_bias"}


def test_an_objective_is_shown_before_and_after(capsys):
    assert "ECE       13.43 → 2.48 %\n" in run(capsys, "fit", f"{DIAMONDS}#val", "--objective", "ece").out
    assert "ECE" not in run(capsys, "fit", f"{DIAMONDS}#val").out


def test_numbers_that_differ_by_rounding_are_called_the_same(near, capsys):
    result = run(capsys, "compare", TEST, near)
    assert "near.npz and digits_test.npz are the same up to rounding: no metric differs in a digit" in result.out
    nll = next(line for line in result.out.splitlines() if line.startswith("NLL"))
    assert nll.split() == ["NLL", "nats", "0.417", "0.417", "0", "the", "same"]


def test_every_warning_of_a_comparison_stands_once_under_its_file(folder, capsys):
    probs, labels = np.full((40, 2), 0.5), np.arange(40) % 2
    arrays = {"probs": probs, "labels": labels, "ids": np.arange(40), "val_index": np.arange(20)}
    np.savez("base.npz", **arrays, test_index=np.arange(20, 40))
    for name in ("one.npz", "two.npz"):
        np.savez(name, probs=probs, labels=labels, ids=np.arange(40))
    said = run(capsys, "compare", "base.npz", "one.npz", "two.npz").err.splitlines()
    held = "base.npz holds the splits val and test; all rows are read together."
    assert said == [f"warning: {held} Use base.npz#test for one, or base.npz#all to say so."]


@pytest.mark.parametrize(("columns", "there"), [("60", False), ("80", False), ("120", True)])
def test_what_no_column_shows_is_not_explained(columns, there, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    arrays = dict(np.load(TEST))
    np.savez(tmp_path / "cooler.npz", **{**arrays, "logits": 0.7 * arrays["logits"]})
    assert "80 % power" not in run(capsys, "compare", TEST, tmp_path / "cooler.npz").out
    shown = run(capsys, "compare", TEST, tmp_path / "cooler.npz", "--full").out
    head = next(line for line in shown.splitlines() if "difference" in line and "interval" in line)
    assert ("detectable" in head, "80 % power" in shown.replace("\n", " ")) == (there, there)


@pytest.mark.parametrize("columns", ["60", "80"])
def test_a_verdict_keeps_to_the_width(columns, folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    words = ["--baseline", f"{DIAMONDS}#test", "--max", "ece=0.2", "--max-increase", "nll=0.01"]
    shown = run(capsys, "gate", f"{DIAMONDS}#test", *words).out
    assert max(map(len, shown.splitlines())) <= int(columns)
    assert "interval within the limit" in shown


def test_a_small_mce_says_that_small_bins_are_left_out(folder, capsys):
    right = np.array([0.95] * 60 + [0.55] * 20)
    probs = np.stack([right, 1 - right], axis=1)
    np.savez("few.npz", probs=probs, labels=np.array([0] * 57 + [1] * 3 + [1] * 20))
    out = run(capsys, "report", "few.npz", "--full").out
    assert (
        "MCE: only 1 of 2 bins holds 30 rows or more; larger gaps in smaller bins are left out (with them: 55.00)"
        in (" ".join(out.split()))
    )
