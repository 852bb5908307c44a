"""Levels of intervals and tests."""

import pytest
import scipy.stats

from calibeval.core.uncertainty.level import LEAST_P, Level


@pytest.mark.parametrize("freedom", [None, 9, 40])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_quantiles_and_tails(level, freedom):
    tested = Level(level, freedom)
    own = scipy.stats.norm if freedom is None else scipy.stats.t(freedom)
    assert tested.z == pytest.approx(own.ppf(0.5 + level / 2))
    assert tested.p(1.3) == pytest.approx(2 * own.sf(1.3))
    assert tested.p(-1.3) == tested.p(1.3)
    assert tested.p(tested.z) == pytest.approx(1 - level)
    assert tested.detectable == pytest.approx(1 + scipy.stats.norm.ppf(0.8) / tested.z)


def test_p_is_never_zero():
    assert Level(0.95).p(50.0) == LEAST_P
    assert Level(0.95, 10).p(1e9) == LEAST_P


@pytest.mark.parametrize(("ends", "p", "expected"), [((0.1, 0.2), 0.07, True), ((-0.1, 0.2), 0.01, False)])
def test_an_interval_decides_where_its_p_disagrees(ends, p, expected):
    assert (Level(0.95).agreeing(p, *ends) < 0.05) is expected
