"""The first screen of two classes: prevalence, direction, size, and a diagram of P(positive) from 0 to 1."""

from __future__ import annotations

import re

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.render.terminal.full import render_full
from calibeval.render.terminal.report import render_report
from calibeval.words.report import headline

NAMES = ("ok", "default")


def report_of(n=6000, shift=0.5, **more):
    rng = np.random.default_rng(0)
    s = rng.normal(-2.0, 1.5, n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-s))).astype(int)
    return evaluate(probs=1 / (1 + np.exp(-s - shift)), labels=labels, class_names=NAMES, **more)


def shown(report, *, width=100, full=False, ascii_only=False):
    render = render_full if full else render_report
    return render(report, width=width, color=False, ascii_only=ascii_only)


def test_the_first_screen_is_about_the_positive_class():
    report = report_of()
    dump, text = report.dumps[0], shown(report)
    view = dump.positive
    assert f'positive: "default" ({100 * view.prevalence:.1f} % of rows)' in text
    rows = re.findall(r"^(gap P\(pos\)|ECE P\(pos\)|Brier P\(pos\)|NLL|accuracy) ", text, re.MULTILINE)
    assert rows == ["gap P(pos)", "ECE P(pos)", "Brier P(pos)", "NLL", "accuracy"]
    assert re.search(
        r"^Cox slope \S+ \[.*\] · intercept \S+ \[.*\] · certain \(1 and 0 if calibrated\)$", text, re.MULTILINE
    )
    assert f'O observed share {100 * view.prevalence:.2f} % · P mean P("default") {100 * view.mean:.2f} %' in text
    ranges = re.findall(r"^(\d\.\d\d) – (\d\.\d\d) ", text, re.MULTILINE)
    assert (ranges[0][1], ranges[-1][0]) == ("1.00", "0.00")
    for word in ("AECE", "CWCE", "over-confident", "confidence"):
        assert word not in text
    assert " ".join(text.split()).count(headline(dump)) == 1


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_width_shows_the_same_rows_and_no_wider_line(width):
    text = shown(report_of(), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "ECE P(pos)" in text


def test_the_top_label_is_in_the_full_view():
    text = shown(report_of(), full=True)
    first, second = text.index('equal-width bins of P("default")'), text.index("the top label: the class of the larger")
    assert first < second < text.index("A accuracy ")
    for name in ("ece", "aece", "cwce", "brier_positive", "gap_positive"):
        assert re.search(rf"\b{name} ", text)


def test_chosen_metrics_are_shown_as_they_were_chosen():
    text = shown(report_of(metrics="ece,nll"))
    assert re.search(r"^ECE  %", text, re.MULTILINE)
    assert "Brier" not in text


def test_after_a_map_the_same_rows_have_two_values():
    text = shown(report_of(cross_fit=3, method="platt"))
    assert "with platt, 3 folds" in text
    assert re.search(r"^Cox slope \S+ → \S+ · intercept \S+ → \S+$", text, re.MULTILINE)


def test_one_against_the_rest_of_chosen_classes():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 900)
    text = shown(evaluate(probs=p, labels=rng.integers(0, 3, 900), class_names=["a", "b", "c"], classes=["c"]))
    assert re.search(
        r'^P\("c"\) against the rest: gap \S+ points, calibration error \S+ % \(certain\)$', text, re.MULTILINE
    )
    assert "O observed share" in text
    assert "A accuracy" in text


def test_ascii_only():
    shown(report_of(), ascii_only=True).encode("ascii")


def test_under_another_tools_convention_the_screen_is_as_for_other_dumps():
    text = shown(report_of(convention="netcal"))
    assert "positive:" not in text
    assert re.search(r"^ECE  ", text, re.MULTILINE)
