"""The paired difference of the class-wise error for three or more classes."""

import itertools
import math

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate
from calibeval.core.metrics import folded
from calibeval.core.sums.binning import bin_index, equal_width_edges
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.debiased import bias_left, debiased_size, expansion, spread
from calibeval.core.uncertainty.debiased_difference import mean_events
from calibeval.core.uncertainty.level import Level


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def dumps(n=3000, k=5, seed=0, columns=None):
    """Two models of the same rows: the base is over-confident, the candidate less so."""
    rng = np.random.default_rng(seed)
    true = 2.5 * rng.normal(size=(n, k))
    labels = (true + rng.gumbel(size=(n, k))).argmax(axis=1)
    own = {} if columns is None else {"columns": columns}
    return [
        Predictions(probs=softmax(factor * (true + 0.2 * rng.normal(size=(n, k)))), labels=labels, **own)
        for factor in (1.5, 1.15)
    ]


def cwce(base, candidate, **settings):
    return compare(base, [candidate], **settings)["cwce"]


def by_hand(base, candidate, level):
    """The interval by plain loops over classes, bins and pairs of bins."""
    n, k = base.scores.shape
    edges = equal_width_edges(15)
    happened = np.eye(k)[base.labels]
    models = []
    for p in (base.scores, candidate.scores):
        bins = bin_index(p, edges)
        gaps, errors = np.zeros((k, 15)), np.zeros((k, 15))
        for c, m in itertools.product(range(k), range(15)):
            own = bins[:, c] == m
            rows, gap = own.sum(), happened[own, c] - p[own, c]
            gaps[c, m] = gap.sum()
            squares = (gap**2).sum() * rows + 4 * (p[own, c] * (1 - p[own, c])).sum()
            errors[c, m] = math.sqrt(squares / (rows + 4))
        sizes = np.divide(abs(gaps), errors, out=np.zeros_like(gaps), where=errors > 0)
        true = np.sign(gaps) * np.sqrt(np.maximum(sizes**2 - 1, 0))
        error, slopes = errors / (n * k), expansion(true)
        excess = (error * (np.minimum(sizes, 4) ** 2 - 1)).sum() - 2 * math.sqrt(2 * (error**2).sum())
        models.append(
            {
                "value": (error * debiased_size(sizes)).sum(),
                "error": error,
                "slopes": slopes,
                "left": (error**2 * np.maximum(spread(true) - slopes[0] ** 2, 0)).sum(),
                "near": error[sizes < 3.5].sum(),
                "bias": bias_left(math.sqrt(max(excess / error.sum(), 0))) * error.sum(),
                "rows": [[happened[:, c] - p[:, c], bins[:, c]] for c in range(k)],
                "sum": sum(slopes[0][c, bins[:, c]] * (happened[:, c] - p[:, c]) for c in range(k)),
            }
        )
    one, other = models
    linear = (other["sum"] - one["sum"]).var() * n / (n * k) ** 2
    shared = 0.0
    for c, m, o in itertools.product(range(k), range(15), range(15)):
        both = (one["rows"][c][1] == m) & (other["rows"][c][1] == o)
        product = (one["rows"][c][0] * other["rows"][c][0])[both].sum() / (n * k) ** 2
        errors = one["error"][c, m] * other["error"][c, o]
        if errors:
            correlation = min(max(product / errors, -1), 1)
            shared += errors * sum(
                one["slopes"][j - 1][c, m] * other["slopes"][j - 1][c, o] * correlation**j / math.factorial(j)
                for j in (2, 3, 4)
            )
    rest = k / (k - 1) * max(one["left"] + other["left"] - 2 * shared, 0)
    error = (1.1 + 0.3 * (10 - k) / 7) * math.sqrt(linear + rest)
    half = error * Level(level).reach(0.1 * max(one["near"], other["near"]) / error)
    middle, lift = other["value"] - one["value"], other["bias"] - one["bias"]
    return middle - half - max(lift, 0), middle + half + max(-lift, 0)


@pytest.mark.parametrize(("k", "level"), [(3, 0.95), (5, 0.9)])
def test_the_interval_by_loops(k, level):
    base, candidate = dumps(600, k)
    found = cwce(base, candidate, level=level)
    assert (found.low, found.high) == pytest.approx(by_hand(base, candidate, level), abs=1e-12)


def test_a_sharper_temperature_shows():
    found = cwce(*dumps())
    assert found.difference < 0
    assert found.high < 0
    assert found.p < 1e-6
    assert found.reason is None


def test_the_interval_is_narrower_than_what_two_intervals_give():
    base, candidate = dumps()
    paired, apart = cwce(base, candidate), compare(evaluate(base), [candidate])["cwce"]
    assert paired.high - paired.low < 0.8 * (apart.high - apart.low)


def test_swapped_models_negate_the_difference():
    base, candidate = dumps()
    there, back = cwce(base, candidate), cwce(candidate, base)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-15)
    assert there.p == pytest.approx(back.p)


def test_identical_models_differ_by_zero():
    base, _ = dumps()
    found = cwce(base, base)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
def test_p_is_where_the_interval_reaches_zero(level):
    rng = np.random.default_rng(5)
    base, _ = dumps(1000)
    candidate = Predictions(
        probs=softmax(np.log(base.scores) * 0.93 + 0.1 * rng.normal(size=(1000, 5))), labels=base.labels
    )
    found = cwce(base, candidate, level=level)
    assert (found.p < 1 - level) == (not found.low <= 0 <= found.high)
    at_p = cwce(base, candidate, level=1 - found.p)
    assert min(abs(at_p.low), abs(at_p.high)) == pytest.approx(0, abs=1e-9)


def test_the_order_of_rows_and_classes_is_irrelevant():
    base, candidate = dumps()
    rng = np.random.default_rng(1)
    rows, classes = rng.permutation(3000), rng.permutation(5)
    place = np.argsort(classes)
    mixed = [Predictions(probs=p.scores[rows][:, classes], labels=place[p.labels[rows]]) for p in (base, candidate)]
    one, other = cwce(base, candidate), cwce(*mixed)
    assert (one.low, one.high, one.p) == pytest.approx((other.low, other.high, other.p), abs=1e-12)


def test_pairs_by_id_in_another_order_give_the_same_bytes():
    base, candidate = dumps()
    order = np.random.default_rng(2).permutation(3000)
    ids = np.arange(3000)
    one = cwce(*(Predictions(probs=p.scores, labels=p.labels, ids=ids) for p in (base, candidate)))
    mixed = Predictions(probs=candidate.scores[order], labels=candidate.labels[order], ids=ids[order])
    other = cwce(Predictions(probs=base.scores, labels=base.labels, ids=ids), mixed)
    assert (one.low, one.high, one.p) == pytest.approx((other.low, other.high, other.p), abs=1e-14)


def test_threads_and_memory_change_nothing():
    base, candidate = dumps()
    plain = cwce(base, candidate)
    assert cwce(base, candidate, jobs=3) == plain
    assert cwce(base, candidate, max_memory=1000) == plain


def test_a_slice_is_the_same_as_its_rows_alone():
    part = np.tile(["a", "b", "b"], 1000)
    base, candidate = dumps(columns={"part": part})
    slices = compare(base, [candidate], slices=["part"]).candidates[0].slices
    of_b = next(one for one in slices if one.value == "b").differences["cwce"]
    alone = cwce(base.select(part == "b"), candidate.select(part == "b"))
    assert (of_b.low, of_b.high, of_b.p) == pytest.approx((alone.low, alone.high, alone.p), abs=1e-14)


def grouped(groups, seed=0):
    base, candidate = dumps(len(groups), seed=seed)
    return [Predictions(probs=p.scores, labels=p.labels, columns={"g": groups}) for p in (base, candidate)]


def test_rows_as_groups_are_like_independent_rows():
    base, candidate = grouped(np.arange(3000))
    by_rows, by_groups = cwce(base, candidate), cwce(base, candidate, group="g")
    middles = [(one.low + one.high) / 2 for one in (by_rows, by_groups)]
    assert middles[1] == pytest.approx(middles[0], rel=0.01)
    assert by_groups.high - by_groups.low == pytest.approx(1.25 * (by_rows.high - by_rows.low), rel=0.05)
    assert by_groups.reason is None


def test_copies_of_rows_widen_the_interval_by_groups_only():
    """Ten copies of each of 600 rows say as much as 600 rows; each copy says the same of the difference."""
    base, candidate = dumps(600)
    once = [Predictions(probs=p.scores, labels=p.labels, columns={"g": np.arange(600)}) for p in (base, candidate)]
    tens = [
        Predictions(
            probs=np.repeat(p.scores, 10, axis=0),
            labels=np.repeat(p.labels, 10),
            columns={"g": np.repeat(np.arange(600), 10)},
        )
        for p in (base, candidate)
    ]
    by_groups, alone, by_rows = cwce(*tens, group="g"), cwce(*once, group="g"), cwce(*tens)
    assert (by_groups.low, by_groups.high) == pytest.approx((alone.low, alone.high), rel=0.05)
    assert by_groups.high - by_groups.low > 2 * (by_rows.high - by_rows.low)


def test_too_many_groups_for_the_tables(monkeypatch):
    groups = np.random.default_rng(4).integers(0, 30, 900)
    found = cwce(*grouped(groups), group="g")
    monkeypatch.setattr(folded, "MOST_PAIR_CELLS", 30 * 5 * 30 - 1)
    too_many = cwce(*grouped(groups), group="g")
    assert found.low is not None
    assert too_many.low is None
    assert too_many.reason == "4,500 class-wise bins of groups are more than 4,499"


def test_too_many_pairs_of_bins(monkeypatch):
    base, candidate = dumps(900)
    assert cwce(base, candidate).reason is None
    monkeypatch.setattr(folded, "MOST_PAIR_CELLS", 5 * 15 * 15 - 1)
    found = cwce(base, candidate)
    apart = compare(evaluate(base), [candidate])["cwce"]
    assert (found.low, found.high) == pytest.approx((apart.low, apart.high), abs=1e-12)
    assert found.reason.code == "too_many_cells"
    assert found.reason.endswith("and wide: 1,125 pairs of class-wise bins are more than 1,124")


def rare(n, spread=12.0):
    """Two models that are nearly always right."""
    rng = np.random.default_rng(3)
    true = spread * rng.normal(size=(n, 4))
    labels = (true + rng.gumbel(size=(n, 4))).argmax(axis=1)
    return [Predictions(logits=factor * true, labels=labels) for factor in (1.3, 1.0)]


def test_few_errors_in_the_average_bin(monkeypatch):
    base, candidate = rare(600)
    found = cwce(base, candidate)
    events = min(mean_events(summarise(one).classes) for one in (base, candidate))
    assert 0.5 < events < 1.5
    apart = compare(evaluate(base), [candidate])["cwce"]
    assert (found.low, found.high) == pytest.approx((apart.low, apart.high), abs=1e-12)
    assert found.reason.code == "few_errors_per_bin"
    shown = math.floor(100 * events) / 100
    assert f"too few errors, {shown:g} in the average class-wise bin, and at least 1.5 are needed" in found.reason
    monkeypatch.setattr(folded, "LEAST_EVENTS", events)
    assert cwce(base, candidate).reason is None
    monkeypatch.setattr(folded, "LEAST_EVENTS", np.nextafter(events, 2))
    assert cwce(base, candidate).reason is not None


def test_few_errors_in_groups():
    base, candidate = rare(600)
    groups = {"g": np.arange(600) % 100}
    own = [Predictions(logits=p.scores, labels=p.labels, columns=groups) for p in (base, candidate)]
    found = cwce(*own, group="g")
    assert found.low is None
    assert found.reason.code == "few_errors_per_bin"
    assert found.reason.startswith("too few errors")
