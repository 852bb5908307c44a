"""Risk-coverage curves: points by hand arithmetic, marks at certified thresholds, labels that hide nothing."""

from itertools import combinations, product

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.render.drawing.marks import Dot, Path, Spot, Stroke
from calibeval.render.drawing.risk import _box, labels, risk_marks, top_of
from calibeval.words.risk import Certificate, RiskCurve, RiskStep, risk_curve

# 100 rows of which the 40 least confident are wrong; 20 of the first 80 are.
STEPS = (
    RiskStep(0.8, 0.5, 0.0, 50, 0, 0.0, 0.07),
    RiskStep(0.5, 0.8, 0.25, 80, 20, 0.16, 0.36),
    RiskStep(0.1, 1.0, 0.4, 100, 40, 0.3, 0.5),
)
CURVE = RiskCurve(STEPS, (Certificate((0.05,), 0.5, 0.0),), 0.95)


def of_role(marks, role):
    return [mark for mark in marks if getattr(mark, "role", "") == role]


def test_points_stand_at_coverage_and_error():
    marks = risk_marks(CURVE, 0.5)
    (curve,) = of_role(marks, "curve")
    assert curve.points == ((0.5, 0.0), (0.8, 0.5), (1.0, 0.8))  # 0 / .5, .25 / .5, .4 / .5
    (band,) = of_role(marks, "ribbon")
    assert band.closed
    assert band.points[:3] == ((0.5, 0.0), (0.8, 0.32), (1.0, 0.6))
    assert band.points[3:] == ((1.0, 1.0), (0.8, 0.72), (0.5, pytest.approx(0.14)))


def test_a_certified_threshold_is_a_dot_with_a_line_up_to_its_limit():
    marks = risk_marks(CURVE, 0.5)
    assert of_role(marks, "certified") == [Dot("certified", (0.5, 0.0))]
    assert of_role(marks, "limit") == [Stroke("limit", (0.5, 0.0), (0.5, 0.1))]


def test_the_curve_lies_between_the_best_order_and_a_random_one():
    marks = risk_marks(CURVE, 0.5)
    (best,) = of_role(marks, "best")
    assert best.points[0] == (0.0, 0.0)
    assert best.points[1] == (0.6, 0.0)  # 60 right rows are answered first
    assert best.points[-1] == (1.0, pytest.approx(0.8))
    x, y = best.points[13]
    assert y == pytest.approx((x - 0.6) / x / 0.5)
    assert of_role(marks, "random") == [Stroke("random", (0.0, 0.8), (1.0, 0.8))]


def test_every_point_of_the_band_is_inside_and_its_upper_end_is_cut_at_the_edge():
    steps = (RiskStep(0.9, 0.1, 0.0, 10, 0, 0.0, 0.3), RiskStep(0.5, 0.3, 0.0, 30, 0, 0.0, 0.1), *STEPS[1:])
    (band,) = of_role(risk_marks(RiskCurve(steps, (), 0.95), 0.2), "ribbon")
    assert (0.1 + 0.2 * 0.5, 1.0) in [(pytest.approx(x), y) for x, y in band.points]  # from .3 to .1, .2 is half way
    assert all(0.0 <= x <= 1.0 and 0.0 <= y <= 1.0 for x, y in band.points)


def test_without_an_interval_there_is_no_band():
    assert of_role(risk_marks(RiskCurve(STEPS, (), None), 0.5), "ribbon") == []
    assert RiskCurve(STEPS, (), 0.95).banded
    assert not RiskCurve(STEPS, (), None).banded
    assert not RiskCurve(STEPS[2:], (), 0.95).banded


def test_points_say_their_numbers_and_share_the_whole_width():
    spots = [mark for mark in risk_marks(CURVE, 0.5, spots=True) if isinstance(mark, Spot)]
    assert [(spot.x, pytest.approx(spot.x + spot.width)) for spot in spots] == [(0.0, 0.65), (0.65, 0.9), (0.9, 1.0)]
    words = "answer 80.0 %: from confidence 0.5 on, 80 rows, 20 wrong, error 25.00 % [16.00 – 36.00]"
    assert spots[1].words == words


def test_other_curves_are_faint():
    marks = risk_marks(CURVE, 0.5, [RiskCurve(STEPS[:2], (), None)])
    assert [one.points for one in of_role(marks, "other")] == [((0.5, 0.0), (0.8, 0.5))]


@pytest.mark.parametrize(
    ("limits", "top"),
    [((), 0.4 * 1.16), ((0.5,), 0.5 * 1.16), ((0.8,), 0.8 * 1.16), ((0.81,), 0.4 * 1.16)],
)
def test_the_axis_reaches_limits_up_to_twice_the_largest_error(limits, top):
    found = tuple(Certificate((limit,), 1.0, 0.4) for limit in limits)
    assert top_of([RiskCurve(STEPS, found, 0.95)]) == pytest.approx(top)


def test_without_a_wrong_row_the_axis_shows_what_could_be():
    curve = RiskCurve((RiskStep(0.1, 1.0, 0.0, 10, 0, 0.0, 0.3085),), (), 0.95)
    assert top_of([curve]) == pytest.approx(1.16 * 0.3085)
    assert of_role(risk_marks(curve, 0.4), "best") == of_role(risk_marks(curve, 0.4), "random") == []


def test_one_confidence_for_all_rows_is_one_dot():
    dump = evaluate(confidence=np.full(100, 0.7), correct=np.arange(100) < 70, metrics="aurc").dumps[0]
    curve = risk_curve(dump, 0.95)
    assert [(one.coverage, one.risk, one.rows, one.wrong) for one in curve.steps] == [(1.0, 0.3, 100, 30)]
    marks = risk_marks(curve, 0.4)
    assert of_role(marks, "alone") == [Dot("alone", (1.0, 0.3 / 0.4))]
    assert not [mark for mark in marks if isinstance(mark, Path) and mark.role in ("curve", "ribbon")]


def measured(seed, n, error, limits):
    """A curve with this error, where confidence tells right rows from wrong ones more or less."""
    rng = np.random.default_rng(seed)
    correct = rng.random(n) >= error
    confidence = 1.0 / (1.0 + np.exp(-(rng.normal(size=n) + 3.0 * rng.random() * correct)))
    names = [f"coverage@error={limit}" for limit in limits]
    return risk_curve(evaluate(confidence=confidence, correct=correct, metrics=names).dumps[0], 0.95)


CASES = [
    measured(seed, n, error, (0.01, 0.012, 0.02, 0.05, 0.1, 0.3, 0.6))
    for seed, (n, error) in enumerate(product((10, 300, 5_000), (0.0, 0.01, 0.08, 0.35, 0.7, 0.97)))
]


@pytest.mark.parametrize("room", [(200.0, 120.0), (268.0, 240.0), (420.0, 240.0), (900.0, 240.0)])
@pytest.mark.parametrize("curve", CASES)
def test_labels_hide_neither_each_other_nor_leave_the_panel(curve, room):
    top = top_of([curve])
    boxes = [_box(text, room) for text in labels(curve, top, room, 12.0)]
    for left, bottom, right, above in boxes:
        assert left >= 0.0
        assert right <= room[0]
        assert bottom >= -3.0
        assert above <= room[1] + 1.0
    for a, b in combinations(boxes, 2):
        assert min(a[2], b[2]) <= max(a[0], b[0]) or min(a[3], b[3]) <= max(a[1], b[1])


def test_a_label_near_the_left_edge_stands_above_the_curve():
    steps = tuple(
        RiskStep(1.0 - x, x, 0.2 * x, round(1000 * x), round(200 * x * x)) for x in np.linspace(0.02, 1.0, 50)
    )
    curve, room = RiskCurve(steps, (Certificate((0.01,), 0.04, 0.008),), None), (420.0, 240.0)
    top = top_of([curve])
    label = labels(curve, top, room, 12.0)[0]
    left, bottom, right, _ = _box(label, room)
    assert (label.anchor, left) == ("start", 0.04 * 420 + 3)
    assert bottom > 240 * 0.2 * right / 420 / top + 1  # the curve at the end of the label


def test_the_level_line_does_not_run_through_a_label():
    for limit in (0.36, 0.38, 0.395):
        curve = RiskCurve(STEPS, (Certificate((limit,), 1.0, 0.4),), 0.95)
        label = labels(curve, 0.46, (420.0, 240.0), 12.0)[0]
        _, bottom, _, above = _box(label, (420.0, 240.0))
        assert not bottom <= 240 * 0.4 / 0.46 <= above


def test_labels_of_limits_and_orders_are_there_where_there_is_room():
    words = [text.words for text in labels(CURVE, 0.5, (420.0, 240.0), 12.0)]
    assert words == ["≤ 5 %", "random order 40 %", "best order"]


def test_limits_of_one_threshold_share_a_label():
    curve = measured(0, 2_000, 0.0, (0.05, 0.1))
    (one,) = curve.certificates
    assert (one.limits, one.coverage, one.risk, one.words) == ((0.05, 0.1), 1.0, 0.0, "≤ 5 %, 10 %")
