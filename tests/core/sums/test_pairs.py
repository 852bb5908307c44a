"""The rows in ascending order of confidence, for metrics without bins."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.ranking import Ranking


def test_rows_are_sorted_with_what_belongs_to_them():
    pairs = Pairs.of([0.9, 0.2, 0.5], [True, False, True], np.array([1.0, 2.0, 3.0]), np.array([7, 8, 9]))
    assert pairs.confidence.tolist() == [0.2, 0.5, 0.9]
    assert pairs.correct.tolist() == [False, True, True]
    assert (pairs.weights.tolist(), pairs.groups.tolist()) == ([2.0, 3.0, 1.0], [8, 9, 7])
    assert pairs.total == 6.0


def test_ends_of_equal_confidences():
    assert Pairs.of([0.5, 0.2, 0.5, 0.9, 0.9], [1, 1, 0, 1, 0]).ends.tolist() == [0, 2, 4]
    assert Pairs.of([0.3], [1]).ends.tolist() == [0]


@pytest.mark.parametrize(("slack", "ends"), [(0.0, [0, 1]), (2.0**-45, [1])])
def test_confidences_within_the_slack_tie(slack, ends):
    assert Pairs.of([0.5, 0.5 + 2.0**-46], [1, 0], slack=slack).ends.tolist() == ends


def test_cumulative_ends_by_hand():
    # Surpluses -.25, +.5, -1: D is 0, -.25/3, .25/3, -.75/3.
    pairs = Pairs.of([0.25, 0.5, 1.0], [False, True, False])
    assert pairs.cumulative_ends == pytest.approx((-0.25, 0.25 / 3))
    # Two rows of .5, right and wrong, are one step of 0.
    assert Pairs.of([0.5, 0.5], [True, False]).cumulative_ends == (0.0, 0.0)


def test_the_error_of_the_mean_by_hand():
    assert Pairs.of([0.5, 0.5], [1, 0]).error_of_mean == pytest.approx(math.sqrt(0.5) / 2)
    weighted = Pairs.of([0.5, 0.1], [1, 0], np.array([3.0, 1.0]))
    assert weighted.error_of_mean == pytest.approx(math.sqrt(9 * 0.25 + 0.09) / 4)


def test_no_rows_are_refused():
    with pytest.raises(InputError, match="there are no rows to measure"):
        Pairs.of([], [])


@pytest.mark.parametrize("slack", [0.0, 0.15])
def test_the_ranking_is_that_of_the_rows(slack):
    rng = np.random.default_rng(2)
    confidence, correct = rng.integers(0, 60, 200) / 60, rng.random(200) < 0.6
    found, expected = (
        Pairs.of(confidence, correct, slack=slack / 10).ranking,
        Ranking.of(confidence, correct, slack / 10),
    )
    for values in ("confidence", "rows", "wrong"):
        assert getattr(found, values).tolist() == getattr(expected, values).tolist()
