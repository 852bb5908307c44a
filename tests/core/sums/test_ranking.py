import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.sums.ranking import Ranking

ROWS = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40)


def s430():
    """430 rows without ties, of a published recipe: accuracy 152 / 430."""
    i = np.arange(430)
    confidence = (37 * i % 430 + 1) / 431
    return confidence, (91 * i % 430) < 0.7 * 430 * confidence


def curve_row_by_row(confidence, correct):
    """Sums of errors after 1 ... n rows, where each row has the mean error of the rows as confident as it."""
    mean = [
        np.mean([not right for c, right in zip(confidence, correct, strict=True) if c == own]) for own in confidence
    ]
    return np.cumsum([error for _, error in sorted(zip(confidence, mean, strict=True), reverse=True)])


def test_numbers_of_430_rows():
    found = Ranking.of(*s430())
    assert found.auroc() == pytest.approx(0.753337, abs=1e-6)
    assert found.aurc() == pytest.approx(0.469524, abs=1e-6)
    assert found.eaurc() == pytest.approx(0.189856, abs=1e-6)
    assert found.augrc() == pytest.approx(0.266111, abs=1e-6)


def test_trapezoids_of_430_rows_are_integrals_over_the_width():
    # The integrals from 1/430 to 1 are .468772 and .265360; torch-uncertainty divides them by 1 - 1/430.
    aurc, augrc = Ranking.of(*s430()).trapezoids()
    assert aurc * 429 / 430 == pytest.approx(0.468772, abs=1e-6)
    assert augrc * 429 / 430 == pytest.approx(0.265360, abs=1e-6)


def test_trapezoids_are_those_of_numpy():
    confidence, correct = s430()
    wrong = np.cumsum(~correct[np.argsort(-confidence)])
    k = np.arange(1, 431)
    expected = [np.trapezoid(risk, k / 430) / (1 - 1 / 430) for risk in (wrong / k, wrong / 430)]
    assert Ranking.of(confidence, correct).trapezoids() == pytest.approx(expected, abs=1e-12)


def test_two_rows_in_the_wrong_order():
    # Wrong at .9, right at .6: risks 1 and 1/2, generalised risks 1/2 and 1/2; the best order has 0 and 1/2.
    found = Ranking.of([0.6, 0.9], [True, False])
    assert found.auroc() == 0.0
    assert found.aurc() == 0.75
    assert found.least_aurc() == 0.25
    assert found.eaurc() == 0.5
    assert found.augrc() == 0.5


def test_a_confidence_that_ranks_nothing():
    # All four rows share the error of 1/4, whatever their order: every risk is 1/4, generalised k / 16.
    found = Ranking.of([0.7] * 4, [True, False, True, True])
    assert found.auroc() == 0.5
    assert found.aurc() == 0.25
    assert found.augrc() == (1 + 2 + 3 + 4) / 16 / 4


def test_rows_that_are_all_right_or_all_wrong_have_no_auroc():
    right, wrong = Ranking.of([0.9, 0.8], [True, True]), Ranking.of([0.9, 0.8], [False, False])
    assert right.auroc() is None
    assert wrong.auroc() is None
    assert (right.aurc(), right.eaurc(), right.augrc()) == (0.0, 0.0, 0.0)
    assert (wrong.aurc(), wrong.eaurc(), wrong.augrc()) == (1.0, 0.0, 0.75)


def test_one_row_has_no_trapezoid():
    assert Ranking.of([0.9], [False]).trapezoids() is None
    assert Ranking.of([0.9], [False]).aurc() == 1.0


def test_the_curve_has_a_point_for_each_distinct_confidence():
    points = Ranking.of([0.5, 0.9, 0.5, 0.8], [False, True, True, False]).curve()
    assert points.threshold.tolist() == [0.9, 0.8, 0.5]
    assert points.coverage.tolist() == [0.25, 0.5, 1.0]
    assert points.risk.tolist() == [0.0, 0.5, 0.5]
    assert points.rows.tolist() == [1.0, 2.0, 4.0]
    assert points.wrong.tolist() == [0.0, 1.0, 2.0]


@given(ROWS)
def test_areas_are_those_of_rows_that_share_the_error_of_their_ties(rows):
    confidence, correct = [c / 8 for c, _ in rows], [right for _, right in rows]
    sums, n = curve_row_by_row(confidence, correct), len(rows)
    found = Ranking.of(confidence, correct)
    assert found.aurc() == pytest.approx(np.mean(sums / np.arange(1, n + 1)), abs=1e-12)
    assert found.augrc() == pytest.approx(np.mean(sums / n), abs=1e-12)
    assert -1e-12 <= found.aurc() - found.least_aurc() <= 1.0


@given(ROWS)
def test_auroc_counts_pairs_of_a_right_and_a_wrong_row(rows):
    right, wrong = ([c for c, hit in rows if hit == kind] for kind in (True, False))
    pairs = [float(a > b) + 0.5 * (a == b) for a in right for b in wrong]
    found = Ranking.of([c / 8 for c, _ in rows], [hit for _, hit in rows]).auroc()
    assert found == (pytest.approx(np.mean(pairs), abs=1e-12) if pairs else None)


@given(ROWS, st.randoms())
def test_the_order_of_rows_changes_nothing(rows, random):
    mixed = list(rows)
    random.shuffle(mixed)
    one, other = (Ranking.of(*zip(*each, strict=True)) for each in (rows, mixed))
    for values in ("confidence", "rows", "wrong"):
        assert (getattr(one, values) == getattr(other, values)).all()
