"""Comparisons with a saved report, which holds no rows."""

from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, Report, compare, evaluate
from calibeval.core.comparison.baseline import table_sums
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.intervals import ece_interval, oe_interval
from calibeval.core.uncertainty.paths import gap_errors
from tests.data import logits_and_labels


def model(n=3000, k=4, seed=0, scale=1.0, **more):
    logits, labels = logits_and_labels(n, k, seed=seed)
    return Predictions(logits=logits * scale, labels=labels, source=Source(f"model{seed}.npz"), **more)


def saved(predictions, **settings):
    """A report that went through a file."""
    return Report.from_json(evaluate(predictions, **settings).to_json())


def test_nothing_is_paired_and_that_is_said():
    found = compare(saved(model()), [model(seed=1, scale=0.5)])
    assert found.paired is False
    assert found.base.report is True
    assert found.candidates[0].paired_by is None
    (warning,) = found.candidates[0].warnings
    assert warning.startswith("rows are not paired: model0.npz is a saved report; if both have the same rows, ")


def test_means_by_hand():
    base, candidate = model(2000), model(3000, seed=1, scale=0.5)
    reports = [evaluate(one) for one in (base, candidate)]
    found = compare(saved(base), [candidate])
    for name in ("nll", "brier", "confidence_gap"):
        halves = [report[name].high - report[name].value for report in reports]
        difference = reports[1][name].value - reports[0][name].value
        assert found[name].low == pytest.approx(difference - np.hypot(*halves))
        assert found[name].high == pytest.approx(difference + np.hypot(*halves))


@pytest.mark.parametrize("scale", [0.8, 1.1])
def test_the_same_rows_paired_show_more(scale):
    base, candidate = model(), model(scale=scale)
    paired, unpaired = compare(base, [candidate]), compare(saved(base), [candidate])
    for name in ("nll", "brier", "oe", "ece", "aece"):
        widths = [found[name].high - found[name].low for found in (paired, unpaired)]
        assert widths[0] <= widths[1] * 1.001


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n", [500, 5000])
def test_bin_means_tell_nearly_all_of_the_bins(n, scale):
    """What a report lacks, the spread of confidences inside of a bin, moves errors by 2 % and ends by a hair."""
    sums = summarise(model(n, scale=scale))
    report = saved(model(n, scale=scale)).dumps[0]
    for own, table in ((sums.top, report.equal_width), (sums.mass, report.equal_mass)):
        told = table_sums(table)
        np.testing.assert_allclose(told.surplus, own.surplus, atol=1e-9 * n)
        filled = own.count > 0
        share = gap_errors(told)[filled] / gap_errors(own)[filled]
        assert np.all((share > 0.93) & (share < 1.07))
        for interval in (ece_interval, oe_interval):
            one, other = interval(told, n, 0.95), interval(own, n, 0.95)
            assert one.low == pytest.approx(other.low, abs=0.03 * (other.high - other.low))
            assert one.high == pytest.approx(other.high, abs=0.03 * (other.high - other.low))


def test_a_report_at_another_level_is_scaled():
    base, candidate = model(), model(seed=1)
    usual, narrow = (compare(saved(base, level=level), [candidate])["nll"] for level in (0.95, 0.8))
    assert narrow.low == pytest.approx(usual.low, abs=1e-9)
    assert narrow.high == pytest.approx(usual.high, abs=1e-9)


def test_a_report_without_intervals():
    found = compare(saved(model(), level=None), [model(seed=1)])
    assert found["ece"].low is not None
    assert found["nll"].low is None
    assert found["nll"].difference is not None
    assert found["nll"].reason == "the report or the candidate has no interval for it"


def test_a_binary_report():
    found = compare(saved(model(k=2)), [model(k=2, seed=1, scale=0.5)])
    assert found["ece_positive"].high < 0
    assert found["ece_positive"].certain


def test_metrics_that_the_report_does_not_have():
    report = saved(model())
    dump = report.dumps[0]
    old = replace(report, dumps=(replace(dump, metrics={"ece": dump.metrics["ece"]}, equal_mass=None),))
    found = compare(old, [model(seed=1)])
    assert found["nll"].reason == "base: not in the report"
    assert found["nll"].candidate is not None


def test_the_bins_are_those_of_the_report():
    report = saved(model(), bins=10)
    assert compare(report, [model(seed=1)]).settings.bins == 10
    with pytest.raises(InputError, match=r"model0\.npz: the report has 10 bins, but 15 are needed"):
        compare(report, [model(seed=1)], bins=15)


def test_slices_are_not_compared():
    candidate = model(seed=1, columns={"site": np.tile(["a", "b"], 1500)})
    found = compare(saved(model()), [candidate], slices=["site"])
    assert found.candidates[0].slices == ()
    assert "slices were not compared" in found.candidates[0].warnings[-1]


@pytest.mark.parametrize(
    ("report", "candidate", "message"),
    [
        (
            saved(model(100), convention="mbls"),
            model(100),
            r'uses the convention "mbls", but comparisons need "calibeva',
        ),
        (
            saved(model(100)),
            model(100, 3),
            r"model0.npz \(a report\) and model0.npz cannot be .*: 4 classes in .* 3 classes",
        ),
        (
            saved(model(100)),
            Predictions(confidence=[0.5], correct=[1]),
            "cannot be compared: 4 classes in the first, the top label only in the second",
        ),
        (
            saved(model(100, 2, class_names=["cat", "dog"])),
            model(100, 2, class_names=["cat", "cow"]),
            'class 1 is "dog" in the first, "cow" in the second',
        ),
        (
            replace(saved(model(100)), dumps=()),
            model(100),
            r"the report has 0 dumps \(none\), but a baseline must have one dump",
        ),
    ],
)
def test_refusals(report, candidate, message):
    with pytest.raises(InputError, match=message):
        compare(report, [candidate])


@pytest.mark.parametrize("names", [None, ["cat", "dog"]])
def test_classes_without_names_fit_any(names):
    found = compare(saved(model(300, 2, class_names=names)), [model(300, 2, seed=1)])
    assert found["accuracy"].low is not None


def test_groups_of_either_widen_the_interval():
    video = np.repeat(np.arange(300), 10)
    logits, labels = logits_and_labels(300, 4)
    logits, labels = np.repeat(logits, 10, axis=0), np.repeat(labels, 10)
    base = Predictions(logits=logits, labels=labels, columns={"video": video})
    candidate = Predictions(logits=logits * 0.7, labels=labels, columns={"video": video})
    rows = compare(saved(base), [candidate])
    of_report = compare(saved(base, group="video"), [candidate])
    of_both = compare(saved(base, group="video"), [candidate], group="video")
    for name in ("ece", "aece", "oe", "nll", "brier", "confidence_gap"):
        widths = [found[name].high - found[name].low for found in (rows, of_report, of_both)]
        assert widths[0] < widths[1] < widths[2]
    assert of_both["cwce"].low is not None or of_both["cwce"].reason
    assert of_both.candidates[0].groups.count == 300
