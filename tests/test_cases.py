"""Small files in the shape of those that people had trouble with: what must come out, or what is said.

The values were computed from the same numbers by plain float64 arithmetic, outside calibeval.
"""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

from tests.cli.invoking import run
from tests.conftest import ROOT

CASES = ROOT / "tests" / "cases"
IDENTITY = {
    "schema": "calibeval.map/1",
    "method": "temperature",
    "parameters": {"temperature": 1.0},
    "class_names": None,
    "fitted_on": {"sha256": None, "split": None, "n": 60},
    "objective": "nll",
    "nll_before": 1,
    "nll_after": 1,
}

# What is written after "report" in the folder of the cases; accuracy and ECE, four decimals each; rows and classes.
READ = [
    ("true_and_pred_label.csv --labels-key true_label", 0.725, None, 200, 2),
    ("column_true_label.csv --labels-key true_label", 0.725, None, 200, 2),
    ("column_true_label.csv --key labels=true_label", 0.725, None, 200, 2),
    ("confidence_named_key.csv --key confidence=max_prob", 0.6525, 0.1089, 400, None),
    ("confidence_named_key.csv --kind confidence --probs-key max_prob", 0.6525, 0.1089, 400, None),
    ("true_false_columns.csv", 0.74, 0.0589, 300, 2),
    ("number_names_10_20_30.npz", 0.76, 0.0424, 300, 3),
    ("columns_from_1.csv", 0.76, 0.0424, 300, 3),
    ("rounded_4_decimals.csv", None, 0.1163, 1000, 10),
    ("tiny_negative.npz", None, 0.1156, 1000, 10),
    ("h2o_p0_p1.csv --score-columns p0,p1 --kind probs", 0.725, None, 200, 2),
    ("blank_before_text.csv", 0.725, None, 200, None),
    ("unrelated_object.jsonl", 0.76, 0.0424, 300, 3),
    ("unrelated_objects.npz", 0.76, 0.0424, 300, 3),
    ("spark_list_column.csv --probs-key probability", 0.76, 0.0424, 300, 3),
    ("binary_masks_n1hw.npz", 0.6632, 0.0162, 576, 2),
    ("ddp_padded.npz --drop-duplicates", None, 0.1186, 500, 6),
    ("decimal_comma.csv --decimal ,", 0.76, 0.0424, 300, 3),
    ("scores_named.csv --score-columns no,yes --kind probs --labels labels_pandas.csv", 0.725, None, 200, 2),
    (
        "scores_named.csv --score-columns no,yes --kind probs --labels labels_pandas.csv --key labels=class",
        0.725,
        None,
        200,
        2,
    ),
    ("n02_true_false.csv", 0.755, 0.0430, 400, 2),
    ("n03_numeric_names.parquet", 0.865, 0.1263, 400, 4),
    ("n05_top_label.npz --ignore-index=-1", 0.8771, 0.1389, 350, None),
    ("n06_split.npz#val --labels n06_labels_of_val.npy", 0.85, 0.1018, 200, 3),
    ("n08_mixed_columns.csv", 0.865, 0.1263, 400, 3),
    ("columns_permuted.npz", 0.09, None, 500, 6),
]
OF_EVERY_CLASS = [case for case in READ if case[-1] is not None]
# What is written after "report", and parts of the sentence that refuses it.
REFUSED = [
    ("true_and_pred_label.csv", ["--labels-key true_label"]),
    ("column_true_label.csv", ["--labels-key true_label"]),
    ("confidence_named_key.csv", ["--key confidence=max_prob"]),
    ("one_vs_rest_sigmoid.npz", ["One-vs-rest or multi-label"]),
    ("h2o_p0_p1.csv", ["--score-columns p0,p1 --kind probs"]),
    ("spark_list_column.csv", ["--probs-key probability"]),
    ("decimal_comma.csv", ["--decimal ,"]),
    ("flat_n_times_k.npz", ["900", "300 labels × 3", "reshape(-1, 3)"]),
    ("n05_top_label.npz", ["50 rows", "--ignore-index -1"]),
]
# What is written after "report", and parts of the warning that comes first.
WARNED = [
    ("columns_permuted.npz", "below_chance", ["accuracy", "chance", "order of the classes"]),
    ("ddp_padded.npz", "duplicate_ids", ["12 ids occur twice", "--drop-duplicates"]),
    ("rounded_4_decimals.csv", "rounded", ["rounded to 4 decimals"]),
    ("n06_split.npz#val --labels n06_labels_of_val.npy", "labels_of_split", ["200 labels for 400 rows"]),
]
# Lines of JSON with the scores in one list cannot hold a column that is called like a score; tables hold no images.
UNHELD = {("n08_mixed_columns.csv", ".jsonl")}
UNHELD |= {("binary_masks_n1hw.npz", suffix) for suffix in (".csv", ".tsv", ".jsonl", ".parquet")}
SUFFIXES = (".npz", ".csv", ".tsv", ".jsonl", ".parquet", ".pt")


@pytest.fixture(autouse=True)
def _in_the_folder(monkeypatch):
    monkeypatch.chdir(CASES)


@pytest.mark.parametrize(("said", "accuracy", "ece", "n", "k"), READ, ids=[case[0] for case in READ])
def test_what_comes_out(capsys, said, accuracy, ece, n, k):
    done = run(capsys, "report", *shlex.split(said), "--json")
    assert done.code == 0, done.err
    check(done.json, accuracy, ece, n, k)


def check(document, accuracy, ece, n, k):
    dump = document["dumps"][0]
    found = {name: metric["value"] for name, metric in dump["metrics"].items()}
    assert (dump["source"]["n"], dump["source"]["k"]) == (n, k)
    if accuracy is not None:
        assert found["accuracy"] == pytest.approx(accuracy, abs=5.1e-5)
    if ece is not None:
        assert found["ece"] == pytest.approx(ece, abs=5.1e-5)


@pytest.mark.parametrize(("said", "parts"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_refused(capsys, said, parts):
    done = run(capsys, "report", *shlex.split(said))
    assert done.code == 3
    assert [part for part in parts if part not in done.err] == []
    assert "--kind logits" not in done.err or "--kind probs" in done.err  # never the one that would make nonsense
    assert len(done.err) < 500


@pytest.mark.parametrize(("said", "code", "parts"), WARNED, ids=[case[0] for case in WARNED])
def test_what_is_said_first(capsys, said, code, parts):
    done = run(capsys, "report", *shlex.split(said), "--json")
    assert done.code == 0, done.err
    warnings = done.json["dumps"][0]["warnings"]
    assert warnings[0]["code"] == code
    assert [part for part in parts if part not in warnings[0]["message"]] == []
    shown = run(capsys, "report", *shlex.split(said))
    assert warnings[0]["message"] in " ".join((shown.out + shown.err).split())


def test_a_map_of_labelled_rows_is_applied_to_rows_without_labels(capsys, tmp_path):
    assert run(capsys, "fit", "labelled_val.npz", "-o", tmp_path / "t.json").code == 0
    done = run(capsys, "apply", tmp_path / "t.json", "unlabelled.npz", "-o", tmp_path / "out.npz")
    assert done.code == 0, done.err
    with np.load(tmp_path / "out.npz") as out, np.load("unlabelled.npz") as given:
        np.testing.assert_allclose(out["logits"], given["logits"] / 0.725864, rtol=2e-6)
        assert "labels" not in out.files


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("said", "accuracy", "ece", "n", "k"), OF_EVERY_CLASS, ids=[c[0] for c in OF_EVERY_CLASS])
def test_every_format_says_the_same(capsys, tmp_path, said, accuracy, ece, n, k, suffix):
    """Written in another format by a map that changes nothing, each case is what it was."""
    (tmp_path / "one.json").write_text(json.dumps({**IDENTITY, "k": k}))
    out = tmp_path / f"out{suffix}"
    written = run(capsys, "apply", tmp_path / "one.json", *shlex.split(said), "-o", out)
    if (said, suffix) in UNHELD:
        assert written.code == 2
        assert "Write .npz" in written.err
        return
    assert written.code == 0, written.err
    done = run(capsys, "report", out, "--json")
    assert done.code == 0, done.err
    check(done.json, accuracy, ece, n, k)


@pytest.mark.parametrize("said", [case[0] for case in READ])
def test_inspect_says_in_one_line_how_it_is_read(capsys, said):
    done = run(capsys, "inspect", *shlex.split(said))
    assert done.code == 0, done.err
    assert done.out.count("read as: ") == 1
