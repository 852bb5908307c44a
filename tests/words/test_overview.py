"""Several dumps in words: one finding for each, which is that of its headline."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

import calibeval
from calibeval import Predictions
from calibeval.core.data.source import Source
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.views import by_image
from calibeval.render.terminal.report import render_report
from calibeval.words.finding import finding
from calibeval.words.overview import overview, verdict, warnings
from calibeval.words.report import headline
from tests.render.hand_made import over_confident, report, with_metric


def sampled(scale, n=800, k=4, seed=0):
    rng = np.random.default_rng(seed)
    logits = 2.0 * rng.normal(size=(n, k))
    return Predictions(logits=scale * logits, labels=(logits + rng.gumbel(size=logits.shape)).argmax(axis=1))


@functools.cache
def many(count, k=4):
    return calibeval.evaluate({f"runs/resnet_severity_{i}": sampled(0.5 + 0.2 * i, 200, k) for i in range(count)})


@pytest.mark.parametrize("scale", [0.3, 0.9, 1.0, 1.2, 4.0])
@pytest.mark.parametrize("n", [60, 1500])
@pytest.mark.parametrize("k", [2, 4])
def test_the_word_of_a_row_is_that_of_the_headline(scale, n, k):
    dump = calibeval.evaluate(sampled(scale, n, k)).dumps[0]
    said, found = headline(dump), finding(dump)
    words = verdict(dump)
    for way in ("over-confident", "under-confident"):
        assert not words.startswith(way) or way in said.lower()
    if found.beyond_noise:
        assert words.endswith(("certain", "likely"))
        assert ("probably" in said.lower()) <= words.endswith("likely")
    else:
        assert words in ("within noise", "cannot tell")
        assert {"within noise": "within noise", "cannot tell": "cannot tell"}[words] in said.lower()


def by_regression(seed):
    """Scores of two classes in a narrow range, with a wrong slope and intercept that no bin shows."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([150, 250, 400]))
    z = rng.normal(rng.uniform(-3, 0), rng.uniform(0.3, 1), n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    slope, shift = rng.choice([0.8, 1, 1.2, 1.5]), rng.choice([0.2, 0.3, 0.4, 0.5, -0.3, -0.4])
    return Predictions(probs=1 / (1 + np.exp(-(slope * z + shift))), labels=labels)


@pytest.mark.parametrize(
    ("seed", "high", "words"),
    [
        (28, 0.932, ("over-confident, likely", "over-confident by its slope (0.67, p = 0.007)")),
        (28, 0.999, ("over-confident, likely", "over-confident by its slope (0.67, p = 0.007)")),
        (28, 1.001, ("off by its regression, likely", "off by its regression on the log-odds (p = 0.007)")),
        (28, None, ("off by its regression, likely", "off by its regression on the log-odds (p = 0.007)")),
        (44, 2.489, ("under-confident, likely", "under-confident by its slope (1.90, p = 0.013)")),
    ],
)
def test_a_slope_has_a_direction_only_where_its_interval_leaves_out_1(seed, high, words):
    dump = with_metric(calibeval.evaluate(by_regression(seed)).dumps[0], "cox_slope", high=high)
    assert verdict(dump) == words[0]
    assert f" is probably {words[1]}: " in headline(dump)


def test_warnings_stand_with_their_dump_and_once():
    dumps = [over_confident(warnings=warned) for warned in (("sorted", "own"), ("sorted",), ("sorted",))]
    assert warnings(dumps, ["a", "b", "c"]) == ["sorted", "a: own"]
    assert warnings(dumps[:1], ["a"]) == ["a: sorted", "a: own"]
    assert warnings([*dumps[:2], over_confident(warnings=())], ["a", "b", "c"]) == ["a, b: sorted", "a: own"]


def test_names_are_short_and_the_full_ones_are_kept():
    lines = overview(many(4)).lines
    assert [line.name for line in lines] == [f"severity_{i}" for i in range(4)]
    assert lines[0].full == "runs/resnet_severity_0"


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("count", [2, 6, 20])
def test_dumps_have_one_line_each_at_any_width(width, count):
    found = many(count)
    text = render_report(found, width=width, color=False, ascii_only=False)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    head = next(i for i, line in enumerate(lines) if "ECE" in line and "  " in line)
    rows = lines[head + 2 : head + 2 + count]
    assert all(row.split()[0].endswith(str(i)) for i, row in enumerate(rows))
    assert ("left out for width: " in text) == (width < 200)
    if width >= 60:
        assert all(one.verdict in row for one, row in zip(overview(found).lines, rows, strict=True))
    if width >= 80:
        assert all("[" in row for row in rows)


def test_of_many_dumps_only_the_table_is_shown():
    few, more = (render_report(many(count), width=100, color=False, ascii_only=False) for count in (6, 7))
    assert few.count("says ") == 6
    assert "says " not in more


def test_chosen_metrics_are_all_shown():
    chosen = calibeval.evaluate({"a": sampled(1.0), "b": sampled(2.0)}, metrics="oe,rmsce,nll,temperature")
    text = render_report(chosen, width=60, color=False, ascii_only=False)
    assert all(label in text for label in ("OE", "RMSCE", "NLL", "temperature"))
    assert "left out" not in text


def test_mixed_dumps_say_what_differs():
    mixed = calibeval.evaluate({"two": sampled(1.0, k=2), "many": sampled(1.0, 300, 12)})
    text = render_report(mixed, width=200, color=False, ascii_only=False)
    head = next(line for line in text.splitlines() if "rows" in line and "classes" in line)
    assert "ECE" in head
    assert "No value is marked as best: the dumps hold different rows" in text


def test_two_classes_are_spoken_of_by_the_positive_class():
    both = calibeval.evaluate({"a": sampled(1.0, k=2), "b": sampled(2.0, k=2)})
    assert overview(both).main == ("accuracy", "gap_positive", "nll", "brier_positive", "ece_positive")


def test_a_dump_without_a_value_has_a_dash():
    null = with_metric(over_confident(name="b"), "ece", value=None, reason="why")
    lines = overview(report(over_confident(name="a"), null)).lines
    assert lines[1].cells["ece"].value == "–"
    assert overview(report(over_confident(metrics={"oe": MetricResult("oe", 0.1)}))).main == ("oe",)


def test_images_have_means_beside_pooled_numbers(images_of_two):
    found = overview(images_of_two)
    assert found.main[-2:] == ("per_image.ece_positive", "per_image.dice_positive")
    for dump, line in zip(images_of_two.dumps, found.lines, strict=True):
        organ = dump.per_image.structures[1].numbers
        assert line.cells["per_image.ece_positive"].value == f"{100 * organ['ece'].mean:.2f}"
        assert line.cells["per_image.dice_positive"].value == f"{100 * organ['dice'].mean:.2f}"
        assert by_image(dump).numbers["ece"].pooled == pytest.approx(dump.metrics["ece_positive"].value, abs=1e-12)
    chosen = calibeval.evaluate([images(1), images(2)], metrics="nll")
    assert not any(name.startswith("per_image") for name in overview(chosen).main)


def test_regions_of_the_same_cases_are_no_rivals(images_of_two):
    assert any("best" in note for note in overview(images_of_two).notes)
    source = Source("folds", "head", format="npz cases")
    dumps = tuple(replace(dump, source=replace(source, split=dump.name)) for dump in images_of_two.dumps)
    assert overview(replace(images_of_two, dumps=dumps)).notes == ()


def images(seed):
    rng = np.random.default_rng(seed)
    p = rng.random((3, 6, 7))
    return Predictions(probs=np.stack([1 - p, p], axis=1), labels=(rng.random(p.shape) < p).astype(int))


@pytest.fixture(scope="module")
def images_of_two():
    return calibeval.evaluate([images(1), images(2)])
