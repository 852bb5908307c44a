"""Class tables: those beyond noise first and in colour, the others grey or folded; none is called best."""

from __future__ import annotations

import re

import numpy as np
import pytest

import calibeval
from calibeval.core.report.report import ClassResult
from calibeval.core.report.standing import class_stands_out
from calibeval.render.page.classes import FEW_WITHIN, MOST_SHOWN, class_tables, folded_count
from calibeval.render.page.page import render
from calibeval.words.classes import class_finding
from tests.render.hand_made import over_confident, report
from tests.render.page.test_page import Page

BEYOND, WITHIN, UNKNOWN = {"floor": 0.005, "floor_high": 0.01}, {"floor": 0.03, "floor_high": 0.06}, {}


def classes(**counts):
    """So many classes of each kind; errors fall from 5 %."""
    kinds = {"beyond": BEYOND, "within": WITHIN, "unknown": UNKNOWN}
    found = [(kind, i) for kind, count in counts.items() for i in range(count)]
    return tuple(ClassResult(f"{kind} {i}", 10, 0.05 - 1e-5 * i, -0.04, **kinds[kind]) for kind, i in found)


def tables(per_class, room=1000):
    return class_tables(over_confident(per_class=per_class), room)


@pytest.mark.parametrize("within", [0, FEW_WITHIN, FEW_WITHIN + 1])
def test_classes_within_noise_are_grey_and_many_are_folded(within):
    found = tables(classes(beyond=2, within=within))
    shown = within if within <= FEW_WITHIN else 0
    assert [row.text.beyond for row in found.shown].count(False) == shown
    assert [len(part.rows) for part in found.folded] == ([] if within <= FEW_WITHIN else [within])
    assert found.title == f"Classes: 2 of {within + 2} classes beyond noise"


@pytest.mark.parametrize("beyond", [MOST_SHOWN, MOST_SHOWN + 1, MOST_SHOWN + 2])
def test_of_many_beyond_noise_the_worst_are_shown(beyond):
    found = tables(classes(beyond=beyond, within=30))
    assert [row.name for row in found.shown] == [f"beyond {i}" for i in range(MOST_SHOWN)]
    more = beyond - MOST_SHOWN
    titles = [f"{more} more class{'' if more == 1 else 'es'} beyond noise"] if more else []
    assert [part.title for part in found.folded] == [*titles, "30 classes within noise"]


def test_where_none_is_beyond_noise_the_title_says_so():
    found = tables(classes(within=1000))
    assert found.title == "Classes: none of 1,000 classes beyond noise"
    assert found.shown == ()
    assert [part.title for part in found.folded] == ["1,000 classes within noise"]


def test_unknown_noise_is_no_verdict():
    found = tables(classes(unknown=MOST_SHOWN + 3))
    assert found.title == f"Classes: {class_finding(over_confident(per_class=classes(unknown=MOST_SHOWN + 3)))}"
    assert found.title.endswith("their noise is not known")
    assert {row.text.beyond for row in found.shown} == {None}
    assert {row.text.floor for row in found.shown} == {""}
    assert [part.title for part in found.folded] == ["3 more classes"]


def test_too_many_folded_classes_are_only_in_the_report():
    per_class = classes(beyond=MOST_SHOWN + 4, within=30)
    assert folded_count(over_confident(per_class=per_class)) == 34
    assert [part.left_out for part in tables(per_class, room=34).folded] == [False, False]
    found = tables(per_class, room=33)
    assert [(part.left_out, part.rows) for part in found.folded] == [(True, ()), (True, ())]


def test_the_mark_of_the_error_leaves_the_range_exactly_beyond_noise():
    found = tables((*classes(beyond=1, within=1), ClassResult("mixed", 10, 0.03, 0.001, 0.005, 0.02)))
    for row in found.shown:
        places = [float(text.rstrip("%")) for text in (row.noise, row.noise_width, row.error_place)]
        assert (abs(places[2] - 50) > places[1] / 2) == row.text.beyond
    # The widest is a floor of 6 %: half of the width. An error of 5 % below is at 50 - 50 * 5 / 6.
    assert found.shown[0].error_place == "8.33%"
    assert (found.shown[0].left, found.shown[0].width) == ("16.67%", "33.33%")


def test_a_gap_has_a_direction_only_where_it_makes_up_the_error():
    per_class = [ClassResult(f"{gap}", 10, 0.03, gap, 0.01, 0.02) for gap in (0.0099, 0.01, -0.01)]
    assert [row.sign for row in tables(tuple(per_class)).shown] == ["", "over", "under"]


def test_within_noise_nothing_is_coloured():
    text = render(report(over_confident(per_class=classes(within=3))))
    rows = re.findall(r'<tr class="within">.*?</tr>', text)
    assert len(rows) == 3
    assert not any('"over"' in row or '"under"' in row or "pin over" in row or "pin under" in row for row in rows)


@pytest.mark.parametrize("k", [3, 10, 1000])
def test_the_page_agrees_with_the_decision_for_any_number_of_classes(k):
    rng = np.random.default_rng(k)
    logits = rng.normal(size=(2000, k)) * 3
    labels = np.where(rng.random(2000) < 0.5, logits.argmax(axis=1), rng.integers(0, k, 2000))
    found = calibeval.evaluate(logits=logits, labels=labels)
    beyond = sum(class_stands_out(one) for one in found.dumps[0].per_class)
    text = Page(render(found)).text
    assert f"Classes: {beyond or 'none'} of {k:,} classes beyond noise" in text
    assert "Best 20" not in text
