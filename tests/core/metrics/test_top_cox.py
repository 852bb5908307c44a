"""Cox's numbers of the top label, and calibration in the large: published numbers, an independent fit, differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats

from calibeval import Predictions, Report, compare, evaluate, metrics
from calibeval.core.sums import log_odds
from calibeval.core.sums.cox import LogOdds
from calibeval.core.sums.log_odds import cox_of_pairs, in_the_large
from calibeval.core.sums.pairs import Pairs
from tests.data import logits_and_labels

NAMES = ["cox_slope", "cox_intercept", "citl"]


def drawn(n=600, slope=0.7, intercept=-0.3, seed=0):
    rng = np.random.default_rng(seed)
    s = 1.0 + 1.5 * rng.normal(size=n)
    return special.expit(s), rng.random(n) < special.expit(intercept + slope * s)


def independent(c, a, weights=None):
    """Slope, intercept, CITL and their sandwich errors, by scipy."""
    s, weights = special.logit(c), np.ones(len(c)) if weights is None else weights

    def loss(at, x):
        v = at @ x
        return np.sum(weights * (np.logaddexp(0.0, v) - a * v))

    found = []
    both, one = np.stack([np.ones(len(c)), s]), np.ones((1, len(c)))
    for x, offset in ((both, 0.0), (one, s)):
        fit = optimize.minimize(
            lambda at, x=x, offset=offset: np.sum(
                weights * (np.logaddexp(0.0, at @ x + offset) - a * (at @ x + offset))
            ),
            np.zeros(len(x)),
            method="BFGS",
            options={"gtol": 1e-9},
        )
        p = special.expit(fit.x @ x + offset)
        bread = np.linalg.inv((x * weights * p * (1 - p)) @ x.T)
        error = np.sqrt(np.diag(bread @ ((x * (weights * (p - a)) ** 2) @ x.T) @ bread))
        found += list(zip(fit.x, error, strict=True))
    (intercept, slope, large) = found
    return {"cox_slope": slope, "cox_intercept": intercept, "citl": large}


@pytest.mark.parametrize("weighted", [False, True])
def test_an_independent_fit(weighted):
    c, a = drawn()
    weights = np.random.default_rng(1).random(600) + 0.1 if weighted else None
    report = evaluate(confidence=c, correct=a, weights=weights, metrics=NAMES)
    for name, (value, error) in independent(c, a, weights).items():
        found = report[name]
        assert found.value == pytest.approx(value, abs=1e-5), name
        assert (found.high - found.low) / 2 == pytest.approx(1.959964 * error, rel=1e-4), name
    assert (report["cox_slope"].lr is None) is weighted
    assert report["citl"].p == pytest.approx(2 * stats.norm.sf(abs(report["citl"].z)))
    assert Report.from_json(report.to_json()) == report


def test_more_classes_and_the_top_label_alone_are_the_same():
    logits, labels = logits_and_labels(500, 5)
    whole = evaluate(logits=logits, labels=labels, metrics=NAMES)
    probs = special.softmax(np.asarray(logits, float), axis=1)
    top = evaluate(confidence=probs.max(axis=1), correct=probs.argmax(axis=1) == labels, metrics=NAMES)
    for name in NAMES:
        assert whole[name].value == pytest.approx(top[name].value, rel=1e-9)
        assert getattr(metrics, name)(logits=logits, labels=labels) == pytest.approx(whole[name].value)
    assert not {*NAMES} & {*evaluate(logits=logits, labels=labels).dumps[0].metrics}
    assert {*NAMES} <= {*evaluate(logits=logits, labels=labels, metrics="all").dumps[0].metrics}


def test_of_two_classes_it_is_about_the_positive_one():
    p, y = drawn()
    names = ["zero", "one"]
    one, other = (
        evaluate(Predictions(probs=p, labels=y.astype(int), class_names=names), positive=own, metrics=NAMES)
        for own in ("one", "zero")
    )
    expected = independent(p, y)
    for name in NAMES:
        assert one[name].value == pytest.approx(expected[name][0], abs=1e-5)
    assert other["citl"].value == pytest.approx(-one["citl"].value)
    assert (other["citl"].low, other["citl"].high) == pytest.approx((-one["citl"].high, -one["citl"].low))


def test_many_rows_share_cells(monkeypatch):
    c, a = drawn(5000)
    for weights in (None, np.random.default_rng(2).random(5000)):
        exact = cox_of_pairs(Pairs.of(c, a, weights))
        monkeypatch.setattr(log_odds, "SINGLE_ROWS", 0)
        found = cox_of_pairs(Pairs.of(c, a, weights))
        monkeypatch.undo()
        # Off by a few thousandths of a standard error.
        assert found.slope == pytest.approx(exact.slope, abs=4e-3 * exact.errors[1])
        assert found.intercept == pytest.approx(exact.intercept, abs=4e-3 * exact.errors[0])
        assert found.errors == pytest.approx(exact.errors, rel=1e-3)
        assert found.score == pytest.approx(exact.score, rel=1e-3)
        assert (found.lr is None) if weights is not None else found.lr == pytest.approx(exact.lr, rel=1e-3)
        assert in_the_large(found.kept) == pytest.approx(in_the_large(exact.kept), rel=1e-3)


def test_order_and_ties_change_nothing():
    rng = np.random.default_rng(3)
    c = np.ceil(rng.random(700) * 20) / 21
    a, order = rng.random(700) < c, rng.permutation(700)
    one, other = (evaluate(confidence=c[i], correct=a[i], metrics=NAMES) for i in (np.arange(700), order))
    assert [one[name].value for name in NAMES] == pytest.approx([other[name].value for name in NAMES], rel=1e-10)


def test_certain_and_right_rows_change_nothing():
    c, a = drawn()
    more = np.append(c, [1.0] * 9 + [0.0] * 3), np.append(a, [True] * 9 + [False] * 3)
    one, other = (evaluate(confidence=x, correct=y, metrics=NAMES) for x, y in ((c, a), more))
    for name in NAMES:
        assert [other[name].value, other[name].low] == pytest.approx([one[name].value, one[name].low], rel=1e-9)


def test_certain_and_wrong_rows_are_a_reason():
    c, a = drawn()
    report = evaluate(confidence=np.append(c, 1.0), correct=np.append(a, False), metrics=NAMES)
    for name in NAMES:
        found = report[name]
        assert (found.value, found.count, found.reason.code) == (None, 1, "infinite")
        assert found.reason == "infinite: the confidence is 1 and wrong in 1 row"


def test_a_computed_confidence_of_1_has_log_odds_of_46_halvings():
    logits = np.array([[60.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.0, 0.2]] * 30)
    labels = np.array([1, 0, 0, 0, 1, 1, 0, 0, 2] * 10)
    found = evaluate(logits=logits, labels=labels, metrics=NAMES)
    c = special.softmax(logits, axis=1).max(axis=1)
    c = np.where(c > 1 - 2.0**-46, 1 - 2.0**-46, c)
    expected = independent(c, labels == 0)
    assert found["citl"].value == pytest.approx(expected["citl"][0], abs=1e-4)


@pytest.mark.parametrize(("right", "word"), [(True, "right"), (False, "wrong")])
def test_rows_of_one_kind_have_none(right, word):
    report = evaluate(confidence=drawn()[0], correct=np.full(600, right), metrics=NAMES)
    assert report["citl"].reason == f"every row is {word}, so the likelihood has no maximum"
    assert all(report[name].reason.code == "no_optimum" for name in NAMES)


def test_groups_have_the_value_alone():
    c, a = drawn()
    report = evaluate(confidence=c, correct=a, group=np.arange(600) // 4, metrics=NAMES)
    for name in NAMES:
        assert report[name].value is not None
        assert report[name].low is report[name].p is None
        assert report[name].reason == "no interval: it is not computed if only groups of rows are independent"


def test_slices_have_their_own():
    c, a = drawn()
    site = np.where(np.arange(600) % 2 == 0, "a", "b")
    report = evaluate(confidence=c, correct=a, columns={"site": site}, slices="site", metrics=NAMES)
    for one in report.dumps[0].slices:
        here = site == one.value
        expected = independent(c[here], a[here])
        for name in NAMES:
            assert one.metrics[name].value == pytest.approx(expected[name][0], abs=1e-5)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("grouped", [False, True])
def test_differences_hold_the_truth(k, grouped):
    # The candidate's logits are 1.3 times the base's: its slope is 1/1.3 of the base's.
    rng, covered, runs = np.random.default_rng(k), 0, 100
    for _ in range(runs):
        z = 1.5 * rng.normal(size=(250, k))
        labels = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
        if grouped:
            z, labels = np.repeat(z, 2, axis=0), np.repeat(labels, 2)
        columns = {"g": np.arange(len(labels)) // 2} if grouped else {}
        base, candidate = (Predictions(logits=own, labels=labels, columns=columns) for own in (z, 1.3 * z))
        found = compare(base, candidate, metrics="cox_slope", group="g" if grouped else None)["cox_slope"]
        assert found.difference == pytest.approx(found.candidate - found.base)
        truth = 1 / 1.3 - 1 if k == 2 else None
        covered += found.low <= truth <= found.high if truth is not None else found.high < 0.0
    assert covered >= (0.88 if k == 2 else 0.95) * runs


def test_a_difference_does_not_depend_on_the_order_of_rows():
    c, a = drawn()
    other = special.expit(special.logit(c) * 1.4 + 0.2)
    order = np.random.default_rng(0).permutation(600)
    one, two = (
        compare(*(Predictions(confidence=x[i], correct=a[i], ids=i) for x in (c, other)), metrics=NAMES)
        for i in (np.arange(600), order)
    )
    for name in NAMES:
        assert [one[name].low, one[name].high] == pytest.approx([two[name].low, two[name].high], rel=1e-9)
    # Another 0.2 of the log-odds, which are 1.4 times as steep: both fits are the same line.
    assert one["cox_slope"].candidate == pytest.approx(one["cox_slope"].base / 1.4)


def test_log_odds_of_two_classes_are_those_of_the_same_rows_and_slices():
    p, y = drawn()
    other, site = special.expit(special.logit(p) * 1.4 + 0.2), np.where(np.arange(600) % 3, "a", "b")

    def dump(stated, rows):
        return Predictions(probs=stated[rows], labels=y[rows].astype(int), ids=rows, columns={"site": site[rows]})

    ordered, shuffled = np.arange(600), np.random.default_rng(0).permutation(600)
    one, two = (
        compare(dump(p, ordered), dump(other, rows), metrics=NAMES, slices="site") for rows in (ordered, shuffled)
    )
    for name in NAMES:
        assert [one[name].low, one[name].high] == pytest.approx([two[name].low, two[name].high], rel=1e-9)
    for part, again in zip(one.candidates[0].slices, two.candidates[0].slices, strict=True):
        here = ordered[site == part.value]
        alone = compare(dump(p, here), dump(other, here), metrics=NAMES)
        for name in NAMES:
            found = part.differences[name]
            for same in (alone[name], again.differences[name]):
                assert (found.low, found.high) == (
                    pytest.approx(same.low, rel=1e-9),
                    pytest.approx(same.high, rel=1e-9),
                )


def test_intervals_hold_the_truth():
    covered = dict.fromkeys(NAMES, 0)
    for seed in range(200):
        c, a = drawn(400, 0.7, -0.3, seed)
        report = evaluate(confidence=c, correct=a, metrics=NAMES)
        covered["cox_slope"] += report["cox_slope"].low <= 0.7 <= report["cox_slope"].high
        covered["cox_intercept"] += report["cox_intercept"].low <= -0.3 <= report["cox_intercept"].high
        c, a = drawn(400, 1.0, 0.0, seed)
        found = evaluate(confidence=c, correct=a, metrics=["citl"])["citl"]
        covered["citl"] += found.low <= 0.0 <= found.high
    assert all(180 <= times <= 199 for times in covered.values()), covered


def test_cells_of_rows_count_as_their_rows():
    # What a dump of many rows is kept as: entries with mean confidences and numbers of rows.
    rng = np.random.default_rng(5)
    c = np.sort(rng.choice(np.linspace(0.05, 0.95, 40), 900))
    a = rng.random(900) < c**1.3
    whole = Pairs.of(c, a)
    keys, counts = np.unique(2 * np.searchsorted(np.unique(c), c) + a, return_counts=True)
    cells = Pairs(np.unique(c)[keys // 2], keys % 2 == 1, counts=counts.astype(float))
    exact, found = cox_of_pairs(whole), cox_of_pairs(cells)
    assert (found.rows, found.slope, found.intercept) == (
        900,
        pytest.approx(exact.slope),
        pytest.approx(exact.intercept),
    )
    assert (*found.errors, found.score, found.lr) == pytest.approx((*exact.errors, exact.score, exact.lr))
    assert in_the_large(found.kept) == pytest.approx(in_the_large(exact.kept))


def far_logits(n=800, seed=0):
    """Of two classes, with log-odds of up to 150, of which the labels follow 1/40."""
    rng = np.random.default_rng(seed)
    s = 50 * rng.normal(size=n)
    return np.stack([np.zeros(n), s], axis=1), (rng.random(n) < special.expit(0.5 + s / 40)).astype(int)


@pytest.mark.parametrize("positive", [0, 1])
def test_differences_of_two_classes_are_from_the_log_odds_of_logits(positive):
    # The candidate's log-odds are 1.1 times the base's, so each row moves its slope by 1/1.1 of the base's.
    logits, labels = far_logits()
    base, candidate = (Predictions(logits=scale * logits, labels=labels) for scale in (1.0, 1.1))
    alone = evaluate(base, metrics=NAMES, positive=positive)
    found = compare(base, candidate, metrics=NAMES, positive=positive)
    slope, reach = alone["cox_slope"], (1 - 1 / 1.1) * (alone["cox_slope"].high - alone["cox_slope"].low) / 2
    assert slope.value < 0.05
    assert found["cox_slope"].difference == pytest.approx((1 / 1.1 - 1) * slope.value, rel=1e-6)
    assert (found["cox_slope"].high - found["cox_slope"].low) / 2 == pytest.approx(reach, rel=0.01)
    # The intercept does not change at all.
    assert found["cox_intercept"].difference == pytest.approx(0.0, abs=1e-6)
    assert (found["cox_intercept"].low, found["cox_intercept"].high) == pytest.approx((0.0, 0.0), abs=1e-6)


def test_confidences_of_1_in_both_directions_are_compared():
    # Log-odds near 41 and -41, which no probability of class 1 tells from 1 and 0.
    rng = np.random.default_rng(0)
    s = rng.choice([-1, 1], 400) * (41 + rng.normal(size=400))
    labels = (rng.random(400) < 0.5 + 0.4 * np.sign(s)).astype(int)
    base, candidate = (
        Predictions(logits=np.stack([np.zeros(400), scale * s], axis=1), labels=labels) for scale in (1.0, 1.1)
    )
    found = compare(base, candidate, metrics="citl")["citl"]
    assert found.reason is None
    assert found.difference == pytest.approx(found.candidate - found.base)
    assert found.low < found.difference < found.high < 0.0


def test_a_flat_likelihood_has_no_interval():
    logits, labels = far_logits()
    flat = evaluate(logits=20 * logits, labels=labels, metrics="citl")["citl"]  # log-odds of up to 3,000
    assert flat.value is not None
    assert flat.low is flat.high is flat.p is flat.z is None
    assert flat.reason.code == "no_interval"
    assert "nearly flat" in flat.reason
    pair = (Predictions(logits=scale * logits, labels=labels) for scale in (20.0, 22.0))
    found = compare(*pair, metrics="citl")["citl"]
    assert (found.low, found.reason.code) == (None, "no_interval")
    # Just as many wrong rows of moderate log-odds have one.
    near = evaluate(logits=logits / 40, labels=labels, metrics="citl")["citl"]
    assert near.low < near.value < near.high


@pytest.mark.parametrize(("misfit", "has_error"), [(99.0, True), (101.0, False)])
def test_how_far_a_likelihood_may_be_flat(misfit, has_error):
    # One row in two is wrong, at log-odds -s and s: the squared error is p^2 if it is, and (1 - p)^2 if it is right.
    p = optimize.brentq(lambda p: ((1 - p) ** 2 + p**2) / (2 * p * (1 - p)) - misfit, 0.5, 1 - 1e-9)
    s = special.logit(p)
    rows = LogOdds(np.array([s, s, -s, -s]), np.array([True, False, True, False]))
    value, error = in_the_large(rows)
    assert value == pytest.approx(0.0, abs=1e-9)
    assert np.isfinite(error) == has_error


def test_rows_that_are_certain_and_right_have_no_calibration_in_the_large():
    found = evaluate(confidence=np.ones(300), correct=np.ones(300, bool), metrics="citl")["citl"]
    assert found.reason == "every probability is 0 or 1 and came true, so the likelihood is the same for all values"
    wrong = evaluate(confidence=np.full(300, 0.9), correct=np.zeros(300, bool), metrics="citl")["citl"]
    assert wrong.reason == "every row is wrong, so the likelihood has no maximum"
