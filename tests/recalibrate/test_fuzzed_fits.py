"""Every method on seeded rows of all scales, offsets, sizes and shapes, beside scipy's optimum; warnings are errors."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.maps.binary import separated
from calibeval.recalibrate.maps.quadratic import _parted
from calibeval.recalibrate.temperature.optimum import optimum
from tests.draws import draws
from tests.recalibrate.plain_fits import BOUNDED, nll_of, smallest_nll, targets_of
from tests.recalibrate.scalar import mean_nll

SEEDS = range(draws(60))
WORSE = "is below that of the method"
INSTEAD = "so the map is this temperature"
NO_MAXIMUM = "so the likelihood has no maximum"
SEARCHED = ("temperature", "spline", "ets", "vector", "svs", "sms")  # besides those beside scipy's optimum


def shape_of(rng, n):
    name = rng.choice(["normal", "heavy", "ties", "rounded", "clusters", "outlier", "saturated"])
    x = rng.normal(size=n)
    if name == "heavy":
        x = rng.standard_cauchy(size=n)
    elif name == "ties":
        x = rng.choice([-1.0, 0.0, 1.0], size=n)
    elif name == "rounded":
        x = np.round(x, 1)
    elif name == "clusters":
        x = rng.choice([-5.0, 5.0], size=n) + 1e-3 * x
    elif name == "outlier":
        x[0] = rng.choice([-1, 1]) * 10.0 ** rng.uniform(1, 6)
    return 20 * x if name == "saturated" else x


def labels_of(rng, x):
    name = rng.choice(["logistic", "random", "one", "separable", "reversed", "nearly", "all"])
    u, n = rng.random(len(x)), len(x)
    y = u < 1 / (1 + np.exp(-np.clip(rng.uniform(0.2, 3) * x + rng.normal(), -50, 50)))
    if name == "random":
        y = u < rng.uniform(0.05, 0.95)
    elif name == "one":
        y = np.arange(n) == rng.integers(n)
    elif name in ("separable", "reversed"):
        cut = np.quantile(x, rng.random())
        y = x > cut if name == "separable" else x < cut
    elif name == "nearly":
        y = (x > np.median(x)) != (np.arange(n) == rng.integers(n))
    elif name == "all":
        y = np.full(n, bool(rng.integers(2)))
    return y.astype(int)


def two_classes(seed):
    """Log-odds, labels, and weights or None."""
    rng = np.random.default_rng([seed, 2])
    n = int(rng.choice([2, 3, 5, 8, 30, 200]))
    x = shape_of(rng, n)
    y = labels_of(rng, x)
    scale = 10.0 ** rng.uniform(-8, 8)
    offset = rng.choice([0, 0, 1, 10, 1e5]) * scale if rng.random() < 0.7 else rng.choice([-5.0, 5.0])
    weights = 10.0 ** (rng.normal(size=n) * rng.choice([0.3, 2.0])) if rng.random() < 0.3 else None
    return x * scale + offset, y, weights


def log_odds_of(found, s):
    """What a map makes of log-odds s."""
    mapped = found.apply(np.stack([np.zeros(len(s)), s], axis=1))
    return mapped[:, 1] - mapped[:, 0]


def check(found, best):
    """What holds for every map. Returns its note."""
    facts, note = found.fitted, found.fitted.note or ""
    if facts.search is not None and not facts.search.converged:
        assert "did not converge" in note
    compared = found.method != "none" and not found.top_label_only  # that is compared with one of the top label
    if best is not None and best.bound != "low" and compared and WORSE not in note:
        assert facts.nll_after <= best.nll_after + 1e-9
    assert from_json(found.to_json()).to_json() == found.to_json()
    return note


def has_no_maximum(s, y, method):
    """Whether the labels can be separated by such a map; see the examples of both functions."""
    return separated(s, y, rising=method == "beta") or (method == "quadratic" and _parted(s, y))


@pytest.mark.parametrize("seed", SEEDS)
def test_two_classes(seed):
    s, y, weights = two_classes(seed)
    rows = Predictions(logits=np.stack([np.zeros(len(s)), s], axis=1), labels=y, weights=weights)
    best = optimum(rows)
    for method in METHODS:
        found = fit(rows, method)
        note = check(found, best)
        assert np.isfinite(np.asarray(found(rows).scores[0 : len(s)])).all()
        if method in SEARCHED:
            assert found.fitted.search.converged, method
        if INSTEAD in note:  # penalties and targets cost likelihood; the maximum of a likelihood is not replaced
            assert method not in BOUNDED or has_no_maximum(s, y, method), method
        elif method in BOUNDED:
            if method != "quadratic" or NO_MAXIMUM not in note:
                target = targets_of(y, weights) if NO_MAXIMUM in note else y
                least = smallest_nll(s, target, weights, method)
                assert nll_of(log_odds_of(found, s), target, weights) <= least + 1e-7, method
            assert found.fitted.search.converged, method


@pytest.mark.parametrize("seed", SEEDS)
def test_more_classes_and_probabilities(seed):
    """Temperatures beside a grid of the plain loss. Probabilities of 0 and 1 are refused in words, or clipped."""
    rng = np.random.default_rng([seed, 3])
    n, k = int(rng.choice([2, 3, 10, 100])), int(rng.choice([2, 3, 6]))
    z = rng.standard_cauchy(size=(n, k)) if rng.random() < 0.5 else rng.normal(size=(n, k))
    z = np.round(z) if rng.random() < 0.3 else z
    y = rng.choice(
        np.stack(
            [(z + rng.gumbel(size=(n, k))).argmax(axis=1), rng.integers(0, k, n), z.argmax(axis=1), np.zeros(n, int)]
        )
    )
    given, clip = {"logits": z * 10.0 ** rng.uniform(-8, 8)}, None
    if rng.random() < 0.5:
        z = z / np.abs(z).max() * rng.choice([1, 5, 50, 800])
        p = np.exp(z - z.max(axis=1, keepdims=True))
        given = {"probs": p / p.sum(axis=1, keepdims=True)}
        clip = 1e-12 if (given["probs"][np.arange(n), y] == 0).any() or rng.random() < 0.3 else None
    rows = Predictions(labels=y, **given)
    best = optimum(rows, clip)
    for method, spec in METHODS.items():
        if spec.binary and k != 2:
            continue
        found = fitted_or_refused(rows, method, clip)
        if found is None:
            continue
        check(found, best)
        assert not np.isnan(np.asarray(found(rows).scores[0:n])).any()
    if "logits" in given:
        spread = np.abs(given["logits"] - given["logits"].max(axis=1, keepdims=True)).mean() or 1.0
        grid = [mean_nll(given["logits"], y, spread * 10.0**step) for step in np.linspace(-4, 10, 57)]
        assert best.nll_after <= min(grid) + 1e-9


def fitted_or_refused(rows, method, clip):
    """The map; None if the rows are refused in the right words."""
    if method in ("temperature", "vector"):
        return fit(rows, method, clip=clip)
    found = None
    with contextlib.suppress(InputError):
        found = fit(rows, method, clip=clip)
    if found is None:
        with pytest.raises(InputError, match=r"clip=1e-12|no row to fit on"):
            fit(rows, method, clip=clip)
    return found


def noisy(s, slope, seed=0):
    return (np.random.default_rng(seed).random(len(s)) < 1 / (1 + np.exp(-slope * (s - np.median(s))))).astype(int)


def neighbours():
    rng = np.random.default_rng(0)
    small = 5 + 1e-6 * rng.normal(size=1000)
    ties = rng.choice([-1e5, 0.0, 1e5], size=400)
    wide = rng.normal(size=400) * 3
    return {
        "1e-6 beside 5": (small, noisy(small, 1e6)),
        "ties at 1e5": (ties, (rng.random(400) < 0.5 + 0.3 * np.sign(ties)).astype(int)),
        "eight rows at 1e6": (
            np.array([-3e6, -2e6, -1e6, -5e5, 5e5, 1e6, 2e6, 3e6]),
            np.array([0, 0, 1, 0, 1, 0, 1, 1]),
        ),
        "one of 400": (wide, (np.arange(400) == np.argsort(wide)[300]).astype(int)),
        "one of 400, saturated": (300 * wide, (np.arange(400) == np.argsort(wide)[300]).astype(int)),
        "2,000": (wide * 700, noisy(wide, 1.0)),
        "1e-8": (wide * 1e-8, noisy(wide, 1.0)),
    }


@pytest.mark.parametrize("method", ["platt", "beta"])
@pytest.mark.parametrize("name", neighbours())
def test_where_searches_stopped_before(name, method):
    s, y = neighbours()[name]
    found = fit(Predictions(logits=s, labels=y), method)
    assert found.fitted.nll_after <= smallest_nll(s, y, None, method) + 1e-8
    assert found.fitted.search.converged
    assert found.fitted.note is None
