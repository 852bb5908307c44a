"""Sums of rows from their results are those of reading the rows' scores again, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.errors import InputError
from calibeval.core.evaluation.parts import known_part_sums, part_sums, places_of
from calibeval.core.sums import kernel
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.from_rows import sums_from_rows
from tests import definitions
from tests.data import logits_and_labels

N = 9000


def dump(kind, k, dtype=np.float32, **more):
    logits, labels = logits_and_labels(N, k)
    probs = definitions.softmax(logits)
    if kind == "confidence":
        top = probs.argmax(axis=1)
        return Predictions(confidence=probs.max(axis=1).astype(dtype), correct=top == labels, **more)
    scores = {"logits": logits, "probs": probs, "log_probs": np.log(probs)}[kind]
    return Predictions(**{kind: scores.astype(dtype)}, labels=labels, **more)


def assert_equal(one, other):
    for name in ("count", "p", "pp", "y", "yp"):
        assert np.array_equal(getattr(one.top, name), getattr(other.top, name)), name
        assert np.array_equal(getattr(one.mass, name), getattr(other.mass, name)), name
    assert np.array_equal(one.mass_edges, other.mass_edges)
    facts = ("n", "k", "weights", "nll", "brier", "impossible", "impossible_row", "impossible_place")
    assert [getattr(one, fact) for fact in facts] == [getattr(other, fact) for fact in facts]


def assert_same_rows(one, other):
    for name in ("confidence", "correct", "nll", "brier"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("name", ["numpy", *(f"native:{one.name}" for one in kernel.available())])
@pytest.mark.parametrize("k", [2, 3, 10, 120])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs", "confidence"])
def test_the_same_bits_as_another_reading(kind, k, name, monkeypatch):
    monkeypatch.setenv(kernel.VARIABLE, name)
    monkeypatch.setattr("calibeval.core.sums.engine.CHUNK_ROWS", 1000)
    predictions = dump(kind, k)
    rng = np.random.default_rng(1)
    parts = [np.flatnonzero(rng.random(N) < share) for share in (0.1, 0.5, 0.95)]
    known = summarise(predictions, 15, keep_rows=True).rows
    again = part_sums(predictions, parts, 15)
    for one, other in zip(known_part_sums(predictions, known, parts, 15), again, strict=True):
        assert_equal(one, other)
        assert one.classes is None
    for part in parts:
        assert_same_rows(known.at(part), summarise(predictions.select(part), 15, keep_rows=True).rows)


def test_ignored_rows_and_labels_of_probability_0():
    probs = np.array([[1.0, 0.0], [0.25, 0.75], [0.5, 0.5], [1.0, 0.0], [0.125, 0.875]])
    predictions = Predictions(probs=probs, labels=[9, 1, 0, 1, 1], ignore_index=9)
    known = summarise(predictions, 4, keep_rows=True).rows
    parts = [np.array([1, 3, 4]), np.array([2, 4])]
    again = part_sums(predictions, parts, 4)
    for one, other in zip(known_part_sums(predictions, known, parts, 4), again, strict=True):
        assert_equal(one, other)
    assert again[0].impossible_row == 3
    for part in parts:
        own = summarise(predictions.select(part), keep_rows=True).rows
        assert_same_rows(known.at(places_of(predictions, part)), own)


def test_no_rows_are_refused():
    predictions = dump("probs", 3)
    rows = summarise(predictions, keep_rows=True).rows.at(np.array([], np.intp))
    with pytest.raises(InputError, match="there are no rows to measure"):
        sums_from_rows(predictions, rows, np.array([], np.intp), 15)
