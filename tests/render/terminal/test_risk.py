"""The tables of thresholds and of the risk-coverage curve at the terminal."""

from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.report.fitted_on import OutOfFold
from calibeval.core.report.report import Recalibrated
from calibeval.render.terminal.full import render_full
from calibeval.render.terminal.report import render_report

LIMITS = "coverage@1%,coverage@5%,coverage@10%"
AT_5, AT_10 = (repr(float(np.linspace(0.99, 0.5, 200)[i])) for i in (100, 104))


def measured(metrics=LIMITS):
    """Confidences from .99 down; 100 of 200 rows are right, the most confident ones."""
    return evaluate(confidence=np.linspace(0.99, 0.5, 200), correct=np.arange(200) < 100, metrics=metrics)


def lines(report, width=100, render=render_report, **how):
    return render(report, width=width, color=False, **{"ascii_only": False, **how}).splitlines()


def test_several_limits_are_a_table():
    text = lines(measured())
    start = text.index("certified thresholds")
    # Bounds: 1 of 101 wrong .0461, 2 of 102 .0604; 5 of 105 .0975, 6 of 106 .1087.
    assert [line.split()[:7] for line in text[start + 2 : start + 5]] == [
        ["1", "%", "none", "–", "–", "–", "–"],
        ["5", "%", AT_5, "50.5", "101", "1", "4.62"],
        ["10", "%", AT_10, "52.5", "105", "5", "9.76"],
    ]
    assert "coverage@1%: none: at least 299 rows would be needed" in text
    assert not [line for line in text if "answer from confidence" in line]


def test_one_limit_has_the_same_table_and_promise():
    text = lines(measured("coverage@5%"))
    start = text.index("certified thresholds")
    assert text[start + 2].split()[:7] == ["5", "%", AT_5, "50.5", "101", "1", "4.62"]
    assert "with a probability of 95 %" in " ".join(text[start + 3 : start + 5])
    assert not [line for line in text if "answer from confidence" in line]


def test_one_limit_without_a_threshold_is_a_line():
    text = lines(measured("coverage@1%"))
    assert "certified thresholds" not in text
    assert "coverage@1%: none: at least 299 rows would be needed" in text


def test_certified_thresholds_are_among_the_points_of_the_curve():
    text = lines(measured())
    start = text.index("error of the most confident rows")
    assert text[start + 1].split() == ["answered", "%", "error", "%", "from", "confidence", "certified"]
    marked = [line.split() for line in text[start:] if "≤" in line]
    assert marked == [["50.5", "0.99", AT_5, "≤", "5", "%"], ["52.5", "4.76", AT_10, "≤", "10", "%"]]
    assert "certified" not in " ".join(lines(measured("aurc")))


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_columns_that_do_not_fit_are_named(width):
    text = lines(measured(), width)
    assert max(map(len, text)) <= width
    shown = " ".join(text)
    assert all(head in shown for head in ("answered %", "bound %", "cross-fitted %", "wrong"))


def test_ascii_has_other_signs():
    assert all(line.isascii() for line in lines(measured(), ascii_only=True))


@pytest.mark.parametrize("render", [render_report, render_full])
def test_a_map_has_tables_of_its_own(render):
    dump = measured("coverage@10%").dumps[0]
    after = measured("coverage@5%")
    mapped = Recalibrated("temperature", {}, OutOfFold(5, 0, 200), after.dumps[0].metrics, dump.equal_width, None)
    text = "\n".join(lines(replace(after, dumps=(replace(dump, recalibrated=mapped),)), render=render))
    assert text.count("error of the most confident rows") == 2
    assert AT_5 in text


@pytest.mark.parametrize("width", [80, 120])
def test_groups_have_a_column_of_their_own(width):
    columns = {"user": np.arange(400) // 2}
    rows = Predictions(confidence=np.linspace(0.99, 0.5, 400), correct=np.arange(400) < 300, columns=columns)
    text = lines(evaluate(rows, metrics="coverage@5%", group="user"), width)
    start = text.index("certified thresholds")
    assert "wrong groups" in text[start + 1]
    assert "3 of 153" in text[start + 2]
    assert max(map(len, text)) <= width
    assert "wrong groups" not in "\n".join(lines(measured(), 120))
