"""The headline of two classes: P(positive class), its prevalence, direction, size, and where it is off."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.report.report import Report
from calibeval.core.report.settings import Settings
from calibeval.core.report.standing import standing_in
from calibeval.words.finding import By, finding
from calibeval.words.next_step import IN_PYTHON, next_step
from calibeval.words.positive import class_name, positive_fact
from calibeval.words.repair import repair
from calibeval.words.report import headline
from calibeval.words.terms import first_terms

NAMES = ("ok", "default")


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def dump_of(stated, *, n=6000, mean=-2.5, spread=1.2, seed=0, names=NAMES, **more):
    """Log-odds s are true; `stated` makes of them what is stated."""
    rng = np.random.default_rng(seed)
    s = rng.normal(mean, spread, n)
    labels = (rng.random(n) < sigmoid(s)).astype(int)
    return evaluate(probs=sigmoid(stated(s)), labels=labels, class_names=names, **more).dumps[0]


def shares(dump):
    view = dump.positive
    return f"says {100 * view.mean:.1f} % on average, {100 * view.prevalence:.1f} % are"


def test_too_high_and_too_low():
    high, low = dump_of(lambda s: s + 0.5), dump_of(lambda s: s - 0.5)
    gap = 100 * high["gap_positive"].value
    start = f'P("default") is too high: {shares(high)} "default" (gap +{gap:.1f} points, certain), most from 0.'
    assert headline(high).startswith(start)
    assert headline(low).startswith(f'P("default") is too low: {shares(low)} "default" (gap −')
    assert finding(high).by is finding(low).by is By.GAP


def test_the_other_class_is_off_the_other_way():
    dump = dump_of(lambda s: s + 0.5, positive="ok")
    assert headline(dump).startswith(f'P("ok") is too low: {shares(dump)} "ok" (gap −')
    assert positive_fact(dump).endswith(" % of rows; the other: --positive default)")


def test_over_and_under_confident_where_gaps_cancel():
    over = dump_of(lambda s: 1.8 * s, mean=0.0, spread=1.5, names=None)
    under = dump_of(lambda s: 0.5 * s, mean=0.0, spread=1.5, names=None)
    assert finding(over).by is finding(under).by is By.BINS
    for dump, word, ends in ((over, "over", ("high", "low")), (under, "under", ("low", "high"))):
        said = headline(dump)
        assert said.startswith(f"P(class 1) is {word}-confident: too {ends[0]} at the top (0.")
        assert f", too {ends[1]} at the bottom (0." in said
        assert "; right on average: says " in said
        assert f"ECE {100 * dump['ece_positive'].value:.2f} %, certain)." in said
        assert (dump["cox_slope"].value < 1) is (word == "over")


def test_both_directions_without_order():
    dump = dump_of(lambda s: s + 1.2 * np.sin(3 * s), mean=0.0, spread=1.5)
    assert finding(dump).by is By.BINS
    assert " is too high in some bins (most from " in headline(dump)
    assert "), too low in others (most from " in headline(dump)


def test_a_mean_gap_with_bins_of_the_other_direction_names_them():
    dump = dump_of(lambda s: 1.7 * s + 0.7, n=20_000)
    assert finding(dump).by is By.GAP
    assert "; but too high at 0." in headline(dump)
    assert headline(dump).startswith('P("default") is too low:')


def test_within_noise_and_cannot_tell():
    known, open_ = dump_of(lambda s: s, n=8000), dump_of(lambda s: s, n=60)
    assert headline(known).startswith('P("default") is within noise of calibrated: says ')
    assert "; n = 8,000 shows errors above " in headline(known)
    assert headline(open_).startswith('This sample cannot tell whether P("default") is calibrated: it says ')
    assert headline(open_).endswith(" rows would show 3 points).")


@pytest.mark.parametrize(("label", "words"), [(0, 'no row is "default"'), (1, 'every row is "default"')])
def test_one_class_only(label, words):
    dump = evaluate(probs=np.linspace(0.3, 0.6, 400), labels=np.full(400, label), class_names=NAMES).dumps[0]
    assert f"says 45.0 % on average, {words} (gap " in headline(dump)


def test_a_rare_class_keeps_its_digits():
    rng = np.random.default_rng(0)
    p = np.full(200_000, 0.0004)
    dump = evaluate(probs=p, labels=rng.random(len(p)) < 0.0002, class_names=NAMES).dumps[0]
    assert "says 0.040 % on average, 0.0" in headline(dump)
    assert positive_fact(dump).startswith('positive: "default" (0.0')


def test_other_metrics_beyond_noise_are_named():
    """Too high below a half and too low above it: P(positive) is off, and so is the top label."""
    dump = dump_of(lambda s: s + 0.5, metrics="gap_positive,ece_positive,nll")
    assert set(dump.metrics) == {"gap_positive", "ece_positive", "nll"}
    assert headline(dump).startswith('P("default") is too high:')


def test_of_other_metrics_the_old_sentence():
    dump = dump_of(lambda s: s + 0.5, metrics="accuracy,ece,confidence_gap")
    assert "confident" in headline(dump)


def test_groups_too_few_for_noise_say_no_verdict():
    dump = dump_of(lambda s: s + 0.5, group=np.arange(6000) % 3)
    assert standing_in(dump, "gap_positive") is None
    assert headline(dump).startswith(f'P("default") {shares(dump)} "default" (gap +')


def test_what_a_map_repairs_is_the_error_of_the_positive_class():
    dump = dump_of(lambda s: s + 0.5, cross_fit=3, method="platt")
    before, after = dump["ece_positive"].value, dump.recalibrated.metrics["ece_positive"].value
    assert f"repairs it: ECE P(pos) {100 * before:.2f} → {100 * after:.2f}, within noise" in repair(dump)


def test_names_are_harmless():
    dump = dump_of(lambda s: s, names=("a", "b\x1b[31m\n\u202e" + "x" * 100))
    name = class_name(dump.positive)
    assert len(name) < 60
    assert "\x1b" not in headline(dump) + positive_fact(dump)
    assert "\u202e" not in headline(dump)


def test_of_the_ece_of_the_positive_class_alone_sentence_diagram_and_step_are_about_it():
    rng = np.random.default_rng(3)
    s = rng.normal(size=4000)
    dump = {"probs": 1 / (1 + np.exp(-2 * s)), "labels": (rng.random(4000) < 1 / (1 + np.exp(-s))).astype(int)}
    usual = evaluate(**dump).dumps[0]
    for metrics in (["ece_positive"], ["nll", "ece_positive"]):
        (chosen,) = evaluate(**dump, metrics=metrics).dumps
        assert {*chosen.metrics} == {*metrics}
        assert headline(chosen) == headline(usual)
        assert headline(chosen).startswith("P(class 1) is over-confident")
        assert first_terms(chosen)[0].equal_width == chosen.positive.bins
        assert next_step(Report("0", Settings(), (chosen,)), IN_PYTHON).command == IN_PYTHON.platt
    (top,) = evaluate(**dump, metrics=["ece", "ece_positive"]).dumps
    assert headline(top).startswith("Over-confident")
    assert first_terms(top)[0] is top
