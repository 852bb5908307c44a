"""Sums of two disjoint sets of rows, added up."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.data.notices import NotComputable
from calibeval.core.errors import InputError
from calibeval.core.metrics.table import all_metrics
from calibeval.core.sums.engine import summarise
from tests.data import logits_and_labels

PROBS = np.array([[0.8, 0.2], [1.0, 0.0], [0.3, 0.7], [0.0, 1.0]])
LABELS = np.array([0, 1, 1, 0])


def test_the_sums_of_two_halves_measure_all_rows():
    logits, labels = logits_and_labels(4000, 4)
    whole = summarise(Predictions(logits=logits, labels=labels))
    first, second = (summarise(Predictions(logits=logits[part::2], labels=labels[part::2])) for part in (0, 1))
    added, expected = all_metrics(first + second, 0.95), all_metrics(whole, 0.95)
    for name, metric in expected.items():
        if name not in ("aece", "temperature"):  # which sums do not hold, or only near 1
            assert added[name].value == pytest.approx(metric.value, rel=1e-12, abs=1e-15), name
            assert (added[name].low, added[name].high) == pytest.approx((metric.low, metric.high), abs=1e-12), name


def test_added_sums_have_no_equal_mass_bins_and_say_so():
    half = summarise(Predictions(probs=PROBS, labels=LABELS), bins=2)
    reason = "added sums have no equal-mass bins, which need the order of all rows"
    with pytest.raises(NotComputable, match=reason):
        _ = (half + half).mass
    result = all_metrics(half + half, 0.95)["aece"]
    assert (result.value, result.low, result.reason) == (None, None, reason)


def test_the_first_impossible_row_is_the_first_of_both():
    sums = summarise(Predictions(probs=PROBS, labels=LABELS), bins=2)
    later = summarise(Predictions(probs=PROBS[[0, 0, 0, 1]], labels=LABELS[[0, 0, 0, 1]]), bins=2)
    possible = summarise(Predictions(probs=PROBS[[0]], labels=LABELS[[0]]), bins=2)
    assert (sums.impossible_row, later.impossible_row, possible.impossible_row) == (1, 3, None)
    for one, other in ((sums, later), (later, sums)):
        assert ((one + other).impossible, (one + other).impossible_row) == (3, 1)
    for one, other in ((later, possible), (possible, later)):
        assert ((one + other).impossible_row, (one + other).impossible_place) == (3, later.impossible_place)


def test_sums_of_other_edges_or_classes_do_not_add_up():
    sums = summarise(Predictions(probs=PROBS, labels=LABELS), bins=2)
    for other in (
        summarise(Predictions(probs=PROBS, labels=LABELS), bins=3),
        summarise(Predictions(probs=np.full((2, 4), 0.25), labels=[0, 3]), bins=2),
        summarise(Predictions(confidence=[0.5, 0.6], correct=[1, 0]), bins=2),
    ):
        with pytest.raises(InputError, match="sums with different classes or bins cannot be added"):
            _ = sums + other
