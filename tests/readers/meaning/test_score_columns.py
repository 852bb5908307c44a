"""Columns that are scores: by name, range and pattern; each once, and nothing beside them that says otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import read
from calibeval.core.errors import UsageError
from calibeval.readers.meaning.score_columns import class_names_of
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
        (["prob_*"], 'no column of numbers fits "prob_*"'),
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


@pytest.fixture
def whole(tmp_path):
    """Three columns of scores among columns of other roles."""
    path = tmp_path / "d.csv"
    path.write_text("id,cat,age,dog,note,bird,label,prediction\n7,0.2,40,0.3,x,0.5,2,2\n8,0.1,41,0.7,y,0.2,1,1\n")
    return path


@pytest.mark.parametrize(
    "said",
    [
        ["*", "!id", "!age", "!label", "!prediction"],
        ["!id", "!age", "!label", "!prediction"],
        ["!id", "*", "!age", "!l*", "!note", "!pred*"],
        ["*[a-z]*", "!id", "!age", "!label", "!prediction"],
    ],
)
def test_all_columns_but_some(whole, said):
    predictions = read(whole, score_columns=said, kind="probs")
    assert predictions.class_names == ("bird", "cat", "dog")
    assert predictions.scores[0:2] == pytest.approx(np.array([[0.5, 0.2, 0.3], [0.2, 0.1, 0.7]]))
    assert [*predictions.columns] == ["age", "note", "prediction"]


def test_a_range_without_one_of_its_columns(table):
    said = ["p0..p10", "!p4..p9", "!p2"]
    labels = table.with_name("labels.npy")
    np.save(labels, [0, 3])
    assert read(table, score_columns=said, kind="logits", labels=labels).scores[0:1].tolist() == [[0, 1, 3, 10]]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["*", "!lable"], ' !lable: there is no column "lable" (did you mean "label"?)'),
        (["cat", "!cat"], ": no column is left of cat,!cat"),
        (
            ["*", "!id", "!age"],
            (
                ' *: column "label" has the role of labels, not of scores: leave it out with --score-columns '
                "'*,!id,!age,!label'"
            ),
        ),
        (["*"], " *: column \"id\" has the role of ids, not of scores: leave it out with --score-columns '*,!id'"),
    ],
)
def test_what_cannot_be_left_out_and_what_must_be(whole, said, message):
    refused(whole, f"d.csv: --score-columns{message}", score_columns=said, kind="probs")


def test_a_column_that_was_named_is_a_score_whatever_its_name(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("x,y,gt,label\n0.2,0.3,0.5,2\n0.1,0.7,0.2,1\n")
    predictions = read(path, score_columns=["x", "y", "gt"], kind="probs")
    assert predictions.class_names == ("x", "y", "gt")
    assert predictions.labels.tolist() == [2, 1]


def test_a_column_that_begins_with_the_sign(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("!a,b,label\n0.2,0.8,1\n")
    assert read(path, score_columns=["!a", "b"], kind="probs").class_names == ("!a", "b")


@pytest.mark.parametrize(
    ("columns", "labels", "names"),
    [
        (("Probability:Class=a", "Probability:Class=b"), ["b", "a"], ("a", "b")),
        (("P (y=no)", "P (y=yes)"), ["yes", "no"], ("no", "yes")),
        (("p.hot", "p.high", "p.h"), ["high", "h"], ("hot", "high", "h")),  # not "ot" and "igh"
        (("p_hot", "p_high"), ["ot", "igh"], ("ot", "igh")),
        (("low prob", "high prob"), ["high", "low"], ("low", "high")),
        (("sea lion", "sea star"), ["sea star", "sea lion"], None),
        (("p.a", "p.b"), ["a", "p.b"], None),
        (("p.a", "p.b"), ["a", "c"], None),
        (("p1", "p2", "p3"), [1, 2, 3], ("1", "2", "3")),
        (("p1", "p2", "p3"), ["2", "3"], ("1", "2", "3")),
        (("p.10%", "p.20%"), [20, 10], ("10", "20")),
        (("p10", "p11"), [10, 11], ("10", "11")),
        (("p1", "p2", "p3"), [0, 1, 2], None),
        (("p1", "p2", "p3"), [1, 2], None),  # numbers of classes: no class is called 1 or 2
        (("p1", "p2", "p3"), [1, 2, 4], None),
    ],
)
def test_names_of_classes_are_what_differs_between_columns_if_only_that_fits(columns, labels, names):
    assert class_names_of(columns, np.array(labels)) == (names or columns)
