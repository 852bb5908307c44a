"""The difference of two values from their own intervals, by hand."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm, t

from calibeval.core.comparison.differences import told_apart
from calibeval.core.data.notices import NotComputable, reason
from calibeval.core.sums.binning import bin_sums
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired import centre_of, check_thick, contrast, margins

Z = 1.959963984540054
LEVEL = Level(0.95)
# Around 0.12 it reaches 0.04 down and 0.02 up, around 0.22 it reaches 0.03 down and 0.06 up.
BASE, CANDIDATE = Interval(0.08, 0.14, None), Interval(0.19, 0.28, None)
CENTRES = (0.12, 0.22)


def test_independent_errors_add_as_squares():
    found = margins(Interval(0.08, 0.16, None), Interval(0.19, 0.25, None), CENTRES, LEVEL)
    assert (found.low, found.high) == pytest.approx((0.1 - 0.05, 0.1 + 0.05))  # 3, 4 and 5 hundredths
    uneven = margins(BASE, CANDIDATE, CENTRES, LEVEL)
    assert uneven.low == pytest.approx(0.1 - math.hypot(0.03, 0.02))
    assert uneven.high == pytest.approx(0.1 + math.hypot(0.06, 0.04))


def test_dependent_errors_add_as_they_are():
    found = margins(BASE, CANDIDATE, CENTRES, LEVEL, independent=False)
    assert found.low == pytest.approx(0.1 - (0.03 + 0.02))
    assert found.high == pytest.approx(0.1 + (0.06 + 0.04))


@pytest.mark.parametrize(("independent", "reach"), [(True, math.hypot(0.03, 0.02)), (False, 0.05)])
def test_the_p_is_that_of_the_reach_towards_zero(*, independent, reach):
    found = margins(BASE, CANDIDATE, CENTRES, LEVEL, independent=independent)
    assert found.p == pytest.approx(2 * norm.sf(Z * 0.1 / reach), rel=1e-9)
    turned = margins(CANDIDATE, BASE, CENTRES[::-1], LEVEL, independent=independent)
    assert (turned.low, turned.high, turned.p) == pytest.approx((-found.high, -found.low, found.p), rel=1e-9)


def test_few_groups_make_the_p_that_of_student():
    level = Level(0.95, 19)
    found = margins(BASE, CANDIDATE, CENTRES, level, independent=False)
    assert found.p == pytest.approx(2 * t.sf(t.ppf(0.975, 19) * 0.1 / 0.05, 19), rel=1e-6)


def test_a_difference_is_at_most_what_it_can_be():
    found = margins(BASE, CANDIDATE, CENTRES, LEVEL, 0.12, independent=False)
    assert (found.low, found.high) == pytest.approx((0.05, 0.12))
    turned = margins(CANDIDATE, BASE, CENTRES[::-1], LEVEL, 0.12, independent=False)
    assert (turned.low, turned.high) == pytest.approx((-0.12, -0.05))


def test_equal_values_differ_by_chance():
    assert margins(BASE, BASE, (0.12, 0.12), LEVEL).p == 1.0


def test_values_without_any_error_differ_for_sure():
    found = margins(Interval(0.1, 0.1, None), Interval(0.2, 0.2, None), (0.1, 0.2), LEVEL)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert found.p == 1e-15


def test_a_contrast_agrees_with_its_interval_and_says_what_would_have_shown():
    beyond, within = contrast(0.01, 0.03, 0.2, LEVEL), contrast(-0.01, 0.03, 0.001, LEVEL)
    assert beyond.p < 0.05 <= within.p
    # Half of the width times (z + the 80 % quantile) over z.
    assert beyond.detectable == pytest.approx(0.01 * (Z + norm.ppf(0.8)) / Z, rel=1e-9)
    assert contrast(0.0, 0.03, 0.001, LEVEL).p >= 0.05  # an end at 0 holds it


@pytest.mark.parametrize(("rows", "thick"), [(10, True), (9, False)])
def test_bins_hold_five_rows_on_average(rows, thick):
    sums = bin_sums([0.1] + [0.9] * (rows - 1), [0] * rows, [0.0, 0.2, 0.4, 1.0])  # the bin in the middle is empty
    if thick:
        check_thick(sums)
    else:
        with pytest.raises(NotComputable, match=r"^bins hold fewer than 5 rows on average$"):
            check_thick(sums)


def test_the_centre_is_the_corrected_value_or_the_middle():
    assert centre_of(Interval(0.1, 0.2, 0.12)) == 0.12
    assert centre_of(Interval(0.1, 0.2, None)) == pytest.approx(0.15)


FEW, INFINITE = reason("thin_bins", "too few"), reason("infinite", "infinite")


@pytest.mark.parametrize(
    ("base", "candidate", "text", "code"),
    [
        (FEW, FEW, "too few", "thin_bins"),
        (FEW, None, "base: too few", "thin_bins"),
        (None, INFINITE, "candidate: infinite", "infinite"),
        (FEW, INFINITE, "base: too few; candidate: infinite", "thin_bins"),
        (None, None, "not measured", "not_measured"),
    ],
)
def test_reasons_name_the_model_that_has_them(base, candidate, text, code):
    found = told_apart(base, candidate)
    assert (found, found.code) == (text, code)
