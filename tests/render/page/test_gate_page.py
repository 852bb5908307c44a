"""The page of a gate: the verdict leads it, and every rule is drawn against its limit where its numbers say."""

from __future__ import annotations

import re

import pytest

from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import Judged, Outlook, RuleVerdict
from calibeval.core.gating.verdict import Verdict
from calibeval.core.report.settings import Settings
from calibeval.render.page.limits import limit_plots
from calibeval.render.page.page import fragment, render
from calibeval.render.page.verdict import MOST_SLICES, verdict_view
from tests.render.hand_made import over_confident, report


def part(value, low, high, threshold, *, verdict="pass", slice_=None, **more):
    facts = {"n": 640, "centre": value, "baseline": None, "reason": "because", **more}
    return Judged(slice_, value=value, low=low, high=high, threshold=threshold, verdict=verdict, **facts)


def verdict(*rules):
    return Verdict("0", GateSettings(), Settings(), "calibeval.toml", {"name": "cand.npz"}, None, None, rules)


def plot(rule, one):
    (found,) = limit_plots(rule, [one])
    return found


def share(place):
    return float(place.rstrip("%")) / 100


def test_the_interval_lies_where_its_numbers_say():
    found = plot(Rule("ece", "max", 0.05), part(0.03, 0.02, 0.04, 0.05))
    # From 2 to 5, with 0.12 x 3 on either side: the scale is 1.64 to 5.36, 3.72 wide.
    assert share(found.low) == pytest.approx(0.36 / 3.72, abs=1e-4)
    assert share(found.dot) == pytest.approx(1.36 / 3.72, abs=1e-4)
    assert share(found.high) == pytest.approx(2.36 / 3.72, abs=1e-4)
    assert share(found.limit) == pytest.approx(3.36 / 3.72, abs=1e-4)
    assert (found.good, found.good_width) == ("0%", found.limit)
    assert (found.mark.label, found.mark.anchor, found.none) == ("≤ 5.00", "end", "")


def test_the_side_above_a_lower_limit_passes():
    found = plot(Rule("accuracy", "min", 0.9), part(0.92, 0.91, 0.93, 0.9))
    assert found.good == found.limit
    assert share(found.good) + share(found.good_width) == pytest.approx(1.0, abs=1e-4)
    assert share(found.limit) < share(found.low) < share(found.dot) < share(found.high)


def test_changes_are_drawn_against_the_margin_and_the_baseline():
    rise = plot(Rule("nll", "max_increase", 0.01), part(0.03, 0.02, 0.04, 0.01))
    assert share(rise.none) < share(rise.limit) < share(rise.low)
    assert (rise.good, rise.mark.label) == ("0%", "≤ +0.010")
    drop = plot(Rule("accuracy", "max_drop", 0.005), part(-0.003, -0.004, -0.001, 0.005))
    assert share(drop.limit) < share(drop.low) < share(drop.none)
    assert drop.good == drop.limit
    assert drop.mark.label == "≥ −0.50"


def test_the_dot_is_the_printed_value_and_the_corrected_one_is_marked_in_the_whisker():
    found = plot(Rule("ece", "max", 0.05), part(0.06, 0.01, 0.04, 0.05, centre=0.025))
    # From 1 to 6, with 0.12 x 5 on either side: the scale is 0.4 to 6.6, 6.2 wide.
    assert share(found.dot) == pytest.approx(5.6 / 6.2, abs=1e-4)
    assert share(found.corrected) == pytest.approx(2.1 / 6.2, abs=1e-4)
    assert share(found.low) < share(found.corrected) < share(found.high) < share(found.limit) < share(found.dot)


def test_a_value_that_needs_no_correction_has_one_mark():
    assert plot(Rule("accuracy", "min", 0.9), part(0.92, 0.91, 0.93, 0.9)).corrected == ""
    assert plot(Rule("accuracy", "min", 0.9), part(0.92, None, None, 0.9, centre=None)).corrected == ""


def test_of_a_signed_gap_the_size_is_drawn_as_it_is_printed():
    found = plot(Rule("confidence_gap", "max", 0.05), part(-0.03, 0.02, 0.04, 0.05, centre=0.03))
    assert share(found.low) < share(found.dot) < share(found.high)
    assert found.corrected == ""


def test_the_legend_explains_the_mark_of_the_corrected_value_only_where_it_is_drawn():
    rule, text = Rule("ece", "max", 0.05), "the value corrected for noise"
    for centre, there in ((0.025, True), (0.03, False)):
        one = part(0.03, 0.01, 0.04, 0.05, centre=centre)
        page = render(report(over_confident()), verdict=verdict(RuleVerdict(rule, "pass", "because", one)))
        assert (text in page.replace("\n", " ")) == there
        assert ('<line class="corrected"' in page) == there


@pytest.mark.parametrize(("one", "drawn"), [(part(None, None, None, 0.05), False), (part(0.1, 0.05, 0.2, None), False)])
def test_nothing_is_drawn_without_a_number_or_a_limit(one, drawn):
    assert (plot(Rule("ece", "max", 0.05), one) is not None) == drawn


def test_a_value_without_an_interval_has_no_whisker():
    found = plot(Rule("ece", "max", 0.05), part(0.1, None, None, 0.05, centre=0.1))
    assert (found.low, found.high) == ("", "")
    assert found.dot


def test_the_scale_stays_within_what_is_possible():
    assert plot(Rule("ece", "max", 0.0), part(0.0, 0.0, 0.01, 0.0)).limit == "0%"
    assert plot(Rule("accuracy", "min", 1.0), part(0.99, 0.98, 1.0, 1.0)).limit == "100%"
    assert plot(Rule("ece", "max", 0.0), part(0.0, 0.0, 0.0, 0.0)) is not None


def test_labels_stand_apart():
    # The scale is 48.92 to 60.08; "≥ 50.00" starts at 50, at 0.097, and takes 7 x 0.05: until 54.9 with 0.04 of space.
    found = plot(Rule("accuracy", "min", 0.5), part(0.57, 0.55, 0.59, 0.5))
    assert [tick.label for tick in found.ticks] == ["55", "60"]


def test_the_verdict_leads_the_page():
    failed = RuleVerdict(Rule("ece", "max", 0.05), "fail", "", part(0.1, 0.08, 0.12, 0.05, verdict="fail"))
    page = render(report(over_confident()), verdict(failed))
    assert "<title>FAILED: 1 of 1 rule · cand.npz</title>" in page
    heads = re.findall(r"<h([1-6])[ >]", page)
    assert heads.count("1") == 1
    assert heads[0] == "1"
    assert page.index("<h1>") < page.index("ECE ≤ 5.00 %") < page.index("Over-confident: says")
    assert '<svg class="icon fail"' in page
    assert page.count('class="against fail scaled"') == 1


@pytest.mark.parametrize("kind", ["pass", "inconclusive", "error"])
def test_every_verdict_has_its_own_icon(kind):
    ruled = RuleVerdict(Rule("ece", "max", 0.05), kind, "", part(0.1, 0.08, 0.12, 0.05, verdict=kind))
    page = render(report(over_confident()), verdict(ruled))
    assert f'<header class="verdict {kind}">' in page
    assert len(re.findall(rf'<svg class="icon {kind}"', page)) == 2


def test_rules_that_do_not_block_have_icons_of_their_own():
    warned = RuleVerdict(Rule("ece", "max", 0.05, "warn"), "fail", "", part(0.1, 0.08, 0.12, 0.05, verdict="fail"))
    off = RuleVerdict(Rule("nll", "max", 0.5, "off"), "off", "switched off", None)
    view = verdict_view(verdict(warned, off))
    assert [row.kind for row in view.rows] == ["warning", "off"]
    assert view.rows[1].plot is None
    page = render(report(over_confident()), verdict(warned, off))
    assert '<header class="verdict pass">' in page
    assert '<svg class="icon warning"' in page
    assert '<svg class="icon off"' in page


def test_what_more_rows_would_do_is_among_the_details():
    outlook = Outlook(0.3, 20_000, 6_700, 210_000, 1_100)
    one = part(0.04, 0.02, 0.06, 0.05, verdict="inconclusive", outlook=outlook)
    view = verdict_view(verdict(RuleVerdict(Rule("ece", "max", 0.05), "inconclusive", "", one)))
    facts = dict(view.rows[0].facts)
    assert facts["chance to pass"] == "30 % of samples of this size, for a model like this one"
    assert facts["80 of 100 samples decide"] == "from about 20,000 rows (6,700 to 210,000)"
    assert "from about 20,000 rows (6,700 to 210,000)" in render(
        report(over_confident()), verdict(RuleVerdict(Rule("ece", "max", 0.05), "inconclusive", "", one))
    )


def test_slices_are_drawn_on_one_scale_worst_first():
    values = [0.01 * i for i in range(1, MOST_SLICES + 3)]
    parts = tuple(part(v, v - 0.005, v + 0.005, 0.2, slice_=f"c={i}") for i, v in enumerate(values))
    rule = Rule("ece", "max", 0.2, slice="worst")
    view = verdict_view(verdict(RuleVerdict(rule, "pass", "", parts[-1], parts)))
    (table,) = view.slices
    assert table.rows[0].name == f"c={len(values) - 1}"
    assert [row.name for row in table.others] == ["c=1", "c=0"]
    places = [share(row.plot.dot) for row in table.rows]
    assert places == sorted(places, reverse=True)
    assert {row.plot.limit for row in table.rows} == {table.rows[0].plot.limit}


def test_a_notebook_shows_the_same_content():
    failed = RuleVerdict(Rule("ece", "max", 0.05), "fail", "", part(0.1, 0.08, 0.12, 0.05, verdict="fail"))
    shown = fragment(report(over_confident()), verdict(failed), "the text")
    assert "FAILED: 1 of 1 rule · <bdi>cand.npz</bdi>" in shown
    assert 'class="against fail scaled"' in shown
    assert "--verdict: var(--fail)" in shown
