from dataclasses import replace

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.metrics.result import MetricResult
from calibeval.core.uncertainty.certified import upper_bound
from calibeval.render.ci.openmetrics import of_report
from calibeval.words.cells import reasons
from calibeval.words.thresholds import exact, missing, promise, shown, threshold_cells, thresholds

AT_5 = "coverage@error=0.05"


def test_reports_say_from_which_confidence_on_rows_are_answered():
    # After 100 right rows, all are wrong: the bound of 1 error, U(1, 101) = .0461, passes, and U(2, 102) = .0606 fails.
    confidence = np.linspace(0.99, 0.5, 200)
    report = evaluate(confidence=confidence, correct=np.arange(200) < 100, metrics=AT_5)
    (line,) = reasons(report.dumps[0])
    threshold = exact(confidence[100])
    assert line.startswith(f"coverage@5%: answer from confidence {threshold} on: 101 rows, 1 wrong; cross-fitted ")


def test_reports_say_how_many_rows_would_be_needed():
    report = evaluate(confidence=np.linspace(0.99, 0.5, 58), correct=np.ones(58, bool), metrics=AT_5)
    assert reasons(report.dumps[0]) == ["coverage@5%: none: at least 59 rows would be needed"]


def certified(metrics, n=200, right=100, **more):
    """Confidences from .99 down; the first rows are right, and all others wrong."""
    return evaluate(confidence=np.linspace(0.99, 0.5, n), correct=np.arange(n) < right, metrics=metrics, **more).dumps[
        0
    ]


def test_the_table_has_a_row_for_each_limit_the_smallest_first():
    # Bounds: none of 100 wrong .0295; 1 of 101 .0461, 2 of 102 .0604; 4 of 104 .0859, 5 of 105 .0975, 6 of 106 .1087.
    table = threshold_cells(certified("coverage@10%,coverage@5%,coverage@1%"))
    assert [(one.limit, one.coverage, one.rows, one.errors, one.bound) for one in table] == [
        ("1 %", "–", "–", "–", "–"),
        ("5 %", "50.5", "101", "1", "4.62"),
        ("10 %", "52.5", "105", "5", "9.76"),
    ]
    confidence = np.linspace(0.99, 0.5, 200)
    assert [one.confidence for one in table] == ["none", exact(confidence[100]), exact(confidence[104])]
    assert table[0].cross_fitted == table[0].cross_fitted_error == "–"


def test_the_table_says_why_a_limit_has_no_threshold():
    dump = certified("coverage@10%,coverage@1%", right=20)
    assert missing(dump) == [
        "1 %: none: at least 299 rows would be needed",
        "10 %: none: 9 of the 29 most confident rows are wrong, an error of up to 47.91 %",
    ]
    (_, ten) = threshold_cells(dump)
    assert (ten.confidence, ten.coverage, ten.rows, ten.errors, ten.bound) == ("none", "–", "29", "9", "47.91")
    assert promise(dump) == ""


def test_a_bound_is_rounded_up_but_not_above_the_limit_that_it_passed():
    found = {
        name: MetricResult(name, value, threshold=threshold, rows=100, errors=0, bound=bound)
        for name, value, threshold, bound in (
            ("coverage@error=0.05", 0.5, 0.9, 0.0499999),
            ("coverage@error=0.0333", 0.4, 0.9, 0.03328),
            ("coverage@error=0.02", 0.0, None, 0.02951),
        )
    }
    table = threshold_cells(replace(certified(AT_5), metrics=found))
    assert [one.bound for one in table] == ["2.96", "3.33", "5.00"]


def test_the_promise_names_the_chance_and_the_units():
    assert promise(certified(AT_5)).startswith(
        "Of rows like these from that confidence on, at most that share is wrong, with a probability of 95 %"
    )
    columns = {"user": np.arange(400) // 2}
    rows = Predictions(confidence=np.linspace(0.99, 0.5, 400), correct=np.arange(400) < 300, columns=columns)
    grouped = evaluate(rows, metrics=AT_5, group="user").dumps[0]
    assert promise(grouped).startswith("Of groups like these, the mean over groups of their share of wrong rows")


def test_the_table_of_groups_has_what_the_bound_is_of():
    # Groups of two rows, from .99 down: 150 right ones, then wrong ones. Bounds: 0 of 59 .0495,
    # 1 of 151 .0310, 2 of 152 .0409, 3 of 153 .0499, 4 of 154 .0586 fails.
    columns = {"user": np.arange(400) // 2}
    rows = Predictions(confidence=np.linspace(0.99, 0.5, 400), correct=np.arange(400) < 300, columns=columns)
    dump = evaluate(rows, metrics="coverage@5%,coverage@0.1%", group="user").dumps[0]
    few, five = threshold_cells(dump)
    found = dump.metrics[AT_5]
    assert (found.groups, found.wrong_groups) == (153, 3)
    assert five.bound == f"{np.ceil(1e4 * upper_bound(3, 153)) / 100:.2f}"
    assert (few.groups, five.groups) == ("–", "3 of 153")
    assert five.rows == "306"
    assert promise(dump).endswith("Cross-fitted: each fifth of the groups answered by the threshold of the other four.")
    alone = certified(AT_5)
    assert threshold_cells(alone)[0].groups == ""
    assert not {"groups", "wrong_groups"} & set(alone.metrics[AT_5].to_dict())


def test_tables_take_the_place_of_lines():
    dump = certified("coverage@5%,coverage@10%")
    assert len(reasons(dump)) == 2
    assert reasons(dump, tabled=True) == []


def test_a_threshold_is_never_rounded_down():
    for threshold in np.random.default_rng(0).random(200):
        assert threshold <= float(shown(threshold)) < threshold + 1.1e-6
        close = 1.0 - 1e-5 * threshold  # never as 1, and with four digits of the distance to it
        assert close <= float(shown(close)) < close + 1.1e-3 * (1.0 - close)


def test_with_the_printed_threshold_the_counted_rows_are_answered():
    confidence = 1.0 - np.sort(np.random.default_rng(0).random(400)) * 1e-6
    dump = evaluate(confidence=confidence, correct=np.arange(400) < 300, metrics=AT_5).dumps[0]
    (row,) = threshold_cells(dump)
    assert (confidence >= float(row.confidence)).sum() == int(row.rows) < 400
    (line,) = reasons(dump)
    assert f"from confidence {row.confidence} on: {row.rows} rows" in line


def test_thresholds_of_1_and_beside_it_are_told_apart():
    assert (shown(1.0), exact(1.0)) == ("1", "1")
    assert (shown(1.0 - 2.0**-53), exact(1.0 - 2.0**-53)) == ("0.9999999999999999", "0.9999999999999999")


def test_other_metrics_have_no_threshold():
    assert thresholds([MetricResult("ece", 0.1), MetricResult(AT_5, 0.0, rows=59, errors=3)]) == []


def test_names_of_gauges_have_letters_digits_and_underlines_only():
    report = evaluate(confidence=np.linspace(0.99, 0.5, 59), correct=np.ones(59, bool), metrics=AT_5)
    assert 'calibeval_coverage_error_0_05{dump="predictions"} 1.0' in of_report(report)


def test_weighted_rows_have_no_table_of_limits():
    rng = np.random.default_rng(0)
    rows = {"confidence": rng.random(100), "correct": rng.random(100) > 0.5, "metrics": ["coverage@error=0.05"]}
    assert threshold_cells(evaluate(**rows).dumps[0])
    assert threshold_cells(evaluate(**rows, weights=np.arange(100) + 1.0).dumps[0]) == []
