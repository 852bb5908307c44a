"""P(positive class): its gap, its one-column Brier score, and which class is the positive one."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, Report, compare, evaluate
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.settings import checked
from calibeval.core.sums.binning import bin_sums, equal_width_edges
from calibeval.core.uncertainty.floors import gap_p_value
from calibeval.core.uncertainty.small_counts import class_gap_of

NAMES = ("ok", "default")


def risks(n=2000, *, shift=0.0, rate=-2.0, seed=0):
    """P(default) and labels; the log-odds that are stated are `shift` above the true ones."""
    rng = np.random.default_rng(seed)
    s = rng.normal(rate, 1.0, n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-s))).astype(int)
    return 1 / (1 + np.exp(-s - shift)), labels


def report_of(p, labels, **more):
    return evaluate(probs=p, labels=labels, class_names=NAMES, **more)


def test_by_hand():
    report = report_of([0.1, 0.2, 0.6, 0.5], [0, 1, 1, 0])
    assert report["gap_positive"].value == pytest.approx((0.1 + 0.2 + 0.6 + 0.5 - 2) / 4, abs=1e-15)
    squares = 0.1**2 + 0.8**2 + 0.4**2 + 0.5**2
    assert report["brier_positive"].value == pytest.approx(squares / 4, abs=1e-15)
    assert report["brier_positive"].value == report["brier"].value / 2
    view = report.dumps[0].positive
    assert (view.name, view.index, view.prevalence) == ("default", 1, 0.5)
    assert view.mean == pytest.approx(1.4 / 4, abs=1e-15)
    assert [b.count for b in view.bins if b.count] == [1, 1, 1, 1]
    assert view.bins[2].accuracy == 1.0  # 0.2 lies in the bin that it closes


def test_the_brier_score_of_one_column_is_half_of_the_other_with_its_interval():
    report = report_of(*risks(shift=0.8))
    one, both = report["brier_positive"], report["brier"]
    assert [2 * x for x in (one.value, one.low, one.high)] == pytest.approx(
        [both.value, both.low, both.high], rel=1e-12
    )


@pytest.mark.parametrize("more", [{}, {"group": np.arange(2000) % 80}, {"weights": 1 + np.arange(2000) % 3}])
def test_the_other_class_mirrors_it(more):
    p, labels = risks(shift=0.5)
    default, ok = (report_of(p, labels, positive=name, **more) for name in reversed(NAMES))
    gap, other = default["gap_positive"], ok["gap_positive"]
    assert (gap.value, gap.low, gap.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-12)
    assert (gap.floor, gap.floor_high) == pytest.approx((other.floor, other.floor_high), rel=1e-9)
    assert default["cox_slope"].value == ok["cox_slope"].value
    assert default["cox_intercept"].value == -ok["cox_intercept"].value
    assert default.dumps[0].positive.prevalence == pytest.approx(1 - ok.dumps[0].positive.prevalence, abs=1e-12)
    assert (ok.dumps[0].positive.name, ok.dumps[0].positive.index) == ("ok", 0)
    assert ok["ece_positive"].value == pytest.approx(default["ece_positive"].value, abs=1e-9)  # no row on an edge
    assert ok.settings.positive == "ok"


def test_an_interval_holds_the_gap_that_a_shift_makes():
    p, labels = risks(50_000, shift=0.5)
    gap = report_of(p, labels)["gap_positive"]
    true = float((p - 1 / (1 + np.exp(-(np.log(p / (1 - p)) - 0.5)))).mean())
    assert gap.low < true < gap.high
    assert gap.low > gap.floor_certain > gap.floor_high > gap.floor > 0


@pytest.mark.parametrize("rate", [-5.0, -3.0, 0.0])
def test_intervals_cover_rare_and_frequent_classes(rate):
    """The gap is 0 on average; of 95 % intervals, about 95 % hold the gap that these very rows have on average, 0."""
    inside, edges = 0, equal_width_edges(15)
    for seed in range(400):
        p, labels = risks(300, rate=rate, seed=seed)
        low, high = class_gap_of(bin_sums(p, labels, edges), 300, 0.95)
        inside += low <= 0.0 <= high
    assert inside >= 0.925 * 400


def test_weights_count_rows_again():
    p, labels = risks(300, shift=0.3)
    times = 1 + np.arange(300) % 3
    weighted, repeated = report_of(p, labels, weights=times), report_of(np.repeat(p, times), np.repeat(labels, times))
    for name in ("gap_positive", "brier_positive", "ece_positive"):
        assert weighted[name].value == pytest.approx(repeated[name].value, abs=1e-12)
    view, again = weighted.dumps[0].positive, repeated.dumps[0].positive
    assert view.prevalence == pytest.approx(again.prevalence, abs=1e-12)
    assert view.mean == pytest.approx(again.mean, abs=1e-12)
    assert [b.count for b in view.bins] == np.histogram(p, np.arange(16) / 15)[0].tolist()
    assert [b.share for b in view.bins] == pytest.approx([b.count / len(np.repeat(p, times)) for b in again.bins])


def test_groups_of_equal_rows_have_the_interval_of_one_row_each():
    p, labels = risks(400, shift=0.4)
    plain = report_of(p, labels)["gap_positive"]
    grouped = report_of(np.repeat(p, 5), np.repeat(labels, 5), group=np.repeat(np.arange(400), 5))["gap_positive"]
    assert grouped.value == pytest.approx(plain.value, abs=1e-12)
    assert grouped.high - grouped.low == pytest.approx(plain.high - plain.low, rel=0.03)
    assert grouped.floor_high == pytest.approx(plain.floor_high, rel=0.03)


def test_a_paired_difference_is_that_of_the_mean_probabilities():
    p, labels = risks(shift=0.6)
    q = p * 0.8
    base, candidate = (Predictions(probs=x, labels=labels, class_names=NAMES) for x in (p, q))
    for name, sign in (("default", 1), ("ok", -1)):
        found = compare(base, candidate, positive=name)["gap_positive"]
        error = float(np.std(q - p, ddof=1)) / len(p) ** 0.5
        assert found.difference == pytest.approx(sign * float((q - p).mean()), abs=1e-12)
        assert found.high - found.low == pytest.approx(2 * 1.959964 * error, rel=1e-3)
        assert found.base == pytest.approx(sign * float((p - labels).mean()), abs=1e-12)


def test_a_saved_report_of_the_other_class_is_no_baseline():
    p, labels = risks(500)
    saved, dump = report_of(p, labels, positive="ok"), Predictions(probs=p, labels=labels, class_names=NAMES)
    with pytest.raises(Exception, match=r'class 0 is positive in the first, class 1 in the second; say positive="0"'):
        compare(saved, dump)
    assert compare(saved, dump, positive=0)["gap_positive"].difference == 0.0


@pytest.mark.parametrize("labels", [[0] * 5, [1] * 5, [0, 1, 0, 0, 1]])
def test_five_rows_and_one_class_only(labels):
    report = report_of([0.0, 1.0, 0.5, 0.2, 0.9], labels)
    gap = report["gap_positive"]
    assert gap.value == pytest.approx(2.6 / 5 - np.mean(labels), abs=1e-15)
    assert -1 <= gap.low <= gap.value <= gap.high <= 1
    assert report.dumps[0].positive.prevalence == np.mean(labels)
    assert Report.from_json(report.to_json()) == report


def test_one_row_has_no_interval():
    gap = report_of([0.3], [1])["gap_positive"]
    assert (gap.value, gap.low) == (pytest.approx(-0.7), None)


def test_slices_and_a_map_follow_the_class():
    p, labels = risks(3000, shift=0.7)
    report = report_of(
        p, labels, positive="ok", columns={"g": np.arange(3000) % 2}, slices="g", cross_fit=3, method="platt"
    )
    dump = report.dumps[0]
    assert dump.recalibrated.positive.name == "ok"
    assert abs(dump.recalibrated.metrics["gap_positive"].value) < abs(dump.metrics["gap_positive"].value)
    assert dump.after().positive == dump.recalibrated.positive
    for one in dump.slices:
        rows = np.arange(3000) % 2 == int(one.value)
        assert one.metrics["gap_positive"].value == pytest.approx(float((labels - p)[rows].mean()), abs=1e-12)
        sums = bin_sums(1 - p[rows], 1 - labels[rows], equal_width_edges(15))
        assert one.p == pytest.approx(gap_p_value(sums, int(rows.sum())), rel=1e-6)


def test_slices_are_sorted_by_the_error_of_the_positive_class():
    rng = np.random.default_rng(0)
    p, half = np.full(4000, 0.5), np.arange(4000) % 2
    p = np.where(half == 0, np.where(rng.random(4000) < 0.5, 0.3, 0.7), p)  # a: 0.3 and 0.7, both 0.2 too low
    labels = rng.random(4000) < np.where(half == 0, p + 0.2, 0.6)  # of the top label, they cancel
    report = report_of(p, labels, columns={"g": np.array(["a", "b"])[half]}, slices="g", bins=10)
    first, second = report.dumps[0].slices
    assert (first.value, second.value) == ("a", "b")
    assert first.metrics["ece"].value < second.metrics["ece"].value
    assert first.metrics["ece_positive"].value > second.metrics["ece_positive"].value
    chosen = report_of(p, labels, columns={"g": np.array(["a", "b"])[half]}, slices="g", bins=10, metrics="ece")
    assert [one.value for one in chosen.dumps[0].slices] == ["b", "a"]


def test_chosen_classes_are_seen_one_against_the_rest():
    rng = np.random.default_rng(0)
    p, labels = rng.dirichlet(np.ones(3), 500), rng.integers(0, 3, 500)
    report = evaluate(probs=p, labels=labels, class_names=["a", "b,c", "d"], classes=["b,c", "d,0"])
    views = report.dumps[0].class_views
    assert [(v.name, v.index) for v in views] == [("b,c", 1), ("d", 2), ("a", 0)]
    for view in views:
        own, edges = p[:, view.index], np.arange(16) / 15
        assert [b.count for b in view.bins] == np.histogram(own, edges)[0].tolist()
        assert view.prevalence == float((labels == view.index).mean())
        assert view.mean == pytest.approx(float(own.mean()), abs=1e-12)
    assert report.dumps[0].positive is None
    assert Report.from_json(report.to_json()) == report


TWO = Predictions(probs=[0.2, 0.9], labels=[0, 1], class_names=NAMES)
THREE = Predictions(probs=[[0.2, 0.3, 0.5]] * 2, labels=[0, 1])
TOP = Predictions(confidence=[0.5, 0.6], correct=[0, 1])


@pytest.mark.parametrize(
    ("dump", "given", "message"),
    [
        (TWO, {"positive": "defualt"}, '--positive is "defualt", but the 2 classes are "ok", "default" (did you mean'),
        (TWO, {"positive": "2"}, '--positive is "2", but the 2 classes are "ok", "default"'),
        (THREE, {"positive": "1"}, "--positive is for two classes, but there are 3"),
        (TOP, {"positive": "1"}, "--positive is for two classes, but only the top label is known"),
        (TWO, {"classes": ["ok"]}, "--class is for more than two classes, but there are 2: choose one with --positive"),
        (TOP, {"classes": ["1"]}, "--class is for more than two classes, but only the top label is known"),
        (THREE, {"classes": ["3"]}, '--class is "3", but the 3 classes are "0", "1", "2"'),
    ],
)
def test_what_cannot_be_chosen(dump, given, message):
    with pytest.raises(UsageError) as error:
        Measurement.of(dump, checked(**given))
    assert message in str(error.value)


def test_other_tools_choose_their_classes():
    with pytest.raises(UsageError, match="--positive cannot be combined with the convention netcal"):
        checked(convention="netcal", positive="1")
    assert report_of(*risks(100), convention="netcal").dumps[0].positive is None


def test_a_name_comes_before_a_number():
    dump = Predictions(probs=[0.2, 0.9], labels=[0, 1], class_names=["1", "0"], labels_are="positions")
    assert evaluate(dump, positive=1).dumps[0].positive.index == 0
    assert evaluate(dump).dumps[0].positive.index == 1
