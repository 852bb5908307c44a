import numpy as np

from calibeval import evaluate
from calibeval.core.metrics.result import MetricResult
from calibeval.render.ci.openmetrics import of_report
from calibeval.words.cells import reasons
from calibeval.words.thresholds import shown, thresholds

AT_5 = "coverage@error=0.05"


def test_reports_say_from_which_confidence_on_rows_are_answered():
    # After 100 right rows, all are wrong: the bound of 1 error, U(1, 101) = .0461, passes, and U(2, 102) = .0606 fails.
    confidence = np.linspace(0.99, 0.5, 200)
    report = evaluate(confidence=confidence, correct=np.arange(200) < 100, metrics=AT_5)
    (line,) = reasons(report.dumps[0])
    threshold = shown(confidence[100])
    assert line.startswith(f"coverage@5%: answer from confidence {threshold} on: 101 rows, 1 wrong; cross-fitted ")


def test_reports_say_how_many_rows_would_be_needed():
    report = evaluate(confidence=np.linspace(0.99, 0.5, 58), correct=np.ones(58, bool), metrics=AT_5)
    assert reasons(report.dumps[0]) == ["coverage@5%: none: at least 59 rows would be needed"]


def test_a_threshold_is_never_rounded_down():
    for threshold in np.random.default_rng(0).random(200):
        assert threshold <= float(shown(threshold)) < threshold + 1.1e-6


def test_other_metrics_have_no_threshold():
    assert thresholds([MetricResult("ece", 0.1), MetricResult(AT_5, 0.0, rows=59, errors=3)]) == []


def test_names_of_gauges_have_letters_digits_and_underlines_only():
    report = evaluate(confidence=np.linspace(0.99, 0.5, 59), correct=np.ones(59, bool), metrics=AT_5)
    assert 'calibeval_coverage_error_0_05{dump="predictions"} 1.0' in of_report(report)
