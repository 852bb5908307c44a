"""Dumps of the same rows are told by a hash of ids and labels."""

from __future__ import annotations

import numpy as np
import pytest

import calibeval
from calibeval import Predictions
from calibeval.core.evaluation.same_rows import rows_sha256

LABELS = np.array([0, 1, 1, 0, 2])


def dump(labels=LABELS, seed=0, **more):
    return Predictions(logits=np.random.default_rng(seed).normal(size=(len(labels), 3)), labels=labels, **more)


def test_scores_do_not_matter_and_labels_do():
    assert rows_sha256(dump()) == rows_sha256(dump(seed=1))
    assert rows_sha256(dump()) != rows_sha256(dump(LABELS[::-1]))
    assert rows_sha256(dump()) != rows_sha256(dump(LABELS[:-1]))


@pytest.mark.parametrize("ids", [["a", "b", "c", "d", "e"], [3, 1, 2, 10, 9]])
def test_the_order_of_ids_does_not_matter(ids):
    order = np.array([4, 2, 0, 1, 3])
    ids = np.array(ids)
    assert rows_sha256(dump(ids=ids)) == rows_sha256(dump(LABELS[order], ids=ids[order]))
    assert rows_sha256(dump(ids=ids)) != rows_sha256(dump(LABELS[order], ids=ids))
    assert rows_sha256(dump(ids=ids)) == rows_sha256(dump(ids=ids.astype(str)))


def test_ids_do_not_run_together():
    first, second = (dump(LABELS[:2], ids=ids) for ids in (["ab", "c"], ["a", "bc"]))
    assert rows_sha256(first) != rows_sha256(second)


def test_the_top_label_alone_says_nothing_about_rows():
    top = {"confidence": [0.9, 0.8], "correct": [True, False]}
    assert rows_sha256(Predictions(**top)) is None
    with_ids = rows_sha256(Predictions(**top, ids=["a", "b"]))
    assert with_ids == rows_sha256(Predictions(confidence=[0.7, 0.6], correct=[True, True], ids=["a", "b"]))


def test_images_are_ordered_with_their_pixels():
    labels = np.arange(8).reshape(2, 2, 2) % 3
    logits = np.random.default_rng(0).normal(size=(2, 3, 2, 2))
    one = Predictions(logits=logits, labels=labels, ids=["a", "b"])
    other = Predictions(logits=logits[::-1], labels=labels[::-1], ids=["b", "a"])
    assert rows_sha256(one) == rows_sha256(other)
    assert rows_sha256(one) != rows_sha256(Predictions(logits=logits, labels=labels, ids=["b", "a"]))


def test_only_reports_of_several_dumps_have_it():
    one, other = dump(), dump(seed=1)
    assert calibeval.evaluate(one).dumps[0].rows_sha256 is None
    both = calibeval.evaluate([one, other])
    assert {found.rows_sha256 for found in both.dumps} == {rows_sha256(one)}
    assert calibeval.Report.from_json(both.to_json()) == both
