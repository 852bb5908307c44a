"""Pages of two classes lead with P(positive), and fold the top label; chosen classes are drawn against the rest."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.render.page.one_class import one_against_the_rest, page_names, question, small_axes
from calibeval.render.page.page import render
from calibeval.render.page.report import page_view

NAMES = ("ok", "default")


def report_of(n=3000, shift=0.5, names=NAMES, **more):
    rng = np.random.default_rng(0)
    s = rng.normal(-2.0, 1.5, n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-s))).astype(int)
    return evaluate(probs=1 / (1 + np.exp(-s - shift)), labels=labels, class_names=names, **more)


def text_of(page):
    body = page[page.index("<main>") :]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


def test_the_page_leads_with_the_positive_class():
    report = report_of()
    dump = report.dumps[0]
    (view,) = page_view(report).dumps
    assert view.question == question(dump) == "Does it happen as often as it says?"
    assert view.caption[0].replace("\N{NO-BREAK SPACE}", " ") == f"ECE P(pos) {100 * dump['ece_positive'].value:.2f} %"
    assert [dot.label for dot in view.scale.dots] == ["gap P(pos)", "ECE P(pos)"]
    assert [row.label for row in view.others] == ["Brier P(pos)", "NLL", "accuracy", "Cox slope", "Cox intercept"]
    assert view.classes is None
    assert view.picture.subject.bins == dump.positive.bins
    assert f'positive: "default" ({100 * dump.positive.prevalence:.1f} % of rows)' in view.facts
    assert len(view.width_bins) == 15
    assert view.mass_bins == []


def test_the_top_label_is_folded_below():
    report = report_of()
    (view,) = page_view(report).dumps
    assert view.top.picture.subject.bins == report.dumps[0].equal_width
    assert "gap P(pos)" not in [row.label for row in view.top.metrics]
    assert [dot.label for dot in view.top.scale.dots] == ["ECE", "AECE", "gap", "OE"]
    page = render(report)
    folded = page[page.index("<details><summary>The same by the top label") :]
    assert page.index("Is that more than noise?") < page.index("The same by the top label")
    assert "AECE" in folded
    assert len(re.findall(r' id="([^"]+)"', page)) == len(set(re.findall(r' id="([^"]+)"', page)))


def test_a_map_changes_the_numbers_of_the_positive_class():
    (view,) = page_view(report_of(cross_fit=3, method="platt")).dumps
    assert [one.label for one in view.after.changes][:3] == ["gap P(pos)", "ECE P(pos)", "Brier P(pos)"]
    assert 'Up: Share of "default", %' in text_of(render(report_of(cross_fit=3, method="platt")))


def test_slices_speak_of_the_positive_class():
    report = report_of(columns={"site": np.arange(3000) % 2}, slices="site")
    (table,) = page_view(report).dumps[0].slices
    assert (table.ece, table.gap) == ("ECE P(pos) %", "gap P(pos)")
    assert table.worst[0].ece == f"{100 * report.dumps[0].slices[0].metrics['ece_positive'].value:.2f}"


def test_several_dumps_are_compared_by_the_positive_class():
    one, two = report_of().dumps[0], report_of(shift=-0.5).dumps[0]
    report = type(report_of())("0", report_of().settings, (one, two))
    view = page_view(report)
    assert {"gap P(pos) %", "ECE P(pos) %"} <= {one.text for one in view.overview.headings}
    assert view.overview.error == "ECE P(pos)"
    assert small_axes(report.dumps).startswith('Across: P("default"), % · up: share of "default", %')
    ten = evaluate(probs=np.full((50, 10), 0.1), labels=np.arange(50) % 10).dumps[0]
    assert small_axes((one, ten)).startswith("Across: confidence or probability, %")


def test_chosen_classes_are_drawn_against_the_rest():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 900)
    report = evaluate(probs=p, labels=rng.integers(0, 3, 900), class_names=["a", "b", "<i>c"], classes=["<i>c", "a"])
    dump = report.dumps[0]
    found = one_against_the_rest(dump, "d1")
    assert [one.title for one in found] == ['P("<i>c") against the rest', 'P("a") against the rest']
    assert found[1].caption[1].startswith("gap ")
    page = render(report)
    assert "<i>c" not in page
    assert "One class against the rest" in text_of(page)
    assert page_names(dump, report)[:2] == ["accuracy", "confidence_gap"]


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", "\u202eevil", "x" * 300, "a\u0300" * 20])
def test_names_of_classes_are_harmless(name):
    page = render(report_of(names=("ok", name)))
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "x" * 100 not in page[page.index("<main>") :]
    assert page.count("<h2") == render(report_of()).count("<h2")


def test_before_and_after_a_map_the_numbers_of_the_diagrams_are_under_the_names_of_their_axes():
    report = report_of(cross_fit=3)
    page = render(report)
    numbers = page[page.index("The numbers of these diagrams") :]
    heads = [re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", one) for one in numbers.split("<thead>")[1:3]]
    for head in heads:
        assert text_of(f"<main>{head[0]}").strip() == 'P("default")'
        assert head[3] == "observed %"
        assert not any("confidence" in one or "accuracy" in one for one in head)


@pytest.mark.parametrize(("k", "words"), [(2, "Does it happen"), (3, "Are they right")])
def test_several_dumps_are_asked_what_their_diagrams_show(k, words):
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(400, k)), rng.integers(0, k, 400)
    several = evaluate(
        {"a": Predictions(logits=logits, labels=labels), "b": Predictions(logits=-logits, labels=labels)}
    )
    assert f"<h2>{words} as often as they say?</h2>" in render(several)


def test_a_table_without_what_noise_gives_has_no_empty_column():
    page = render(report_of())
    shown = {part.partition("</table>")[0] for part in page.split("<caption>Other numbers</caption>")[1:]}
    assert shown
    assert all(("if calibrated" in part) == ("(≤" in part) for part in shown)
    assert any("if calibrated" not in part for part in shown)
