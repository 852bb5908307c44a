"""Slices by training images a class: bands by hand, and files that do not fit the dump."""

from __future__ import annotations

import json

import numpy as np
import pytest

import calibeval
from calibeval import Predictions, Report
from calibeval.core.data.shots import shots_word
from calibeval.core.errors import InputError, UsageError
from tests.data import logits_and_labels

COUNTS = [500, 101, 100, 20, 19, 0]
BAND = np.array(["many", "many", "medium", "medium", "few", "few"])
NAMES = ["ant", "bee", "cat", "dog", "eel", "fox"]


@pytest.fixture
def dump():
    logits, labels = logits_and_labels(1200, 6)
    return Predictions(logits=logits, labels=labels, class_names=NAMES)


def counted(tmp_path, dump, text, name="counts.csv", **settings):
    path = tmp_path / name
    path.write_text(text)
    return calibeval.evaluate(dump, slices=[f"shots:{path}"], **{"min_rows": 1, **settings}).dumps[0]


def test_the_bands_by_true_and_by_predicted_class(tmp_path, dump):
    found = counted(tmp_path, dump, json.dumps(COUNTS), "counts.json")
    labels, predicted = BAND[dump.labels], BAND[dump.scores[0:1200].argmax(axis=1)]
    for column, bands in (("shots:true", labels), ("shots:predicted", predicted)):
        slices = {one.value: one for one in found.slices if one.column == column}
        assert {name: one.n for name, one in slices.items()} == {
            b: (bands == b).sum() for b in ("many", "medium", "few")
        }
        for name, one in slices.items():
            alone = calibeval.evaluate(dump.select(bands == name))
            assert one.metrics["accuracy"] == alone["accuracy"]
            assert one.metrics["oe"].value == alone["oe"].value
    by_true = [one for one in found.slices if one.column == "shots:true"]
    assert all(one.p is None and one.metrics["ece"].floor is None for one in by_true)
    assert all(one.p is not None for one in found.slices if one.column == "shots:predicted")


def test_class_wise_errors_of_a_band_are_those_of_its_classes_over_all_rows(tmp_path, dump):
    found = counted(tmp_path, dump, json.dumps(COUNTS), "counts.json")
    assert [(one.name, one.classes, one.least, one.most) for one in found.shots] == [
        ("many", 2, 101, 500),
        ("medium", 2, 20, 100),
        ("few", 2, 0, 19),
    ]
    probs = np.exp(dump.scores[0:1200])
    probs /= probs.sum(axis=1, keepdims=True)
    for band in found.shots:
        own = np.flatnonzero(band.name == BAND)
        parts = [one for one in found.per_class if one.name in {NAMES[k] for k in own}]
        assert band.cwce == pytest.approx(np.mean([one.calibration_error for one in parts]))
        assert band.floor == pytest.approx(np.mean([one.floor for one in parts]))
        assert band.support == np.isin(dump.labels, own).sum()
        assert band.gap == pytest.approx(probs[:, own].sum() / 1200 - np.isin(dump.labels, own).mean())
    assert sum(one.cwce * one.classes for one in found.shots) / 6 == pytest.approx(found["cwce"].value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", "class,count\n" + "".join(f"{n},{c}\n" for n, c in zip(NAMES, COUNTS, strict=True))),
        ("c.csv", "".join(f"{n}, {c}\n" for n, c in reversed([*zip(NAMES, COUNTS, strict=True)]))),
        ("c.tsv", "".join(f"{k}\t{c}\n" for k, c in enumerate(COUNTS))),
        ("c.json", json.dumps(dict(zip(NAMES, COUNTS, strict=True)))),
        ("c.csv", "count\n" + "\n".join(map(str, COUNTS))),
        ("train.txt", "".join(f"img/{i}_{k}.JPEG {k}\n" for k, c in enumerate(COUNTS) for i in range(c))),
        ("train.csv", "label\n" + "".join(f"{NAMES[k]}\n" * c for k, c in enumerate(COUNTS))),
        ("train.json", json.dumps([k for k, c in enumerate(COUNTS) for _ in range(c)])),
    ],
)
def test_every_kind_of_file_says_the_same(tmp_path, dump, name, text):
    found = counted(tmp_path, dump, text, name)
    plain = counted(tmp_path, dump, json.dumps(COUNTS), "plain.json")
    assert (found.shots, found.slices) == (plain.shots, plain.slices)


def test_arrays_hold_counts_or_labels(tmp_path, dump):
    plain = counted(tmp_path, dump, json.dumps(COUNTS), "plain.json")
    np.save(tmp_path / "counts.npy", np.array(COUNTS))
    np.savez(tmp_path / "train.npz", train_labels=np.repeat(np.arange(6), COUNTS), other=np.ones(3))
    for word in ("counts.npy", "train.npz#train"):
        found = calibeval.evaluate(dump, slices=[f"shots:{tmp_path / word}"], min_rows=1).dumps[0]
        assert found.shots == plain.shots


def test_limits_can_be_chosen(tmp_path, dump):
    path = tmp_path / "a:b.json"
    path.write_text(json.dumps(COUNTS))
    found = calibeval.evaluate(dump, slices=[f"shots:{path}:500,101"]).dumps[0]
    assert [(one.name, one.classes) for one in found.shots] == [("medium", 2), ("few", 4)]
    assert shots_word("shots:a.csv") == ("a.csv", 100, 20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2, 3, 4, 5]", "has 5 numbers; counts would be 6, one for each class of the scores"),
        ("[500, 101, 100, 20, 19, -1]", "entry 5: '-1' is no count; a whole number of at least 0 is needed"),
        ("[500, 101, 100, 20, 19, 1.5]", "entry 5: '1.5' is no count"),
        ('{"ant": 1, "bee": 2}', 'no count of the class "cat", "dog", "eel" and 1 others'),
        (
            json.dumps(dict.fromkeys([*NAMES, "foxx"], 3)),
            '"foxx" \\(did you mean "fox"\\?\\) is no class of predictions',
        ),
        ('{"ant": "x"}', "class \"ant\": 'x' is no count"),
        ("[[1], [2]]", 'a table "class,count"'),
        ("{", "is not JSON"),
        ("[]", "is empty"),
    ],
)
def test_files_that_do_not_fit(tmp_path, dump, text, message):
    with pytest.raises(InputError, match=message):
        counted(tmp_path, dump, text, "counts.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ant,1\nant,2\n", 'line 2: the class "ant" has a count already'),
        ("ant,1,2\n", 'line 1: a table "class,count"'),
        ("ant,1\nbee,-2\n", "line 2: '-2' is no count"),
        ("", 'line 1: a table "class,count"'),
    ],
)
def test_tables_that_do_not_fit(tmp_path, dump, text, message):
    with pytest.raises(InputError, match=message):
        counted(tmp_path, dump, text)


def test_words_that_cannot_work(tmp_path, dump):
    with pytest.raises(UsageError, match="a file of training counts is missing"):
        calibeval.evaluate(dump, slices=["shots:"])
    with pytest.raises(UsageError, match=r"many is above 20 and few below 100, so some classes would be both"):
        calibeval.evaluate(dump, slices=["shots:counts.csv:20,100"])
    with pytest.raises(calibeval.FileProblem, match=r"counts\.csv"):
        calibeval.evaluate(dump, slices=[f"shots:{tmp_path}/counts.csv"])
    with pytest.raises(UsageError, match="the dump has the top label only"):
        counted(tmp_path, Predictions(confidence=[0.9], correct=[1]), "[1]", "c.json")


def test_a_report_with_bands_is_read_back(tmp_path, dump):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(COUNTS))
    report = calibeval.evaluate(dump, slices=[f"shots:{path}"])
    assert Report.from_json(report.to_json()) == report
    assert "classes by training images in c.json: many > 100, medium 20–100, few < 20" in str(report)
    assert "slices by shots:predicted" in str(report)
    assert "slices by shots:true" not in str(report)


def test_gates_and_comparisons_know_bands(tmp_path, dump):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(COUNTS))
    word = f"shots:{path}"
    rules = [
        {"metric": "ece", "max": 1.0, "slice": "shots:predicted=few"},
        {"metric": "accuracy", "min": 0.0, "slice": "shots:true=few"},
        {"metric": "ece", "max": 1.0, "slice": "worst"},
    ]
    verdict = calibeval.gate(dump, rules, slices=[word], min_rows=1)
    assert [one.verdict for one in verdict.rules] == ["pass"] * 3
    assert verdict.rules[1].decisive.n == sum(np.isin(dump.labels, [4, 5]))
    tables = calibeval.compare(dump, dump, slices=[word], min_rows=1)
    assert {one.column for one in tables.candidates[0].slices} == {"shots:true"}
    (tmp_path / "calibeval.toml").write_text(
        '[gate]\nslices = ["shots:c.json"]\n[[gate.rule]]\nmetric = "ece"\nmax = 1.0\nslice = "shots:predicted=many"\n'
    )
    assert calibeval.gate(dump, tmp_path / "calibeval.toml").verdict == "pass"
    for refused in (
        lambda: calibeval.gate(dump, rules, slices=["auto"]),
        lambda: calibeval.compare(dump, dump, slices=["auto"]),
    ):
        with pytest.raises(UsageError, match="does not search segments"):
            refused()
