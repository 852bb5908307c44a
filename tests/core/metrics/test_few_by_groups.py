"""Few errors in groups of rows: what the effective number of rows allows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from calibeval import Predictions, evaluate


def grouped(errors, groups=40, size=10, confidence=0.998):
    """Two classes; the first rows of the first groups are wrong. errors: of each group."""
    n = groups * size
    guess, wrong = np.arange(n) % 2, np.zeros(n, bool)
    for group, own in enumerate(errors):
        wrong[group * size : group * size + own] = True
    p = np.where(guess == 1, confidence, 1 - confidence)
    columns = {"group": np.repeat(np.arange(groups), size)}
    return evaluate(Predictions(probs=p, labels=np.where(wrong, 1 - guess, guess), columns=columns), group="group")


def worth(errors, groups=40, size=10):
    """The rows whose accuracy would vary as much as it does between groups."""
    n, right = groups * size, np.full(groups, float(size))
    right[: len(errors)] -= errors
    share = right.mean() / size
    between = np.sum((right - size * share) ** 2) * groups / (groups - 1)
    return min(n, share * (1 - share) * n * n / between)


@pytest.mark.parametrize("errors", [[1, 1, 1], [5], [10, 4]])
def test_the_accuracy_of_so_many_rows_bounds_every_error(errors):
    report, rows, share = grouped(errors), worth(errors), 1 - sum(errors) / 400
    assert (rows < 399) == (max(errors) > 1)
    least = float(beta.ppf(0.025, share * rows, (1 - share) * rows + 1))
    most = float(beta.ppf(0.975, share * rows + 1, (1 - share) * rows))
    gap = 0.998 - least
    for name in ("confidence_gap", "ece", "aece", "rmsce", "ece_positive", "cwce"):
        assert report[name].high >= gap - 1e-9
    assert report["oe"].high >= 0.998 * gap - 1e-9
    cost = math.log(0.998 / 0.002)
    assert report["nll"].high >= report["nll"].value + (share - least) * cost - 1e-9
    assert report["nll"].low <= report["nll"].value - (most - share) * cost + 1e-9
    # Which of both ends decides: that of groups, or that of few errors.
    assert report["confidence_gap"].high == pytest.approx(gap) or report["confidence_gap"].high > gap


def test_without_an_error_every_group_counts_as_one_row():
    report = grouped([])
    least = 0.025 ** (1 / 40)
    assert report["confidence_gap"].high == pytest.approx(0.998 - least)
    assert report["ece"].high == pytest.approx(0.998 - least)
    assert report["brier"].high == pytest.approx(report["brier"].value + (1 - least) * 2 * (2 * 0.998 - 1))


@pytest.mark.parametrize(("count", "few"), [(29, True), (30, False)])
def test_thirty_errors_are_enough(count, few):
    report = grouped([1] * count)
    share = 1 - count / 400
    least = float(beta.ppf(0.025, share * 400, (1 - share) * 400 + 1))
    assert (report["confidence_gap"].high >= 0.998 - least - 1e-9) == few
