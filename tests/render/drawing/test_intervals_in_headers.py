"""Right before an interval for the true value stands the corrected value, never the biased one."""

from __future__ import annotations

from calibeval.render.drawing.headers import ece_line
from tests.render.hand_made import over_confident, with_metric


def test_before_an_interval_stands_the_corrected_value_even_if_the_biased_one_lies_inside():
    assert ece_line(over_confident()) == "ECE 11.00 %, corrected 10.90 [8.50, 13.40]"
    without = with_metric(over_confident(), "ece", corrected=None)
    assert ece_line(without) == "ECE 11.00 % [8.50, 13.40]"


def test_before_an_interval_that_does_not_hold_the_value_stands_the_corrected_one():
    dump = with_metric(over_confident(), "ece", value=0.14)
    assert ece_line(dump) == "ECE 14.00 %, corrected 10.90 [8.50, 13.40]"
    assert ece_line(dump, "95 % interval") == "ECE 14.00 %, corrected 10.90 [95 %: 8.50, 13.40]"
    assert ece_line(dump, "") == "ECE 14.00 %"
