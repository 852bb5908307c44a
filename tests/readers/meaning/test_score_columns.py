"""Columns that are scores: by name, range and pattern; each once, and nothing beside them that says otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import read
from calibeval.core.errors import UsageError
from tests.readers.dumps import refused

NAMES = ["p0", "p1", "p10", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"]


@pytest.fixture
def table(tmp_path):
    """Eleven columns in the order of the alphabet, whose values are their numbers."""
    path = tmp_path / "d.csv"
    row = ",".join(name[1:] for name in NAMES)
    path.write_text(f"{','.join(NAMES)},note,label\n{row},x,3\n{row},y,10\n")
    return path


@pytest.mark.parametrize("said", [["p0..p10"], ["p*"], ["p0", "p1", "p2..p10"], ["p0..p8", "p9", "p10"], ["p?", "p10"]])
def test_ranges_and_patterns_are_in_class_order(table, said):
    predictions = read(table, score_columns=said, kind="logits")
    assert predictions.scores[0:1].tolist() == [[*range(11)]]
    assert predictions.class_names == tuple(f"p{i}" for i in range(11))
    assert predictions.labels.tolist() == [3, 10]
    assert [*predictions.columns] == ["note"]


def test_a_part_of_a_range(table):
    predictions = read(table, score_columns=["p1..p3", "p*0"], kind="logits", labels=_labels(table))
    assert predictions.scores[0:1].tolist() == [[1, 2, 3, 0, 10]]


def _labels(table):
    path = table.with_name("labels.npy")
    np.save(path, [0, 4])
    return path


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["p0", "p0"], 'column "p0" is named twice'),
        (["p0..p3", "p2"], 'column "p2" is named twice, by p0..p3 and by p2'),
        (["p0..p3", "p3..p5"], 'column "p3" is named twice, by p0..p3 and by p3..p5'),
        (["p*", "p1"], 'column "p1" is named twice, by p* and by p1'),
        (["p3..p1"], "p3..p1 must go up, by at most 1,048,576 columns"),
        (["p8..p11"], 'there is no column "p11" (did you mean "p1"?)'),
        (["q*"], 'no column of numbers fits "q*"'),
        (["prob_*"], 'columns named like "prob_*" are read as scores anyway'),
    ],
)
def test_columns_that_cannot_be(table, said, message):
    refused(table, f"d.csv: --score-columns: {message}", score_columns=said, kind="probs")


def test_zeros_before_a_number_are_kept(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("c08,c09,c10,label\n1,2,3,0\n4,5,6,1\n")
    assert read(path, score_columns=["c08..c10"], kind="logits").class_names == ("c08", "c09", "c10")


def test_two_options_for_the_scores(table):
    message = "^score_columns and probs_key both name the scores; say one of them$"
    with pytest.raises(UsageError, match=message):
        read(table, score_columns=["p0..p10"], probs_key="note")
