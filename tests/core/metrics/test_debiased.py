"""The debiased root mean square error: by hand, and what calibrated models show."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, Report, compare, evaluate

NAME = "rmsce_debiased"


def test_by_hand():
    # One bin of 4 rows of .9, one right: gap .65, noise .25 x .75 / 3. The single row of .1 counts in n only.
    found = evaluate(confidence=[0.9] * 4 + [0.1], correct=[1, 0, 0, 0, 0], metrics=NAME, bins=2)[NAME]
    square = 4 / 5 * (0.65**2 - 0.25 * 0.75 / 3)
    assert (found.value, found.squared) == (pytest.approx(square**0.5), pytest.approx(square))


def test_more_noise_than_error_is_0_with_its_square():
    # Accuracy .5 in a bin of confidence .5.
    found = evaluate(confidence=[0.5] * 4, correct=[1, 1, 0, 0], metrics=NAME)[NAME]
    assert (found.value, found.squared) == (0.0, pytest.approx(-0.25 / 3))


def test_saved_reports_hold_the_square():
    report = evaluate(confidence=[0.5] * 40, correct=[1, 0] * 20, metrics=NAME)
    again = Report.from_json(report.to_json())
    assert again[NAME] == report[NAME]
    assert again[NAME].squared < 0


def test_equal_weights_change_nothing():
    rng = np.random.default_rng(1)
    c = rng.random(500)
    weights = np.full(500, 2.0)
    weights[0] *= 1 + 1e-9
    y = rng.random(500) < c**2
    plain, weighted = (evaluate(confidence=c, correct=y, weights=own, metrics=NAME)[NAME] for own in (None, weights))
    for field in ("value", "squared", "floor", "floor_high", "low", "high"):
        assert getattr(weighted, field) == pytest.approx(getattr(plain, field), rel=1e-6), field


def test_groups_leave_the_value_and_a_reason():
    rng = np.random.default_rng(1)
    c = rng.random(500)
    found = evaluate(confidence=c, correct=c > 0.5, group=np.arange(500) // 10, metrics=NAME)[NAME]
    assert found.value > 0.0
    assert (found.floor, found.low) == (None, None)
    assert found.reason == "no interval: it is not computed if only groups of rows are independent"


@pytest.mark.parametrize("n", [400, 5000])
def test_calibrated_models_exceed_the_floor_in_one_of_20(n):
    rng, above, zero, covered = np.random.default_rng(n), 0, 0, 0
    for _ in range(300):
        c = rng.beta(5, 2, n)
        found = evaluate(confidence=c, correct=rng.random(n) < c, metrics=NAME)[NAME]
        above += found.value > found.floor_high
        zero += found.value == 0.0
        covered += found.low <= 0.0
    assert above <= 25
    assert 100 <= zero <= 220
    assert covered >= 275


def test_its_expectation_is_the_error_of_the_population():
    # All rows are right with their confidence minus .1; the plain error is above .1 on few rows.
    rng, squares = np.random.default_rng(0), []
    for _ in range(300):
        c = 0.3 + 0.6 * rng.random(200)
        squares.append(
            evaluate(confidence=c, correct=rng.random(200) < c - 0.1, metrics=NAME, level=None)[NAME].squared
        )
    assert np.mean(squares) == pytest.approx(0.01, abs=3 * np.std(squares) / np.sqrt(300))


def test_differences_are_tested():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(2000, 3)), rng.integers(0, 3, 2000)
    one, other = Predictions(logits=logits, labels=labels), Predictions(logits=5 * logits, labels=labels)
    found = compare(one, other, metrics=NAME)[NAME]
    assert found.low <= found.difference <= found.high
    assert found.difference > 0.2
    assert found.p < 1e-6
