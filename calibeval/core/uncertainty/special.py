"""The special functions that floors and intervals need, in numpy: importing scipy would triple the start-up time."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError, UsageError

# B_2j / (2j (2j - 1)) of Stirling's series; from x = 10 on, seven terms leave an error below 1e-17.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_STIRLING_FROM = 10

# Phi on a grid: a Taylor series around the nearest node replaces a million calls of math.erfc in an inversion.
_CDF_LIMIT = 9
_CDF_STEPS = 64
_CDF_TERMS = 6  # terms of the series, for steps up to 1/128: the rest is below 1e-17

# The double-exponential rule on (0, inf): the trapezoidal rule after w = exp(y - exp(-y)).
_RULE_Y = np.arange(-4.5, 5.0, 1.0 / 32.0)
_RULE_NODES = np.exp(_RULE_Y - np.exp(-_RULE_Y))
_RULE_WEIGHTS = (1.0 + np.exp(-_RULE_Y)) * _RULE_NODES / 32.0


def log_gamma(x: npt.ArrayLike) -> Floats:
    """Natural logarithm of the gamma function, elementwise.

    x: any shape, positive. The error is below 1e-14 times max(1, |value|), so it is relative, except close to the roots
    1 and 2.
    Source: Stirling's series after the recurrence, Abramowitz & Stegun 6.1.15 and 6.1.40.

    >>> bool(abs(log_gamma(5.0) - math.log(24.0)) < 1e-14)
    True
    """
    values = np.asarray(x, np.float64)
    small = values < _STIRLING_FROM
    shifted = np.where(small, values + _STIRLING_FROM, values)
    inverse = 1.0 / shifted
    square = inverse * inverse
    series = np.zeros_like(shifted)
    for coefficient in reversed(_STIRLING):
        series = series * square + coefficient
    result = np.asarray((shifted - 0.5) * np.log(shifted) - shifted + 0.5 * math.log(2.0 * math.pi) + series * inverse)
    lifted = values[small]
    product = np.ones_like(lifted)
    for step in range(1, _STIRLING_FROM):
        product = product * (lifted + step)
    result[small] -= np.log(lifted) + np.log(product)
    return result


def normal_pdf(x: npt.ArrayLike) -> Floats:
    """Density of the standard normal distribution, elementwise.

    >>> round(float(normal_pdf(0.0)), 6)
    0.398942
    """
    values = np.asarray(x, np.float64)
    return np.asarray(np.exp(-0.5 * values * values) / math.sqrt(2.0 * math.pi))


def normal_cdf(x: npt.ArrayLike) -> Floats:
    """Distribution function of the standard normal distribution, elementwise.

    x: any shape. The absolute error is below 1e-15; beyond +-9 the value is that at +-9.

    >>> normal_cdf([0.0, 1.96]).round(6).tolist()
    [0.5, 0.975002]
    """
    place = np.asarray(np.minimum(np.maximum(x, -_CDF_LIMIT), _CDF_LIMIT), np.float64) * _CDF_STEPS
    nearest = np.rint(place)
    step = (place - nearest) / _CDF_STEPS
    coefficients = _CDF_SERIES.take(nearest.astype(np.intp) + _CDF_LIMIT * _CDF_STEPS, axis=1)
    series = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        series = series * step + coefficient
    return np.asarray(series)


def _cdf_series() -> Floats:
    """Taylor's coefficients of Phi at every node of the grid, (terms + 1, nodes): Hermite polynomials by density."""
    node = np.arange(-_CDF_LIMIT * _CDF_STEPS, _CDF_LIMIT * _CDF_STEPS + 1, dtype=np.float64) / _CDF_STEPS
    coefficients = [np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in node.tolist()])]
    before, hermite = np.zeros_like(node), np.ones_like(node)
    for order in range(_CDF_TERMS):
        coefficients.append((-1.0) ** order * hermite * normal_pdf(node) / math.factorial(order + 1))
        before, hermite = hermite, node * hermite - order * before
    return np.array(coefficients)


_CDF_SERIES = _cdf_series()


def normal_quantile(probability: float) -> float:
    """The standard normal quantile of one probability in (0, 1).

    Raises: UsageError if probability is not inside (0, 1).

    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    if not 0.0 < probability < 1.0:
        raise UsageError(f"probability is {probability}, but a quantile needs one inside (0, 1)")
    return NormalDist().inv_cdf(probability)


def student_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t distribution at one probability in (0.5, 1).

    freedom: degrees of freedom, at least 1.
    Raises: UsageError if probability or freedom is out of range.
    Source: t^2 = freedom (1 - x) / x for x from Beta(freedom / 2, 1 / 2).

    >>> round(student_quantile(0.975, 10), 6)
    2.228139
    """
    _check_freedom(freedom)
    if not 0.5 < probability < 1.0:
        raise UsageError(f"probability is {probability}, but it must lie inside (0.5, 1)")
    # The upper tail is at 1 - x, where 1 - x = t^2 / (freedom + t^2) is small unless freedom is very small.
    tail = 2.0 * (1.0 - probability)
    half = np.array([0.5]), np.array([0.5 * freedom])
    if tail < 0.5:
        share = float(_beta_low_quantile(tail, half[1], half[0])[0])
    else:
        share = 1.0 - float(_beta_low_quantile(1.0 - tail, half[0], half[1])[0])
    return math.sqrt(freedom * (1.0 - share) / share)


def student_tail(value: float, freedom: float) -> float:
    """Probability that a variable of Student's t distribution exceeds the value.

    freedom: degrees of freedom, at least 1. Raises: UsageError if it is not.

    >>> round(student_tail(2.228139, 10), 6), student_tail(0.0, 3)
    (0.025, 0.5)
    """
    _check_freedom(freedom)
    if value < 0.0:
        return 1.0 - student_tail(-value, freedom)
    if value < 1e-100:
        return 0.5
    square = min(value, 1e150) ** 2
    far, near = (0.5 * freedom, freedom / (freedom + square)), (0.5, square / (freedom + square))
    # The quadrature is accurate in a tail, so the smaller part of the distribution is integrated.
    if square > 1.0:
        return 0.5 * _beta_below(far, near)
    return 0.5 * (1.0 - _beta_below(near, far))


def _beta_below(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Probability that a Beta(a, b) variable is below x, from (a, x) and (b, 1 - x)."""
    (a, share), (b, rest) = ((np.array([shape]), np.array([part])) for shape, part in (one, other))
    log_beta = log_gamma(a) + log_gamma(b) - log_gamma(a + b)
    density = np.exp(a * np.log(share) + b * np.log(rest) - log_beta)
    return min(1.0, float((_logit_tail_ratio(share, rest, a, b) * density)[0]))


def _check_freedom(freedom: float) -> None:
    if freedom < 1:
        raise UsageError(f"freedom is {freedom}, but at least 1 is needed")


def clopper_pearson(successes: npt.ArrayLike, trials: npt.ArrayLike, level: float) -> tuple[Floats, Floats]:
    """The ends of the exact two-sided interval for a binomial probability, elementwise.

    successes, trials: equal shapes, whole numbers, 0 <= successes <= trials, trials >= 1; level in (0, 1).
    Returns (low, high), each in [0, 1]: low is 0 without successes, high is 1 without failures.
    Raises: InputError for invalid counts; UsageError if level is not in (0, 1).
    Source: Clopper & Pearson, Biometrika 26:404 (1934), by quantiles of the beta distribution.

    >>> low, high = clopper_pearson([0, 8], [10, 10], 0.95)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.4439], [0.3085, 0.9748])
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}, but it must lie inside (0, 1)")
    hits, total = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    if hits.shape != total.shape or not np.all((hits >= 0) & (hits <= total) & (total >= 1)):
        raise InputError("successes must lie in 0 ... trials, and trials must be at least 1")
    tail = 0.5 * (1.0 - level)
    misses = total - hits
    low = np.where(hits > 0, _beta_low_quantile(tail, np.maximum(hits, 1.0), misses + 1.0), 0.0)
    high = np.where(misses > 0, 1.0 - _beta_low_quantile(tail, np.maximum(misses, 1.0), hits + 1.0), 1.0)
    return low, high


def binomial_cdf(successes: npt.ArrayLike, trials: npt.ArrayLike, chance: float) -> Floats:
    """The probability of at most so many successes, elementwise; accurate below about one half.

    successes, trials: equal shapes, 0 <= successes < trials. chance: of one success, in (0, 1).

    >>> binomial_cdf([0.0, 1.0], [2.0, 2.0], 0.5).round(12).tolist()
    [0.25, 0.75]
    """
    hits, total = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    a, b = total - hits, hits + 1.0
    share, rest = np.full_like(a, 1.0 - chance), np.full_like(a, chance)
    log_beta = log_gamma(a) + log_gamma(b) - log_gamma(a + b)
    density = np.exp(a * math.log1p(-chance) + b * math.log(chance) - log_beta)
    return np.asarray(np.minimum(_logit_tail_ratio(share, rest, a, b) * density, 1.0))


def bernoulli_divergence(share: Floats, limit: float) -> Floats:
    """The Kullback-Leibler divergence of Bernoulli variables, of a share from a chance, elementwise.

    n times it is at most the negative logarithm of the chance that n trials have such a share or a more extreme one.
    Source: Hoeffding, JASA 58:13 (1963).

    >>> bernoulli_divergence(np.array([0.0, 0.5]), 0.5).round(6).tolist()
    [0.693147, 0.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = share * np.log(share / limit), (1.0 - share) * np.log((1.0 - share) / (1.0 - limit))
    return np.nan_to_num(parts[0]) + np.nan_to_num(parts[1])


def _beta_low_quantile(tail: float, a: Floats, b: Floats) -> Floats:
    """The quantile of Beta(a, b) at a probability `tail` below one half.

    Newton's method on the logarithm of the distribution function, as a function of the logit. That function is concave:
    from any start, the first step ends to the left of the solution, and the next steps approach it from there with
    quadratic convergence, up to rounding in the logarithms of large counts.
    """
    deviation = np.sqrt(1.0 / a + 1.0 / b)
    logit = np.log(a) - np.log(b) + normal_quantile(tail) * deviation
    log_beta = log_gamma(a) + log_gamma(b) - log_gamma(a + b)
    for _ in range(60):
        share, rest = 1.0 / (1.0 + np.exp(-logit)), 1.0 / (1.0 + np.exp(logit))
        ratio = _logit_tail_ratio(share, rest, a, b)
        step = (math.log(tail) + log_beta - np.log(ratio) - a * np.log(share) - b * np.log(rest)) * ratio
        logit = logit + step
        if np.all(np.abs(step) <= 1e-7 * deviation):
            break
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def _logit_tail_ratio(share: Floats, rest: Floats, a: Floats, b: Floats) -> Floats:
    """Integral of the density of the logit of a Beta(a, b) below a point, divided by the density at that point.

    share: the point as a probability; rest: 1 - share. To the left of the point, the density falls first by its slope
    and then by its curvature; both together set the scale of the quadrature.
    """
    slope = np.maximum(a * rest - b * share, 0.0)
    scale = slope + np.sqrt((a + b) * share * rest)
    w = _RULE_NODES / scale[..., None]
    change = share[..., None] * np.expm1(-w)
    far = np.log(rest[..., None] + share[..., None] * np.exp(-w))
    log_ratio = np.where(change > -0.5, np.log1p(np.maximum(change, -0.5)), far)
    exponent = -a[..., None] * w - (a + b)[..., None] * log_ratio
    return np.asarray((np.exp(exponent) @ _RULE_WEIGHTS) / scale)
