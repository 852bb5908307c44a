"""The special functions, against scipy as an independent implementation, and against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats

from calibeval.core.errors import InputError, UsageError
from calibeval.core.uncertainty.special import (
    clopper_pearson,
    log_gamma,
    normal_cdf,
    normal_pdf,
    normal_quantile,
    student_quantile,
    student_tail,
)


def test_log_gamma_of_whole_numbers_is_the_log_of_a_factorial() -> None:
    factorials = [math.log(math.factorial(i)) for i in range(60)]
    np.testing.assert_allclose(log_gamma(np.arange(1.0, 61.0)), factorials, rtol=1e-14, atol=1e-14)


def test_log_gamma_agrees_with_scipy_from_tiny_to_huge() -> None:
    x = np.concatenate((10.0 ** np.linspace(-300, 15, 2001), np.linspace(0.01, 30.0, 3001)))
    np.testing.assert_allclose(log_gamma(x), scipy.special.gammaln(x), rtol=2e-14, atol=2e-14)


def test_log_gamma_keeps_the_shape() -> None:
    assert log_gamma(np.ones((2, 3))).shape == (2, 3)
    assert log_gamma(0.5) == pytest.approx(0.5 * math.log(math.pi), rel=1e-14)


def test_normal_cdf_agrees_with_scipy() -> None:
    x = np.linspace(-8.9, 8.9, 20_001)
    np.testing.assert_allclose(normal_cdf(x), scipy.special.ndtr(x), rtol=0.0, atol=1e-15)


def test_normal_cdf_is_flat_beyond_nine() -> None:
    assert normal_cdf([-1e300, -9.0]).tolist() == [normal_cdf(-9.0), normal_cdf(-9.0)]
    assert normal_cdf([9.0, math.inf]).tolist() == [1.0, 1.0]


def test_normal_pdf_agrees_with_scipy() -> None:
    x = np.linspace(-40.0, 40.0, 801)
    np.testing.assert_allclose(normal_pdf(x), scipy.stats.norm.pdf(x), rtol=1e-13, atol=1e-300)


def test_normal_quantile_inverts_the_distribution_function() -> None:
    for probability in (1e-9, 0.025, 0.5, 0.975):
        assert normal_cdf(normal_quantile(probability)) == pytest.approx(probability, rel=1e-6)


@pytest.mark.parametrize("probability", [0.0, 1.0, math.nan])
def test_normal_quantile_refuses_what_is_no_inner_probability(probability: float) -> None:
    with pytest.raises(UsageError, match="inside"):
        normal_quantile(probability)


def test_clopper_pearson_closed_forms_without_success_and_without_failure() -> None:
    low, high = clopper_pearson([0, 10], [10, 10], 0.95)
    # (1 - high)^10 = 0.025 where nothing succeeded, and the mirror image where everything did.
    np.testing.assert_allclose(low, [0.0, 0.025**0.1], rtol=1e-10)
    np.testing.assert_allclose(high, [1.0 - 0.025**0.1, 1.0], rtol=1e-10)


@pytest.mark.parametrize("trials", [1, 2, 7, 100, 10_000, 10**6, 10**8])
@pytest.mark.parametrize("level", [0.5, 0.95, 1.0 - 0.05 / 15, 1.0 - 1e-9])
def test_clopper_pearson_agrees_with_scipy(trials: int, level: float) -> None:
    successes = np.unique(np.floor(trials * np.array([0.0, 1e-6, 0.01, 0.3, 0.5, 0.97, 1.0])))
    low, high = clopper_pearson(successes, np.full(successes.shape, trials), level)
    tail, failures = (1.0 - level) / 2, trials - successes
    reference_low = scipy.stats.beta.ppf(tail, np.maximum(successes, 1), failures + 1) * (successes > 0)
    reference_rest = scipy.stats.beta.ppf(tail, np.maximum(failures, 1), successes + 1) * (failures > 0)
    np.testing.assert_allclose(low, reference_low, rtol=1e-6, atol=0.0)
    np.testing.assert_allclose(1.0 - high, reference_rest, rtol=1e-6, atol=1e-15)


def test_clopper_pearson_refuses_impossible_counts_and_levels() -> None:
    with pytest.raises(InputError, match="successes must lie in"):
        clopper_pearson([3], [2], 0.95)
    with pytest.raises(InputError, match="at least 1"):
        clopper_pearson([0], [0], 0.95)
    with pytest.raises(UsageError, match=r"level is 95, but it must lie inside \(0, 1\)"):
        clopper_pearson([1], [2], 95)


FREEDOMS = [1, 2, 3, 9, 10, 19, 39, 99, 1000, 10**6]


@pytest.mark.parametrize("freedom", FREEDOMS)
@pytest.mark.parametrize("probability", [0.6, 0.75, 0.751, 0.9, 0.95, 0.975, 0.9995, 1 - 1e-8])
def test_student_quantile_agrees_with_scipy(freedom: int, probability: float) -> None:
    expected = scipy.stats.t.ppf(probability, freedom)
    assert student_quantile(probability, freedom) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("freedom", FREEDOMS)
@pytest.mark.parametrize("value", [-3.0, -0.2, 0.0, 1e-120, 1e-8, 0.01, 0.5, 0.999, 1.0, 1.001, 2.0, 8.0, 30.0])
def test_student_tail_agrees_with_scipy(freedom: int, value: float) -> None:
    assert student_tail(value, freedom) == pytest.approx(scipy.stats.t.sf(value, freedom), rel=1e-8, abs=1e-300)


def test_student_tail_of_one_degree_is_that_of_cauchy() -> None:
    assert student_tail(1.0, 1) == pytest.approx(0.25, rel=1e-12)
    assert student_tail(math.inf, 3) == pytest.approx(0.0, abs=1e-300)
    assert student_tail(1e200, 2) >= 0.0


@pytest.mark.parametrize("freedom", [0, -1])
def test_student_needs_freedom(freedom: int) -> None:
    for call in (lambda: student_quantile(0.9, freedom), lambda: student_tail(1.0, freedom)):
        with pytest.raises(UsageError, match=rf"^freedom is {freedom}, but at least 1 is needed$"):
            call()


@pytest.mark.parametrize("probability", [0.5, 1.0, 0.2, math.nan])
def test_student_quantiles_are_of_the_upper_half(probability: float) -> None:
    with pytest.raises(UsageError, match=r"but it must lie inside \(0\.5, 1\)$"):
        student_quantile(probability, 5)
