"""Rules on a certified coverage: what passes, what fails, what more rows could certify, and what a plan says of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from calibeval import GateSettings, Predictions, Rule, evaluate, gate, plan
from calibeval.api.gate_flags import flag_rules
from calibeval.core.errors import UsageError
from calibeval.core.metrics.table import EVERY
from calibeval.core.uncertainty.certified import certified
from tests.draws import draws

AT_5 = "coverage@error=0.05"
AT_LEAST = Rule(AT_5, "min", 0.4)
BY_GROUPS = (
    "there is no interval: it is not computed if only groups of rows are independent, so only "
    'decide = "point" can judge it'
)


def drawn(n, seed=0, power=1.0, **more):
    rng = np.random.default_rng(seed)
    confidence = 1.0 - 0.5 * rng.random(n) ** 2
    return Predictions(confidence=confidence, correct=rng.random(n) < confidence**power, **more)


def ruled(dump, *rules, **settings):
    return gate(dump, rules=list(rules), **settings).rules


def sure(n, wrong=()):
    correct = np.ones(n, bool)
    correct[list(wrong)] = False
    return Predictions(confidence=np.linspace(0.99, 0.6, n), correct=correct)


def test_it_passes_if_so_much_is_certified_for_new_rows():
    # sqrt(log(40) / 400) = .096 below all rows.
    (found,) = ruled(sure(200), Rule(AT_5, "min", 0.9))
    assert (found.verdict, found.decisive.low) == ("pass", pytest.approx(1.0 - math.sqrt(math.log(40) / 400)))
    (found,) = ruled(sure(200), Rule(AT_5, "min", 0.91))
    assert found.verdict == "inconclusive"


def test_an_early_error_does_not_prove_that_the_coverage_is_small():
    # One error in the first 59 rows: no threshold is certified, but the error of all 300 rows is 1/300.
    (found,) = ruled(sure(300, wrong=[10]), AT_LEAST)
    assert (found.verdict, found.decisive.value) == ("inconclusive", 0.0)
    assert found.reason == found.decisive.reason
    assert found.reason == (
        "not certified yet, but up to 100.0 % is possible; none: 1 of the 59 most confident rows is wrong, an error of "
        "up to 7.79 %; errors among the most confident rows may stop it, however many rows there are: check their "
        "labels, or allow a larger error"
    )


def test_the_interval_is_that_of_the_report():
    for dump in (sure(300), sure(300, wrong=range(200, 300)), sure(300, wrong=[10])):
        (found,) = ruled(dump, Rule(AT_5, "min", 0.99))
        told = evaluate(dump, metrics=AT_5)[AT_5]
        assert (found.decisive.low, found.decisive.high) == (told.low, told.high)
        assert (found.decisive.plain_low, found.decisive.plain_high) == (told.low, told.high)
        # What the rows do not disprove decides whether the rule fails.
        assert found.verdict == ("fail" if told.possible < 0.99 else "inconclusive")


def test_more_rows_are_only_advised_where_they_would_certify_so_much():
    even = Predictions(confidence=np.linspace(0.9, 0.89999, 5000), correct=np.arange(5000) % 50 > 0)
    (found,) = ruled(even.select(np.arange(5000) < 59), AT_LEAST, settings=GateSettings(min_rows=0))
    assert found.verdict == "inconclusive"
    assert found.reason.endswith(
        "; errors among the most confident rows may stop it, however many rows there are: check their labels, or "
        "allow a larger error"
    )
    (found,) = ruled(sure(400), Rule(AT_5, "min", 0.95))
    assert found.reason == "not certified yet, but up to 100.0 % is possible; --plan names the rows for it"
    assert plan(sure(400), rules=[Rule(AT_5, "min", 0.95)]).rules[0].rows_needed > 400
    # One of six rows is wrong at every confidence; then of equal confidences, one of ten.
    spread, tied = sure(60, wrong=range(0, 60, 6)), Predictions(confidence=np.full(60, 0.9), correct=np.arange(60) > 5)
    for dump, part in ((spread, "of only 25.0 % of the rows"), (tied, "of no part of the rows")):
        (found,) = ruled(dump, Rule(AT_5, "min", 0.3), settings=GateSettings(min_rows=0))
        assert found.verdict == "inconclusive"
        assert "--plan" not in found.reason
        assert found.reason.endswith(
            f"; as measured, the error {part} is within 5 %, so more rows will hardly help: allow a larger error or "
            "less coverage, or improve the model"
        )
    assert len(found.reason) < 300  # screens cut what is longer


def test_the_advice_on_the_worst_slice_stands_in_both_reasons():
    dump = sure(600)
    dump = Predictions(
        confidence=dump.scores,
        correct=dump.labels.astype(bool),
        columns={"site": np.where(np.arange(600) % 2, "a", "b")},
    )
    (found,) = ruled(dump, Rule(AT_5, "min", 0.95, slice="worst:site"))
    assert found.reason == f"{found.decisive.reason} (worst of 2 slices)"
    assert found.decisive.reason.endswith("; --plan names the rows for it")
    assert found.decisive in found.slices


def test_it_fails_if_the_rows_prove_that_the_error_is_larger():
    (found,) = ruled(sure(400, wrong=range(0, 400, 4)), AT_LEAST)
    assert found.verdict == "fail"
    assert found.reason.startswith("beyond the limit: at most ")
    assert found.decisive.high is None  # as in the report: no threshold is certified


def test_an_error_at_the_limit_rarely_fails():
    # The error of the most confident 40 % is just 5 %: at most 2.5 % of samples prove more than that.
    failed, samples = 0, draws(100)
    for seed in range(samples):
        rng = np.random.default_rng(seed)
        dump = Predictions(
            confidence=np.linspace(0.99, 0.6, 500), correct=rng.random(500) < np.where(np.arange(500) < 200, 0.95, 0.5)
        )
        failed += ruled(dump, AT_LEAST)[0].verdict == "fail"
    assert failed <= samples * 0.025 + 2 * math.sqrt(samples * 0.025 * 0.975)


@pytest.mark.parametrize("coverage", [0.4, 0.39])
def test_a_true_coverage_at_the_limit_rarely_fails(coverage):
    # Right if the confidence is above .615, but half of those above .99 are wrong. Of the rows above .6, .005 + .015 of
    # .4 are wrong: 5 %. So just 40 % can be answered, and a sample has fewer rows above .6 as often as not.
    failed, samples = 0, draws(80)
    for seed in range(samples):
        rng = np.random.default_rng(seed)
        confidence = rng.random(1000)
        right = (confidence > 0.615) & ((confidence < 0.99) | (rng.random(1000) < 0.5))
        dump = Predictions(confidence=confidence, correct=right)
        failed += ruled(dump, Rule(AT_5, "min", coverage))[0].verdict == "fail"
    assert failed <= samples * 0.025


def test_what_is_possible_of_new_rows():
    # All of the least confident 600 rows are wrong. The errors of n rows prove more than 5 % if so many, or more, have
    # a chance below 1.25 %; the other 1.25 % is for the share of rows.
    right = np.arange(1000) < 400
    found = evaluate(confidence=np.linspace(0.99, 0.1, 1000), correct=right, metrics=AT_5)[AT_5].possible
    open_ = [n for n in range(401, 600) if stats.binom.sf(n - 401, n, 0.05) > 0.0125]
    assert found == pytest.approx(stats.beta.ppf(1 - 0.0125, open_[-1] + 1, 1000 - open_[-1]))
    wider = evaluate(confidence=np.linspace(0.99, 0.1, 1000), correct=right, metrics=AT_5, level=0.99)[AT_5].possible
    assert wider > found
    assert evaluate(sure(200), metrics=AT_5)[AT_5].possible == 1.0


def test_too_few_rows_are_inconclusive():
    (found,) = ruled(sure(40), AT_LEAST, settings=GateSettings(min_rows=0))
    assert (found.verdict, found.reason) == ("inconclusive", "none: at least 59 rows would be needed")


def test_groups_and_weights_have_no_verdict():
    by_groups = drawn(600, columns={"patient": np.arange(600) // 3})
    for dump, group, text in (
        (by_groups, "patient", BY_GROUPS),
        (drawn(600, weights=np.arange(600) + 1.0), None, "it ranks rows that count the same, but these have weights"),
    ):
        for settled in (ruled(dump, AT_LEAST, group=group)[0], plan(dump, rules=[AT_LEAST], group=group).rules[0]):
            assert settled.reason == text
        assert ruled(dump, AT_LEAST, group=group)[0].verdict == "error"


def test_groups_without_a_certified_threshold_have_no_verdict_either():
    dump = drawn(600, power=9.0, columns={"patient": np.arange(600) // 3})
    (found,) = ruled(dump, AT_LEAST, group="patient")
    assert (found.verdict, found.decisive.high, found.reason) == ("error", None, BY_GROUPS)


def test_more_groups_give_other_metrics_no_interval_either():
    dump = drawn(600, columns={"patient": np.arange(600) // 3})
    for rule in (Rule("ecce", "max", 0.5), Rule("aurc", "max", 0.5), Rule("smece", "max", 0.5)):
        (found,) = ruled(dump, rule, group="patient")
        assert (found.verdict, found.reason) == ("error", BY_GROUPS)
        (found,) = ruled(dump, rule, group="patient", settings=GateSettings(decide="point"))
        assert found.verdict == "pass"


# Plans


def test_a_plan_never_names_fewer_rows_than_can_certify():
    (found,) = plan(sure(100), rules=[Rule(AT_5, "min", 0.1)]).rules
    assert found.rows_needed >= 59
    (found,) = plan(sure(400), rules=[Rule("coverage@error=0.01", "min", 0.1)]).rules
    assert found.rows_needed >= 299


def test_a_plan_of_too_few_rows_names_the_rows():
    (found,) = plan(sure(40), rules=[AT_LEAST], settings=GateSettings(min_rows=0)).rules
    assert (found.pass_chance, found.rows_to_detect) == (0.0, None)
    # Nobody knows whether the 41st row is wrong: half an error of 41 rows is assumed.
    assert 59 < found.rows_needed < 1000


def test_planned_rows_certify_in_80_of_100_samples():
    (found,) = plan(drawn(200_000), rules=[AT_LEAST]).rules
    rows = found.rows_needed
    assert 59 < rows < 5000
    reach = math.sqrt(math.log(40) / (2 * rows))

    def passes(seed):
        dump = drawn(rows, seed)
        return certified(dump.scores, dump.labels.astype(bool), 0.05).coverage - reach >= 0.4

    passed = np.mean([passes(seed) for seed in range(1, 201)])
    assert 0.7 <= passed <= 0.92


def test_a_plan_says_where_no_number_of_rows_would_do():
    (found,) = plan(sure(400, wrong=range(0, 400, 4)), rules=[AT_LEAST]).rules
    assert (found.rows_needed, found.reason.code) == (None, "value_beyond")
    assert found.reason.startswith("the value, without noise, is measured beyond the limit")
    # 2 % of the most confident rows are wrong: .98 ** 59 = .3 of samples begin without an error.
    even = Predictions(confidence=np.full(5000, 0.9), correct=np.arange(5000) % 50 > 0)
    steps = Predictions(confidence=np.linspace(0.9, 0.89999, 5000), correct=np.arange(5000) % 50 > 0)
    assert plan(even, rules=[AT_LEAST]).rules[0].rows_needed is not None  # all tie, so all are tested at once
    (found,) = plan(steps, rules=[AT_LEAST]).rules
    assert found.rows_needed is None
    assert found.reason.startswith("errors among the most confident rows may stop it, however many rows there are")


def test_slices_are_planned_by_their_own_rows():
    dump = drawn(900, columns={"site": np.where(np.arange(900) % 3, "a", "b")})
    (worst,) = plan(dump, rules=[Rule(AT_5, "min", 0.4, slice="worst:site")]).rules
    (whole,) = plan(dump, rules=[AT_LEAST]).rules
    assert worst.slices == 2
    assert worst.rows_needed > whole.rows_needed


def test_the_whole_gate_needs_what_its_rules_need():
    found = plan(drawn(900), rules=[AT_LEAST, Rule("accuracy", "min", 0.3)])
    assert found.rows_needed == pytest.approx(found.rules[0].rows_needed, rel=0.1)
    assert found.pass_chance == pytest.approx(found.rules[0].pass_chance, abs=0.02)


# Metrics without an interval or a difference


@pytest.mark.parametrize("name", [AT_5, "mcb_log"])
def test_changes_without_a_difference_are_neither_judged_nor_planned(name):
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(2, 300, 3)), rng.integers(0, 3, 300)
    base, dump = (Predictions(logits=one, labels=labels) for one in scores)
    rule = Rule(name, "max_drop" if EVERY[name].better == "higher" else "max_increase", 0.1)
    text = "this metric has no paired difference: limit its value, or the change of another metric"
    (found,) = ruled(dump, rule, baseline=base)
    assert (found.verdict, found.reason) == ("error", text)
    for planned in (plan(dump, rules=[rule]), plan(dump, rules=[rule], baseline=base)):
        assert (planned.rules[0].pass_chance, planned.rules[0].rows_needed) == (None, None)
        assert planned.rules[0].reason == text


def test_a_value_without_an_interval_says_what_can_be_done():
    text = 'this metric has no interval, so only decide = "point" can judge it'
    assert ruled(drawn(300), Rule("mcb_log", "max", 0.9))[0].reason == text
    assert plan(drawn(300), rules=[Rule("mcb_log", "max", 0.9)]).rules[0].reason == text
    (found,) = ruled(drawn(300), Rule("mcb_log", "max", 0.9), settings=GateSettings(decide="point"))
    assert found.verdict == "pass"


def test_every_metric_has_a_verdict_and_a_plan_or_a_reason():
    rng = np.random.default_rng(1)
    for k in (2, 3):
        scores = rng.normal(size=(400, k)) * 2.0
        labels = (
            np.cumsum(np.exp(scores), axis=1) < rng.random(400)[:, None] * np.exp(scores).sum(axis=1)[:, None]
        ).sum(axis=1)
        dump = Predictions(logits=scores * 1.4, labels=labels, columns={"site": np.where(np.arange(400) % 2, "a", "b")})
        for part in (None, "worst:site"):
            rules = [
                Rule(name, "min" if metric.better == "higher" else "max", 0.2, slice=part)
                for name, metric in EVERY.items()
                if not metric.binary or k == 2
            ]
            for one in gate(dump, rules=rules).rules:
                assert one.reason, one.rule.metric
                assert one.verdict in ("pass", "fail", "inconclusive", "error")
            for planned in plan(dump, rules=rules).rules:
                assert planned.rows_needed is not None or planned.reason, planned.rule.metric
                assert planned.pass_chance is not None or planned.reason, planned.rule.metric


def test_options_name_the_error_and_the_limit():
    for flag in ("coverage@error=0.05=0.4", "coverage@5%=0.4", " coverage@error=.05 = 0.4"):
        assert flag_rules("min", [flag]) == [AT_LEAST]
    with pytest.raises(
        UsageError, match=r"--min coverage@error=0.05: it must be METRIC=LIMIT, such as coverage@error=0.05=0.4"
    ):
        flag_rules("min", ["coverage@error=0.05"])
