import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.report.report import Report
from calibeval.render.page.page import render
from calibeval.words.risk import risk_cells, risk_curve


def measured(metrics="aurc"):
    # 40 of 100 rows are wrong, the least confident ones: no error up to a coverage of 60 %, then (k - 60)/k.
    return evaluate(confidence=np.arange(100, 0, -1) / 100, correct=np.arange(100) < 60, metrics=metrics)


def test_some_points_of_the_curve_in_words():
    cells = {one.coverage: one for one in risk_cells(measured().dumps[0])}
    assert cells["60.0"] == ("60.0", "0.00", "0.41", "")
    assert cells["80.0"] == ("80.0", "25.00", "0.21", "")  # 20 / 80
    assert cells["100.0"] == ("100.0", "40.00", "0.01", "")
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
    # Every point, with all numbers that it answers with in the drawing: 20 of 80 rows are wrong.
    row = '<th scope="row">80.0</th><td class="wide">80</td><td class="wide">20</td><td class="pin">25.00</td>'
    assert f'{row}<td class="range wide">15.99 – 35.94</td><td>0.21</td>' in render(measured())
    assert "Error of the most confident rows" not in render(measured("auroc"))


def test_certified_thresholds_are_points_of_the_curve():
    # 60 right rows come first: the bound of none of 59, .0495, passes, that of none of 60, too; 1 of 61, .0754, fails.
    cells = risk_cells(measured(["aurc", "coverage@5%", "coverage@20%"]).dumps[0])
    assert [(one.coverage, one.error, one.certified) for one in cells if one.certified] == [
        ("60.0", "0.00", "≤ 5 %"),
        ("67.0", "10.45", "≤ 20 %"),  # U(7, 67) = .1873 passes, U(8, 68) = .2023 fails
    ]
    assert len(cells) == 12  # 60 % is one of the usual points


def test_a_coverage_brings_the_curve_without_the_aurc():
    report = measured(["coverage@5%", "coverage@20%"])
    curves = [report[name].curve for name in ("coverage@5%", "coverage@20%")]
    assert curves == [measured()["aurc"].curve, None]
    assert Report.from_json(report.to_json()) == report
    assert risk_curve(report.dumps[0], 0.95).error == 0.4


def test_intervals_are_exact_at_each_point_alone():
    curve = risk_curve(measured().dumps[0], 0.95)
    one = next(step for step in curve.steps if step.rows == 80)
    # Beta quantiles: the 2.5 % one of (20, 61) and the 97.5 % one of (21, 60).
    assert (round(one.low, 6), round(one.high, 6)) == (0.15988, 0.359363)
    assert all(step.low <= step.risk <= step.high for step in curve.steps)


def test_there_are_no_intervals_for_groups_and_for_no_level():
    grouped = evaluate(
        Predictions(
            confidence=np.arange(100, 0, -1) / 100, correct=np.arange(100) < 60, columns={"user": np.arange(100) // 2}
        ),
        metrics="coverage@20%",
        group="user",
    ).dumps[0]
    assert risk_curve(grouped, 0.95).level is None
    assert {one.high for one in risk_curve(grouped, 0.95).steps} == {None}
    assert risk_curve(measured().dumps[0], None).level is None


def test_a_million_rows_have_few_points():
    def drawn(n):
        confidence = np.random.default_rng(0).random(n)
        correct = np.random.default_rng(1).random(n) < confidence
        return evaluate(confidence=confidence, correct=correct, metrics="coverage@5%,aurc")

    few, many = drawn(1_000), drawn(1_000_000)
    assert len(risk_curve(many.dumps[0], 0.95).steps) <= 51
    assert len(render(many)) < 1.1 * len(render(few))  # counts have more digits
    assert len(many.to_json()) < 1.2 * len(few.to_json())


def test_it_is_shown_only_where_it_was_asked_for():
    assert risk_cells(measured("auroc").dumps[0]) == []
