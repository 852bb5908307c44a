"""How often a calibrated model is called miscalibrated, and that what is really off is still seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import ClassResult
from calibeval.core.report.standing import Standing
from calibeval.core.report.together import beyond_together, chances, quiet, simes
from calibeval.words.finding import finding
from tests.render.hand_made import with_metric
from tests.words.test_report import built

QUIET = built((0, None, None), (9000, 0.8, 0.796))


def calibrated(seed, n, k, spread):
    rng = np.random.default_rng(seed)
    logits = spread * rng.normal(size=(n, k))
    return evaluate(Predictions(logits=logits, labels=(logits + rng.gumbel(size=(n, k))).argmax(axis=1))).dumps[0]


@pytest.mark.parametrize("k", [2, 10])
@pytest.mark.parametrize(("n", "spread"), [(300, 5.0), (3000, 2.0)])
def test_one_calibrated_model_in_twenty_is_called_miscalibrated(n, k, spread):
    """Of 60 at 5 %, more than 8 are a chance of 1 in 400; each row on its own would make it 15."""
    found = [finding(calibrated(seed, n, k, spread)) for seed in range(60)]
    assert sum(one.beyond_noise for one in found) <= 7
    assert sum(one.standing is Standing.CERTAIN for one in found) <= 1


def test_a_model_that_is_off_is_still_found():
    rng = np.random.default_rng(1)
    logits = 3.0 * rng.normal(size=(1000, 10))
    labels = (logits / 1.5 + rng.gumbel(size=logits.shape)).argmax(axis=1)
    found = finding(evaluate(Predictions(logits=logits, labels=labels)).dumps[0])
    assert found.standing is Standing.CERTAIN


def test_simes_by_hand():
    assert simes([0.01, 0.04, 0.5, 1.0]) == pytest.approx(0.04)  # 4 x 0.01
    assert simes([0.02, 0.024, 0.5]) == pytest.approx(0.036)  # 3 / 2 x 0.024
    assert simes([0.02, 0.9]) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("value", "p"),
    [(0.0149, 1.0), (0.01501, 0.05), (0.02, 0.001), (0.0175, 0.0086)],
)
def test_the_p_of_a_size_lies_between_those_of_its_floors(value, p):
    """Half-way between 1.960 and 3.291 standard errors are 2.625: p = 0.0087."""
    dump = with_metric(QUIET, "ece", value=value, low=None, high=None, floor=0.01, floor_high=0.015, floor_certain=0.02)
    assert chances(dump)["ece"] == pytest.approx(p, rel=0.02)


def test_an_error_at_its_floor_counts_only_beside_others():
    likely = {"value": 0.0155, "low": None, "high": None, "floor": 0.01, "floor_high": 0.015, "floor_certain": 0.02}
    dump = with_metric(QUIET, "ece", **likely)
    assert chances(dump)["ece"] < 0.05
    assert not beyond_together(dump)
    assert beyond_together(with_metric(dump, "ece", value=0.019))


def test_the_worst_class_counts_as_one_judgement():
    dump = replace(QUIET, per_class=(ClassResult("a", 900, 0.05, 0.0, 0.01, 0.02), ClassResult("b", 9, 0.01, 0, 0, 1)))
    assert chances(dump)["classes"] < 0.001
    assert beyond_together(dump)
    assert chances(replace(dump, per_class=dump.per_class[1:]))["classes"] == 1.0


def test_two_classes_are_judged_by_the_positive_one():
    assert set(chances(calibrated(0, 300, 2, 2.0))) == {"gap_positive", "ece_positive", "cox_slope"}


@pytest.mark.parametrize(("floor_high", "standing"), [(0.03, Standing.NOISE), (0.031, Standing.UNRESOLVED)])
def test_what_may_be_chance_is_noise_where_three_points_would_show(floor_high, standing):
    metric = MetricResult("ece", 0.05, floor=0.01, floor_high=floor_high)
    assert quiet(Standing.LIKELY, metric) is standing
    assert quiet(None, metric) is None
