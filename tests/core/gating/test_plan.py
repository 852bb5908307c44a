"""Plans: the chances of rules, of slices together and of the whole gate, against plain numbers."""

from __future__ import annotations

import json
import math
from statistics import NormalDist

import jsonschema
import numpy as np
import pytest

import calibeval
from calibeval import GateSettings, Predictions, Rule, UsageError
from calibeval.core.gating.planning import all_of, planned, rows_for
from tests.core.gating.test_whole_gate import ERROR, measure_of
from tests.records import schema

CDF, QUANTILE = NormalDist().cdf, NormalDist().inv_cdf
Z95, Z90, POWER = QUANTILE(0.975), QUANTILE(0.95), QUANTILE(0.8)
SETTINGS = GateSettings()


def two_digits(rows):
    step = 10 ** (len(str(math.floor(rows))) - 2)
    return math.ceil(rows / step) * step


def test_a_limit_is_planned_from_the_corrected_value():
    found = planned([Rule("nll", "max", 0.5)], measure_of({"nll": 0.47}), SETTINGS)
    (one,) = found.rules
    assert one.value == 0.47
    assert one.pass_chance == pytest.approx(CDF(0.03 / ERROR - Z95))
    assert one.rows_needed == two_digits(1000 * ((Z95 + POWER) * ERROR / 0.03) ** 2)
    # A violation by 0.5 beyond the limit, 0.53 from this model: each row varies by 3 x 0.53 more (prospect.GROWTH).
    error = math.sqrt(ERROR**2 + 3 * 0.53 / 1000)
    assert one.rows_to_detect == two_digits(1000 * ((Z95 + POWER) * error / 0.5) ** 2)
    assert (found.pass_chance, found.exit_0_chance) == (one.pass_chance, one.pass_chance)
    assert found.rows_needed == one.rows_needed


def test_a_change_is_planned_for_a_model_that_did_not_change():
    rules = [Rule("nll", "max_increase", 0.03), Rule("brier", "max_increase", 0.02)]
    found = planned(rules, measure_of(changes={"nll": 0.5, "brier": -0.5}), SETTINGS)
    nll, brier = found.rules
    assert (nll.value, brier.value) == (0.0, 0.0)  # whatever was measured
    assert nll.pass_chance == pytest.approx(CDF(0.03 / ERROR - Z90))
    assert brier.pass_chance == pytest.approx(CDF(0.02 / ERROR - Z90))
    assert nll.rows_needed == two_digits(1000 * ((Z90 + POWER) * ERROR / 0.03) ** 2)
    # Two rules share the chance of a false failure: 1.25 % each. The change is 0.06 then.
    error = math.sqrt(ERROR**2 + 3 * 0.06 / 1000)
    assert nll.rows_to_detect == two_digits(1000 * ((QUANTILE(0.9875) + POWER) * error / 0.03) ** 2)
    assert found.pass_chance == all_of([nll.pass_chance or 0, brier.pass_chance or 0])
    assert found.exit_0_chance == 1.0  # changes that are inconclusive only warn
    stopping = planned(rules, measure_of(changes={"nll": 0.5, "brier": -0.5}), GateSettings(on_inconclusive="fail"))
    assert stopping.exit_0_chance == stopping.pass_chance == found.pass_chance


def test_without_a_baseline_a_candidate_shares_half_of_the_variance():
    (one,) = planned([Rule("nll", "max_increase", 0.06, relative=True)], measure_of({"nll": 0.5}), SETTINGS).rules
    assert one.threshold == pytest.approx(0.03)
    assert one.pass_chance == pytest.approx(CDF(0.03 / ERROR - Z90))
    assert one.reason is not None
    assert one.reason.code == "assumed_candidate"


def test_all_slices_must_pass():
    worst = Rule("ece", "max", 0.05, slice="worst")
    found = planned([worst], measure_of(slices=(0.01, 0.03, 0.02)), SETTINGS)
    (one,) = found.rules
    each = [CDF(((0.05 - value) / ERROR - Z90) / 0.75) for value in (0.01, 0.03, 0.02)]  # prospect.SPREAD of the ECE
    assert (one.slices, one.n) == (3, 1000)
    assert one.pass_chance == pytest.approx(math.prod(each))

    def passes(share):
        scores = [(0.05 - value) / ERROR * math.sqrt(share) - Z90 for value in (0.01, 0.03, 0.02)]
        return math.prod(CDF(score / 0.75) for score in scores)

    assert one.rows_needed == rows_for(passes, 1000)
    # A slice of 200 rows that is 5 points beyond the limit, at a third of the chance; the dump has 1,000 rows. The best
    # of them, at 1 %, is 9 points away.
    error = math.sqrt(ERROR**2 + 0.09 / 200)
    rows = 1000 * ((QUANTILE(1 - 0.025 / 3) + POWER) * error / 0.05) ** 2
    assert one.rows_to_detect == pytest.approx(rows, rel=0.12)


def test_a_value_beyond_the_limit_needs_another_model():
    found = planned([Rule("nll", "max", 0.5)], measure_of({"nll": 0.52}), SETTINGS)
    (one,) = found.rules
    assert (one.rows_needed, found.rows_needed) == (None, None)
    assert one.pass_chance == pytest.approx(CDF(-2 - Z95))
    assert one.reason is not None
    assert "is measured beyond the limit" in one.reason


@pytest.mark.parametrize(("margin", "told"), [(-0.01, True), (0.01, False)])
def test_a_limit_that_hardly_anything_passes_says_so(margin, told):
    # 5 % pass where the value lies (1.96 - 1.645) standard errors within the limit.
    value = 0.5 - (Z95 - Z90 + margin) * ERROR
    (one,) = planned([Rule("nll", "max", 0.5)], measure_of({"nll": value}), SETTINGS).rules
    assert (one.reason is not None and "hardly any sample" in one.reason) == told


def test_what_cannot_be_judged_cannot_be_planned():
    found = planned([Rule("cwce", "max", 0.5), Rule("nll", "max", 0.5)], measure_of({"nll": 0.1}), SETTINGS)
    cwce, nll = found.rules
    assert (cwce.pass_chance, cwce.rows_needed, cwce.rows_to_detect) == (None, None, None)
    assert cwce.reason == "this metric does not exist for this dump"
    assert nll.pass_chance is not None
    assert (found.pass_chance, found.exit_0_chance, found.rows_needed) == (None, None, None)
    # A change that cannot be judged stops the gate, too, with exit code 3.
    rules = [Rule("cwce", "max_increase", 0.5), Rule("nll", "max", 0.5)]
    found = planned(rules, measure_of({"nll": 0.1}), SETTINGS)
    assert (found.pass_chance, found.exit_0_chance, found.rows_needed) == (None, None, None)


def test_rules_that_are_off_are_left_out():
    found = planned([Rule("nll", "max", 0.5, "off"), Rule("brier", "max", 0.9)], measure_of({"brier": 0.1}), SETTINGS)
    assert [one.rule.metric for one in found.rules] == ["brier"]


def test_a_value_alone_needs_no_plan():
    with pytest.raises(UsageError, match="needs no plan: the value alone decides"):
        planned([Rule("nll", "max", 0.5)], measure_of({"nll": 0.1}), GateSettings(decide="point"))


@pytest.mark.parametrize(("top", "expected"), [(1.0, 4000), (0.79, None), (0.8, 4000)])
def test_rows_from_which_a_chance_is_reached(top, expected):
    assert rows_for(lambda share: min(top, 0.2 * share), 1000) == expected


@pytest.mark.parametrize("chances", [(0.9, 0.4, 0.6), (0.8, 0.8), (0.99, 0.2, 0.5, 0.7)])
def test_rules_on_the_same_rows_are_correlated(chances):
    rng, n = np.random.default_rng(0), 200_000
    variables = (rng.normal(size=(n, 1)) + rng.normal(size=(n, len(chances)))) / math.sqrt(2)
    share = (variables < [QUANTILE(chance) for chance in chances]).all(axis=1).mean()
    assert all_of(chances) == pytest.approx(share, abs=0.005)
    assert math.prod(chances) < all_of(chances) < min(chances)


def dump(n=600, noise=0.0):
    rng = np.random.default_rng(3)
    logits = 2 * rng.normal(size=(n, 3))
    chances = np.exp(logits)
    labels = (rng.random((n, 1)) > (chances / chances.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1)
    moved = logits + noise * np.random.default_rng(4).normal(size=logits.shape)
    return Predictions(logits=moved, labels=labels, columns={"site": np.arange(n) % 3})


def test_a_plan_from_python():
    rules = [
        {"metric": "ece", "max": 0.1},
        {"metric": "nll", "max_increase": 0.05},
        {"metric": "ece", "max": 0.2, "slice": "worst:site"},
    ]
    made = calibeval.plan(dump(), rules, baseline=dump(noise=0.3))
    assert list(made) == ["ece max", "nll", "ece max worst:site"]
    assert made["ece max worst:site"].slices == 3
    assert repr(made).startswith("<Plan ")
    text = str(made)
    assert "600 rows" in text
    assert "ECE ≤ 20.00 % in worst slice of site of 3" in text
    document = json.loads(made.to_json())
    jsonschema.validate(document, schema("plan"))
    assert [rule["metric"] for rule in document["rules"]] == ["ece", "nll", "ece"]


def test_a_preset_is_planned_without_a_baseline():
    made = calibeval.plan(dump(), preset="recommended")
    assert any(one.rule.is_change for one in made.rules)
    assert "the candidate is assumed to share half of this model's variance" in str(made)


def test_an_inconclusive_verdict_says_what_the_plan_says():
    rule = {"metric": "nll", "max_increase": 0.02}
    one, other = dump(noise=0.3), dump()
    verdict, made = calibeval.gate(one, rule, baseline=other), calibeval.plan(one, rule, baseline=other)
    part, plan = verdict.rules[0].decisive, made.rules[0]
    assert verdict.verdict == "inconclusive"
    assert part is not None
    assert part.outlook is not None
    assert (part.outlook.pass_chance, part.outlook.rows_to_detect) == (plan.pass_chance, plan.rows_to_detect)
    assert part.rows_needed == plan.rows_needed
    assert f"about {plan.rows_needed:,} rows would decide" in verdict.rules[0].reason


@pytest.mark.parametrize(("min_rows", "expected"), [(0, 30), (30, 30), (31, 31), (500, 500)])
def test_no_plan_names_fewer_rows_than_it_can_speak_of(min_rows, expected):
    settings = GateSettings(min_rows=min_rows)
    found = planned([Rule("nll", "max", 9.0)], measure_of({"nll": 0.1}), settings)
    assert (found.rules[0].rows_needed, found.rows_needed) == (expected, expected)
    assert found.rules[0].rows_to_detect == max(expected, found.rules[0].rows_to_detect)
