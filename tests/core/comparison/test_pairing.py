"""Which rows of two dumps belong together, and when that is refused."""

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.comparison.pairing import pair_rows
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError


def dump(name="a.npz", labels=(0, 1, 1, 0), **more):
    n = len(labels)
    given = {"probs": np.tile([[0.7, 0.3]], (n, 1)), "labels": list(labels), "source": Source(name), **more}
    return Predictions(**given)


def top(name="top.csv", correct=(1, 0, 1, 0), **more):
    return Predictions(confidence=np.full(len(correct), 0.8), correct=list(correct), source=Source(name), **more)


def test_by_id_in_any_order():
    base, other = dump(ids=list("abcd")), dump("b.npz", [0, 1, 0, 1], ids=list("dcab"))
    pairing = pair_rows(base, other)
    assert pairing.by == "id"
    assert pairing.order.tolist() == [2, 3, 1, 0]
    assert pairing.warnings == ()


def test_by_id_in_the_same_order_needs_no_order():
    pairing = pair_rows(dump(ids=[7, 3, 5, 1]), dump("b.npz", ids=[7, 3, 5, 1]))
    assert (pairing.by, pairing.order) == ("id", None)


@pytest.mark.parametrize(
    "ids",
    [
        ["1", "2", "3", "4"],
        np.array([b"1", b"2", b"3", b"4"]),
        np.array([1, 2, 3, 4], np.uint8),
        np.array(["1", "2", "3", "4"], object),
    ],
)
def test_numbers_and_their_texts_are_the_same_ids(ids):
    assert pair_rows(
        dump(ids=[4, 3, 2, 1], labels=[0, 1, 0, 1]), dump(ids=ids, labels=[1, 0, 1, 0])
    ).order.tolist() == [
        3,
        2,
        1,
        0,
    ]


def test_ignored_rows_are_not_counted():
    base = dump(labels=[9, 0, 1, 9, 1], ids=list("abcde"), ignore_index=9)
    other = dump("b.npz", [1, 9, 1, 0, 9], ids=list("edcba"), ignore_index=9)
    pairing = pair_rows(base, other)
    assert pairing.order.tolist() == [2, 1, 0]  # b, c, e among the candidate's e, c, b


def test_images_carry_their_pixels_along():
    logits = np.zeros((2, 3, 2, 2))
    labels = np.arange(8).reshape(2, 2, 2) % 3
    base = Predictions(logits=logits, labels=labels, ids=["a", "b"])
    other = Predictions(logits=logits, labels=labels[::-1], ids=["b", "a"])
    assert pair_rows(base, other).order.tolist() == [4, 5, 6, 7, 0, 1, 2, 3]


def test_without_ids_by_position():
    columns = {"site": ["x", "y", "x", "y"], "age": [1.0, np.nan, 3.0, 4.0]}
    pairing = pair_rows(dump(columns=columns), dump("b.npz", columns={**columns, "other": [1, 2, 3, 4]}))
    assert (pairing.by, pairing.order, pairing.warnings) == ("position", None, ())


def test_ids_of_one_dump_alone_do_not_help():
    assert pair_rows(dump(ids=list("abcd")), dump("b.npz")).by == "position"


def test_sorted_labels_prove_little():
    pairing = pair_rows(dump(labels=[0, 0, 1, 1]), dump("b.npz", [0, 0, 1, 1]))
    assert len(pairing.warnings) == 1
    assert pairing.warnings[0].startswith("rows were paired by position, and the labels are sorted, ")


def test_top_labels_pair_by_ids_or_by_columns():
    assert pair_rows(top(ids=list("abcd")), dump(ids=list("dcba"))).order.tolist() == [3, 2, 1, 0]
    column = {"site": [1, 2, 3, 4]}
    assert pair_rows(top(columns=column), top("b.csv", [0, 0, 1, 1], columns=column)).by == "position"


@pytest.mark.parametrize(
    ("base", "other", "message"),
    [
        (
            dump(),
            dump("b.npz", [0, 1, 2, 0], probs=np.full((4, 4), 0.25)),
            "a.npz and b.npz cannot be compared: 2 classes in the first, 4 in the second",
        ),
        (
            dump(class_names=["cat", "dog"]),
            dump("b.npz", class_names=["dog", "cat"]),
            'a.npz and b.npz cannot be compared: class 0 is "cat" in the first, "dog" in the second; write both in',
        ),
        (
            dump(),
            dump("b.npz", [0, 1, 1]),
            r"a.npz and b.npz have 4 and 3 rows, and not both have ids, .*; give both dumps ids \(--ids-key\), or",
        ),
        (
            dump(),
            dump("b.npz", [0, 1, 0, 1]),
            r"row 2 of a.npz has label 1, but its partner, row 2 of b.npz, has label 0 \(2 rows differ\): .* give both",
        ),
        (
            dump(ids=list("abcd")),
            dump("b.npz", [1, 1, 1, 0], ids=list("bacd")),
            "row 0 of a.npz has label 0, but its partner, row 1 of b.npz, has label 1: these .* the ids pair them",
        ),
        (
            dump(columns={"site": ["x", "y", "x", "y"]}),
            dump("b.npz", columns={"site": ["x", "y", "y", "x"]}),
            'cannot be paired by position: column "site" is x in the first and y in the second in row 2',
        ),
        (
            dump(columns={"site": [1, 2, 3, 4]}),
            dump("b.npz", columns={"site": ["1", "2", "3", "5"]}),
            'column "site" is 4 in the first and 5 in the second in row 3',
        ),
        (
            dump(ids=list("abca")),
            dump("b.npz", ids=list("abcd")),
            'a.npz: row 0 and row 3 have the same id "a", so rows cannot be paired by id; name another column',
        ),
        (
            dump(ids=list("abcd")),
            dump("b.npz", ids=list("aabb")),
            r'b.npz: row 0 and row 1 have the same id "a" \(2 ids occur more than once\)',
        ),
        (
            dump(ids=list("abcd")),
            dump("b.npz", [0, 1], ids=list("ax")),
            r"b.npz do not hold the same rows: ids differ, 3 only in a.npz \(b, c, d\) and 1 only in b.npz \(x\)",
        ),
        (
            dump(ids=list("ab"), labels=[0, 1]),
            dump("b.npz", [0, 1, 0, 1, 0, 1], ids=list("abcdef")),
            r"ids differ, 4 only in b.npz \(c, d, e, ...\). Compare dumps of the same rows",
        ),
        (
            top(),
            top("b.csv"),
            "top.csv and b.csv cannot be paired: not both have labels, and they share neither ids nor",
        ),
        (top(), dump(), "top.csv and a.npz cannot be paired: not both have labels"),
        (dump(labels=[0, 1, 1, 0], ignore_index=1), dump("b.npz"), "a.npz ignores 2 rows, b.npz 0: use the same"),
    ],
)
def test_refusals(base, other, message):
    with pytest.raises(InputError, match=message):
        pair_rows(base, other)


def test_images_of_different_sizes():
    small, large = (
        Predictions(logits=np.zeros((2, 2, h, 3)), labels=np.zeros((2, h, 3), int), ids=["a", "b"]) for h in (2, 3)
    )
    with pytest.raises(InputError, match=r"have images of different sizes: \(2, 3\) and \(3, 3\)"):
        pair_rows(small, large)
