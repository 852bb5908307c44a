import numpy as np

from calibeval import evaluate
from calibeval.core.report.report import Report
from calibeval.render.page.page import render
from calibeval.words.risk import risk_cells


def measured(metrics="aurc"):
    # 40 of 100 rows are wrong, the least confident ones: no error up to a coverage of 60 %, then (k - 60)/k.
    return evaluate(confidence=np.arange(100, 0, -1) / 100, correct=np.arange(100) < 60, metrics=metrics)


def test_some_points_of_the_curve_in_words():
    cells = {one.coverage: one for one in risk_cells(measured().dumps[0])}
    assert cells["60.0"] == ("60.0", "0.00", "0.41")
    assert cells["80.0"] == ("80.0", "25.00", "0.21")  # 20 / 80
    assert cells["100.0"] == ("100.0", "40.00", "0.01")
    assert len(cells) == 11


def test_the_curve_is_saved():
    report = measured()
    assert Report.from_json(report.to_json()) == report
    assert len(report["aurc"].curve) == 50
    (last,) = report["aurc"].curve[-1:]
    assert (last.coverage, last.risk, last.threshold) == (1.0, 0.4, 0.01)


def test_equal_confidences_are_one_point():
    report = evaluate(confidence=[0.9] * 5 + [0.6] * 5, correct=[True] * 5 + [False] * 5, metrics="aurc")
    assert [(one.coverage, one.risk) for one in report["aurc"].curve] == [(0.5, 0.0), (1.0, 0.5)]
    assert [one.coverage for one in risk_cells(report.dumps[0])] == ["50.0", "100.0"]


def test_pages_have_it_as_a_table():
    row = '<th scope="row">80.0</th><td class="pin">25.00</td><td>0.21</td>'
    assert row in render(measured())
    assert "Error of the most confident rows" not in render(measured("auroc"))


def test_it_is_shown_only_where_it_was_asked_for():
    assert risk_cells(measured("auroc").dumps[0]) == []
