import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.sums.ranking import Ranking
from calibeval.core.uncertainty.ranking_influence import (
    augrc_influence,
    aurc_influence,
    auroc_influence,
    eaurc_influence,
)

INFLUENCES = {"auroc": auroc_influence, "aurc": aurc_influence, "eaurc": eaurc_influence, "augrc": augrc_influence}


def sample(seed, n=300, digits=2):
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.random(n), digits)
    return confidence, rng.random(n) < confidence


def of_rows(area, confidence, correct):
    ranking = Ranking.of(confidence, correct)
    own, steps = INFLUENCES[area](ranking), ranking.steps(confidence)
    return np.where(correct, own.right[steps], own.wrong[steps])


@pytest.mark.parametrize("area", INFLUENCES)
@pytest.mark.parametrize("digits", [1, 2, 9])
def test_it_is_what_leaving_a_row_out_changes(area, digits):
    confidence, correct = sample(3, digits=digits)
    n, whole = len(confidence), getattr(Ranking.of(confidence, correct), area)()
    without = (getattr(Ranking.of(*(np.delete(x, i) for x in (confidence, correct))), area)() for i in range(n))
    changes = (n - 1) * (whole - np.array(list(without)))
    found = of_rows(area, confidence, correct)
    assert np.corrcoef(found, changes)[0, 1] > 0.999
    assert INFLUENCES[area](Ranking.of(confidence, correct)).error(Ranking.of(confidence, correct)) == pytest.approx(
        changes.std(ddof=1) / np.sqrt(n), rel=0.02
    )


def test_placements_of_four_rows():
    # Right .9 and .7, wrong .8 and .6: right rows are above 1 and 1/2 of the wrong ones, wrong ones below 1/2 and 1 of
    # the right ones, and the AUROC is 3/4. Each kind is half of the rows, so influences are twice the deviations.
    confidence, correct = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert of_rows("auroc", confidence, correct).tolist() == [0.5, -0.5, -0.5, 0.5]
    # Standard error: sqrt(4 * .25) / 4
    ranking = Ranking.of(confidence, correct)
    assert auroc_influence(ranking).error(ranking) == 0.25


@given(st.integers(0, 2**32 - 1), st.sampled_from(["auroc", "augrc"]))
def test_influences_of_means_over_pairs_add_up_to_nothing(seed, area):
    confidence, correct = sample(seed, n=60, digits=1)
    if correct.all() or not correct.any():
        return
    assert of_rows(area, confidence, correct).mean() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("area", INFLUENCES)
def test_its_error_is_the_spread_over_samples(area):
    values, errors = [], []
    for seed in range(400):
        ranking = Ranking.of(*sample(seed, n=200))
        values.append(getattr(ranking, area)())
        errors.append(INFLUENCES[area](ranking).error(ranking))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)  # three standard errors of a spread of 400
