"""The risk-coverage curve of a page: where it stands, what it says, and its tables."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET  # the pages are our own

import numpy as np
import pytest

from calibeval import Comparison, Predictions, compare, evaluate, gate
from calibeval.render.page.comparison import render as compared_page
from calibeval.render.page.page import render
from calibeval.render.page.risk import on_one_axis, risk_of

LIMITS = ["coverage@5%", "coverage@10%"]


def measured(metrics=LIMITS, right=100, n=200):
    """Confidences from .99 down; the first rows are right, and all others wrong."""
    return evaluate(confidence=np.linspace(0.99, 0.5, n), correct=np.arange(n) < right, metrics=metrics)


def panel(report, *, spacious=True):
    text = str(risk_of(report.dumps[0], 0.95).panel("d1", spacious=spacious))
    return ET.fromstring(text)  # noqa: S314 - our own


def of_class(root, name, tag):
    return [one for one in root.iter(tag) if name in (one.get("class") or "").split()]


def test_marks_stand_at_certified_thresholds():
    root, top = panel(measured()), 0.5 * 1.16  # half of the rows are wrong
    dots = [(dot.get("cx"), float(dot.get("cy")[:-1])) for dot in of_class(root, "certified", "circle")]
    assert dots == [
        ("50.5%", pytest.approx(100 - 100 * 1 / 101 / top, abs=0.01)),
        ("52.5%", pytest.approx(100 - 100 * 5 / 105 / top, abs=0.01)),
    ]
    ends = [float(one.get("y2")[:-1]) for one in of_class(root, "limit", "line")]
    assert ends == [pytest.approx(100 - 100 * limit / top, abs=0.01) for limit in (0.05, 0.1)]
    words = [text.text for text in of_class(root, "said", "text")]
    assert words == ["≤ 5 %", "≤ 10 %"]


def test_the_finding_is_said_and_every_point_answers():
    root = panel(measured())
    title = root.find("svg").findtext("title")
    assert title == (
        "Risk-coverage curve of predictions. Of all rows 50.00 % are wrong; of the 50 % most confident, 0.00 %. "
        "Certified with an error ≤ 5 %: 50.5 % of rows. Certified with an error ≤ 10 %: 52.5 % of rows."
    )
    spots = [one.findtext("title") for one in root.iter("g")]
    assert len(spots) == 52
    assert "answer 52.5 %: from confidence " in spots[27]
    assert spots[27].endswith(", certified ≤ 10 %")
    assert list(panel(measured(), spacious=False).iter("g")) == []


def test_the_axes_are_percent_of_rows_and_of_errors():
    root = panel(measured())
    below = [text.text for text in root.iter("text") if text.get("y") == "100%" and text.get("dy") == "16"]
    assert below == ["0", "20", "40", "60", "80", "100"]
    left = [text.text for text in root.iter("text") if text.get("x") == "0" and text.get("dx") == "-6"]
    assert left == ["0", "10", "20", "30", "40", "50"]


def test_pages_have_the_curve_the_thresholds_and_both_as_tables():
    page = render(measured())
    assert page.count('<svg class="selective"') == 1
    row = re.search(r'<tr><th scope="row">5 %</th>.*?</tr>', page)[0]
    assert re.findall(r">([^<>]+)</t", row)[2:6] == ["50.5", "101", "1", "4.62"]
    assert "at most that share is wrong, with a probability of 95 %" in page
    assert "<caption>Error of the most confident rows</caption>" in page
    assert "answer from confidence" not in page  # the table has it


def test_pages_say_why_nothing_is_certified():
    page = render(measured(["coverage@1%"], right=20))
    assert "1 %: none: at least 299 rows would be needed." in page
    assert '<circle class="certified"' not in page
    assert "certified threshold;" not in page


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        (np.linspace(0.9, 0.5, 10), np.ones(10, bool)),
        (np.linspace(0.9, 0.5, 10), np.zeros(10, bool)),
        (np.full(300, 0.7), np.arange(300) < 200),
        ([0.5], [True]),
    ],
)
def test_any_rows_can_be_drawn(confidence, correct):
    report = evaluate(confidence=confidence, correct=correct, metrics=["aurc", "coverage@5%"])
    root = panel(report)
    numbers = re.findall(r'(?:x|y|[xy][12]|c[xy])="(-?[\d.]+)%"', ET.tostring(root, encoding="unicode"))
    assert numbers
    assert all(0 <= float(number) <= 100 for number in numbers)
    assert "NaN" not in ET.tostring(root, encoding="unicode")
    assert render(report).count('<svg class="selective"') == 1


def test_pages_without_such_metrics_have_no_curve():
    assert 'class="selective"' not in render(measured(["auroc"]))


def test_several_curves_share_their_axes_and_each_panel_has_the_others():
    good, bad = (replace(measured(right=right).dumps[0], name=f"{right}") for right in (180, 100))
    first, second = on_one_axis([risk_of(good, 0.95), risk_of(bad, 0.95)], others=True)
    assert first.top == second.top == pytest.approx(0.5 * 1.16)
    assert (first.others, second.others) == ((second.curve,), (first.curve,))
    page = render(replace(measured(), dumps=(good, bad)))
    assert page.count('<svg class="selective"') == 2
    assert page.count('<path class="other"') == 2
    assert "thin: the other dumps" in page


def test_many_curves_are_not_laid_over_each_other():
    every = [risk_of(measured().dumps[0], 0.95)] * 9
    assert {one.others for one in on_one_axis(every, others=True)} == {()}


def test_a_map_has_a_curve_of_its_own():
    rng = np.random.default_rng(0)
    logits = 3.0 * rng.normal(size=(600, 4))
    labels = (logits + 2.0 * rng.gumbel(size=logits.shape)).argmax(axis=1)
    page = render(evaluate(logits=logits, labels=labels, metrics=LIMITS, cross_fit=5))
    assert page.count('<svg class="selective"') == 2
    assert "<caption>Certified thresholds · Before</caption>" in page


def sides(metrics):
    """100 rows of which 60 are right: in the base the most confident ones, in the candidate the first 3 of each 5."""
    confidence = np.linspace(0.99, 0.5, 100)
    columns = {"row": np.arange(100)}
    base = Predictions(confidence=confidence, correct=np.arange(100) < 60, columns=columns)
    other = Predictions(confidence=confidence, correct=np.arange(100) % 5 < 3, columns=columns)
    return compare(base, other, metrics=metrics)


def test_a_comparison_draws_both_curves_in_one_frame():
    page = compared_page(sides(["aurc", "augrc"]))
    assert "How many rows can they answer alone?" in page
    part = page[page.index("How many rows can they answer alone?") :]
    lines = [re.search(rf'<path class="{role}" d="M([^"]*)"', part)[1].split(" ") for role in ("first", "second")]
    # The axis ends 16 % above the largest error: that of all rows, and of half of the rows of the candidate.
    assert [line[-1] for line in lines] == [f"1000,{1000 * (1 - 1 / 1.16):.4g}"] * 2
    assert [line[24] for line in lines] == ["500,1000", f"500,{1000 * (1 - 1 / 1.16):.4g}"]
    row = '<tr><th scope="row">80</th><td class="pin">25.00</td>'  # 20 of 80
    assert row in page
    assert "Risk-coverage curves: of all rows, 40.00 % of the base and 40.00 % of the candidate are wrong." in page


def test_a_comparison_of_other_metrics_has_no_curves():
    found = sides(["ece"])
    assert found.base.risk is None
    assert "answer alone" not in compared_page(found)


def test_curves_of_a_comparison_are_saved():
    found = sides(["augrc"])
    assert Comparison.from_json(found.to_json()) == found
    assert "risk" not in sides(["ece"]).to_dict()["base"]
    assert [one.risk for one in (found.base.risk[-1], found.candidates[0].dump.risk[-1])] == [0.4, 0.4]


def test_the_page_of_a_gate_draws_the_curve_of_a_rule_on_the_coverage():
    rows = Predictions(confidence=np.linspace(0.99, 0.5, 200), correct=np.arange(200) < 100)
    verdict = gate(rows, {"metric": "coverage@error=0.1", "min": 0.1})
    page = render(verdict.report, verdict=verdict)
    assert page.count('<svg class="selective"') == 1
    assert verdict.report["coverage@10%"].rows == 105
    assert "aece" in verdict.report
    other = gate(rows, {"metric": "ece", "max": 0.9})
    assert 'class="selective"' not in render(other.report, verdict=other)
