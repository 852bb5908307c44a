"""Tests against perfect calibration in words."""

from __future__ import annotations

from dataclasses import replace

from calibeval.words import score_tests
from tests.render.hand_made import over_confident, with_metric


def test_tests_against_perfect_calibration():
    dump = with_metric(over_confident(), "temperature", value=1.12, z=3.41, p=0.0006)
    assert score_tests.tests(dump) == ["T: score test of 1: z = +3.4, p < 0.001"]
    dump = with_metric(dump, "cox_slope", value=0.9, p=0.25, lr=2.7)
    test = "score test of slope 1 and intercept 0 together: p = 0.25"
    assert score_tests.tests(dump)[1:] == [f"Cox, of the top label: {test}"]
    assert score_tests.tests(replace(dump, k=2))[1:] == [f"Cox: {test}"]
    assert score_tests.tests(over_confident()) == []
    assert score_tests.tests(with_metric(over_confident(), "temperature", value=None, z=None, p=None)) == []
