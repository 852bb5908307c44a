"""The rules of a gate together: who shares the chance of a false failure, and which interval decides."""

from __future__ import annotations

from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison, Difference
from calibeval.core.conventions.table import OWN
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.gating import levels
from calibeval.core.gating.evidence import Evidence
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judge import judge
from calibeval.core.gating.levels import failing_level, passing_level
from calibeval.core.gating.measured import Measured, evidence
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.verdict import Verdict
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import SliceResult
from calibeval.core.report.settings import Settings
from tests.render.hand_made import over_confident

SETTINGS = GateSettings()
QUANTILE = NormalDist().inv_cdf
ERROR = 0.01


def z(level):
    return QUANTILE(0.5 + level / 2)


def at(level, value):
    """The ends of a normal interval with a standard error of 0.01."""
    return value - ERROR * z(level), value + ERROR * z(level)


def measure_of(metrics=None, changes=None, slices=()):
    """A measure of these values, each known to a standard error of 0.01, at any level."""

    def measure(level):
        def result(name, value):
            low, high = at(level, value)
            return MetricResult(name, value, low=low, high=high)

        parts = tuple(
            SliceResult("site", str(i), 200, {"ece": result("ece", value)}, None, None)
            for i, value in enumerate(slices)
        )
        found = {name: result(name, value) for name, value in (metrics or {}).items()}
        report = over_confident(metrics=found, slices=parts, small_slices=())
        if changes is None:
            return Measured(report)
        side = ComparedDump("base.npz", Source(), "logits", 1000, 10)
        told = {name: _changed(name, d, at(level, d)) for name, d in changes.items()}
        return Measured(report, Comparison("0", Settings(), side, (Candidate(side, "id", told, ()),)))

    return measure


def _changed(name, d, ends):
    return Difference(name, 0.5, 0.5 + d, d, ends[0], ends[1], 0.1, 0.1)


def outcomes(rules, measure, settings=SETTINGS):
    return [one.verdict for one in judge(rules, measure, settings)]


NLL, BRIER = Rule("nll", "max", 0.5), Rule("brier", "max", 0.5)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((1.97,), "f"),
        ((1.95,), "i"),
        ((1.97, -9.0), "ip"),  # 2.24 is the quantile of half of the chance
        ((2.25, -9.0), "fp"),
        ((2.23, -9.0), "ip"),
        ((2.25, 1.97), "ff"),  # the chance of the first goes to the second
        ((2.23, 1.97), "ii"),
        ((2.40, -9.0, -9.0), "fpp"),
        ((2.38, -9.0, -9.0), "ipp"),
        ((2.40, 2.25, 1.97), "fff"),
        ((2.40, 2.23, 1.97), "fii"),
    ],
)
def test_rules_share_the_chance_of_a_false_failure(scores, expected):
    names = ("nll", "brier", "oe")[: len(scores)]
    rules = [Rule(name, "max", 0.5) for name in names]
    found = outcomes(rules, measure_of({name: 0.5 + ERROR * s for name, s in zip(names, scores, strict=True)}))
    assert [verdict[0] for verdict in found] == list(expected)


def test_a_rule_that_only_warns_is_judged_alone():
    measure = measure_of({"nll": 0.5 + 1.97 * ERROR, "brier": 0.1})
    assert outcomes([NLL, BRIER], measure) == ["inconclusive", "pass"]
    warn = Rule("nll", "max", 0.5, severity="warn")
    assert outcomes([warn, BRIER], measure) == ["fail", "pass"]
    assert outcomes([NLL, Rule("brier", "max", 0.5, severity="warn")], measure) == ["fail", "pass"]
    assert outcomes([NLL, Rule("brier", "max", 0.5, severity="off")], measure) == ["fail", "off"]


def test_a_rule_that_cannot_be_judged_takes_no_share():
    assert outcomes([NLL, Rule("cwce", "max", 0.5)], measure_of({"nll": 0.5 + 1.97 * ERROR})) == ["fail", "error"]


@pytest.mark.parametrize(("score", "verdict"), [(2.50, "fail"), (2.48, "inconclusive")])
def test_slices_share_the_chance_of_their_rule(score, verdict):
    # Two rules, and two slices of one of them: a slice has a quarter of the chance, and 2.4977 is its quantile.
    rules = [NLL, Rule("ece", "max", 0.05, slice="worst")]
    measure = measure_of({"nll": 0.1}, slices=(0.05 + ERROR * score, 0.0))
    nll, ece = judge(rules, measure, SETTINGS)
    assert (nll.verdict, ece.verdict) == ("pass", verdict)
    if verdict == "inconclusive":
        assert "alone, not among 2 rules and 2 slices (Holm's correction); about 370 rows of it would" in ece.reason


def test_the_chance_of_any_false_failure_is_that_of_one_interval():
    # Independent values at their limits: a gate of five rules fails in 2.5 % of samples at most, and not in 12 %.
    names, rng = ("nll", "brier", "oe", "ece", "aece"), np.random.default_rng(0)
    rules, failed = [Rule(name, "max", 0.5) for name in names], 0
    for _ in range(1500):
        values = 0.5 + ERROR * rng.normal(size=5)
        failed += "fail" in outcomes(rules, measure_of(dict(zip(names, values.tolist(), strict=True))))
    assert 0.01 < failed / 1500 < 0.036


@pytest.mark.parametrize(("score", "verdict"), [(-1.65, "pass"), (-1.64, "inconclusive"), (1.95, "inconclusive")])
def test_a_change_passes_by_its_one_sided_bound(score, verdict):
    rule = Rule("nll", "max_increase", 0.03)
    (judged,) = judge([rule], measure_of(changes={"nll": 0.03 + ERROR * score}), SETTINGS)
    assert judged.verdict == verdict
    part = judged.decisive
    shown = 0.95 if score > 0 else 0.9  # beyond the limit, the 90 % interval does not hold it
    assert part.interval_level == shown
    assert (part.low, part.high) == at(shown, part.value)
    assert (part.plain_low, part.plain_high) == at(0.95, part.value)


def test_a_failure_shows_the_interval_that_failed():
    (judged, _) = judge([NLL, BRIER], measure_of({"nll": 0.53, "brier": 0.1}), SETTINGS)
    part = judged.decisive
    assert (judged.verdict, part.interval_level) == ("fail", 0.975)
    assert (part.low, part.plain_low) == (at(0.975, 0.53)[0], at(0.95, 0.53)[0])


def test_an_undecided_rule_shows_an_interval_that_holds_the_limit():
    # Beyond the limit by the one-sided bound and by itself, but not after Holm's correction for two rules.
    rules = [Rule("nll", "max_increase", 0.03), Rule("brier", "max_increase", 0.03)]
    nll, _ = judge(rules, measure_of(changes={"nll": 0.03 + 2.1 * ERROR, "brier": -0.1}), SETTINGS)
    part = nll.decisive
    assert (nll.verdict, part.interval_level) == ("inconclusive", 0.975)
    assert part.low <= 0.03 <= part.high


@pytest.mark.parametrize(("n", "level"), [(199, 0.95), (200, 0.9), (201, 0.9)])
def test_a_slice_passes_by_its_one_sided_bound_where_simulations_allow_it(n, level, monkeypatch):
    monkeypatch.setitem(levels.ONE_SIDED, "ece", 200)
    found = Evidence("site=a", n, 0.01)
    worst = Rule("ece", "max", 0.05, slice="worst")
    assert passing_level(worst, found, SETTINGS, grouped=False) == level
    assert passing_level(worst, found, SETTINGS, grouped=True) == 0.95
    doubtful = Evidence("site=a", n, 0.01, reason="the interval is approximate")
    assert passing_level(worst, doubtful, SETTINGS, grouped=False) == 0.95
    assert passing_level(Rule("ece", "max", 0.05, slice="site=a"), found, SETTINGS, grouped=False) == 0.95
    assert passing_level(Rule("mce", "max", 0.05, slice="worst"), found, SETTINGS, grouped=False) == 0.95


@pytest.mark.parametrize(("level", "passing"), [(0.95, 0.9), (0.99, 0.98), (0.6, 0.2), (0.5, 0.5), (0.3, 0.3)])
def test_the_level_that_passes_follows_from_that_of_the_settings(level, passing):
    settings = GateSettings(level=level)
    rule = Rule("nll", "max_increase", 0.1)
    assert passing_level(rule, Evidence(None, 1000, 0.0), settings, grouped=True) == passing
    assert failing_level(Fraction(1), settings) == level


@pytest.mark.parametrize(("effective", "level"), [(None, 0.9), (200.0, 0.9), (199.9, 0.95)])
def test_weighted_slices_pass_by_one_side_from_their_effective_number(effective, level):
    worst = Rule("ece", "max", 0.05, slice="worst")
    found = Evidence("site=a", 500, 0.02, 0.01, 0.03, effective=effective)
    assert passing_level(worst, found, SETTINGS, grouped=False) == level


def test_slices_carry_their_effective_number():
    rng, n = np.random.default_rng(5), 1200
    site, weights = np.repeat(["a", "b"], n // 2), np.where(np.arange(n) % 2 == 0, 3.0, 1.0)
    weights[n // 2 :] = 2.0
    confidence = rng.uniform(0.6, 1.0, n)
    probs, labels = np.column_stack([1 - confidence, confidence]), (rng.random(n) < confidence).astype(int)
    dump = Predictions(probs=probs, labels=labels, columns={"site": site}, weights=weights)
    rules = [Rule("ece", "max", 0.2, slice="worst"), Rule("nll", "max_increase", 0.1, slice="worst")]
    subject = Subject.of(dump, dump, rules, SETTINGS, bins=None, convention=OWN, slices=["site"], group=None)
    for rule in rules:
        found = {one.slice: (one.n, one.effective) for one in evidence(rule, subject.measure(0.95))}
        # site a: half of 600 rows count 3, the others 1: (300 * 4)^2 / (300 * 10) = 480; site b: equal weights
        assert found == {"site=a": (600, pytest.approx(480.0)), "site=b": (600, pytest.approx(600.0))}


@pytest.mark.parametrize(
    ("own", "asked", "kind", "code"),
    [
        (None, None, "max", 5),
        (None, None, "max_increase", 0),
        ("warn", None, "max", 0),
        ("fail", None, "max_increase", 5),
        (None, "fail", "max_increase", 5),
        (None, "pass", "max", 0),
        ("fail", "pass", "max", 5),
        ("pass", "fail", "max", 0),
    ],
)
def test_what_an_inconclusive_rule_does(own, asked, kind, code):
    rule = Rule("nll", kind, 0.5, on_inconclusive=own)
    settings = GateSettings(on_inconclusive=asked)
    rules = judge([rule], measure_of({"nll": 0.5}, {"nll": 0.499}), settings)
    verdict = Verdict("0", settings, Settings(), None, {"name": "a"}, None, None, rules)
    assert (verdict.verdict, int(verdict.exit_code), bool(verdict)) == ("inconclusive", code, code == 0)


def test_one_rule_that_blocks_is_enough():
    rules = [Rule("nll", "max_increase", 0.5), Rule("nll", "max", 0.5)]
    judged = judge(rules, measure_of({"nll": 0.5}, {"nll": 0.499}), SETTINGS)
    assert int(Verdict("0", SETTINGS, Settings(), None, {"name": "a"}, None, None, judged).exit_code) == 5
    harmless = [Rule("nll", "max_increase", 0.5), Rule("nll", "max", 0.5, severity="warn")]
    judged = judge(harmless, measure_of({"nll": 0.5}, {"nll": 0.499}), SETTINGS)
    assert int(Verdict("0", SETTINGS, Settings(), None, {"name": "a"}, None, None, judged).exit_code) == 0
