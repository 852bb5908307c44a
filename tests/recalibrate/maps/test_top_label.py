"""Maps of the top label: the same map from confidences and from full vectors, the rest rescaled, the top kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit, softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from calibeval import Predictions, cross_fit, evaluate
from calibeval.core.errors import InputError, UsageError
from calibeval.recalibrate.base.top_label import held_rows, right_or_wrong
from calibeval.recalibrate.fitting.cross_fit import FoldRows
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.maps.isotonic import Curve
from calibeval.recalibrate.maps.top_label import TopIsotonicMap
from calibeval.recalibrate.temperature.optimum import optimum
from tests.data import logits_and_labels

TOP = [name for name, spec in METHODS.items() if spec.top_label]


def full(n=600, k=5, **settings):
    logits, labels = logits_and_labels(n, k)
    return Predictions(logits=logits, labels=labels, **settings)


def confidences(predictions, **settings):
    """What is left of predictions where only the top label is kept."""
    p = softmax(np.asarray(predictions.scores[0 : predictions.rows]), axis=1)
    return Predictions(confidence=p.max(axis=1), correct=p.argmax(axis=1) == predictions.labels, **settings)


def probs(mapped):
    return (
        np.exp(np.asarray(mapped.scores[0 : mapped.rows])) if mapped.k else np.asarray(mapped.scores[0 : mapped.rows])
    )


def test_platt_by_hand_and_the_rest_rescaled():
    # Of four rows with confidence 0.5 one is right, of four with 0.8 three: log-odds -log 3 at 0, and log 3 at log 4.
    rows = [[0.5, 0.3, 0.2]] * 4 + [[0.8, 0.15, 0.05]] * 4
    p = Predictions(probs=rows, labels=[0, 1, 1, 2, 0, 0, 0, 1])
    found = fit(p, "top-platt")
    slope = 2 * np.log(3) / np.log(4)
    assert (found.slope, found.intercept) == pytest.approx((slope, -np.log(3)), abs=1e-6)
    after = np.exp(found(np.log(rows))[[0, 4]])
    # 0.5 would become 1/4, below 0.3 * (3/4) / (1/2) = 0.45: it is held where both are equal, 0.3 / (0.3 + 0.5) = 3/8.
    assert after[0] == pytest.approx([3 / 8, 3 / 8, 2 / 8], abs=1e-5)
    assert after[0].astype(np.float32).argmax() == 0
    assert after[1] == pytest.approx([0.75, 0.25 * 0.75, 0.25 * 0.25], abs=1e-6)
    assert "in 4 of 8 rows the new confidence would be below the probability of another class" in found.fitted.note
    alone = fit(Predictions(confidence=[0.5] * 4 + [0.8] * 4, correct=[1, 0, 0, 0, 1, 1, 1, 0]), "platt")
    assert (alone.slope, alone.intercept) == pytest.approx((slope, -np.log(3)), abs=1e-6)
    assert alone(np.array([0.5, 0.8]), kind="confidence") == pytest.approx([0.25, 0.75], abs=1e-6)
    assert alone.fitted.note is None


@pytest.mark.parametrize("method", TOP)
def test_confidences_have_the_map_of_full_vectors(method):
    one, other = fit(full(), method), fit(confidences(full()), method)
    assert (one.top_label_only, one.k, other.k, other.class_names) == (True, 5, None, None)
    document = [json.loads(found.to_json())["parameters"] for found in (one, other)]
    for name, value in document[0].items():
        if name != "curves":
            assert document[1][name] == pytest.approx(value, rel=1e-6)
    mapped = probs(other(confidences(full())))
    held = probs(one(full())).max(axis=1)
    lowest = np.sort(softmax(np.asarray(full().scores[0:600]), axis=1), axis=1)
    lowest = lowest[:, -2] / (lowest[:, -2] + 1 - lowest[:, -1])
    assert held == pytest.approx(np.maximum(mapped, lowest), abs=1e-6)
    # The NLL of full vectors is that of right or wrong, and a term that no such map changes.
    if one.fitted.note is None:
        change = one.fitted.nll_after - one.fitted.nll_before
        assert change == pytest.approx(other.fitted.nll_after - other.fitted.nll_before, abs=1e-9)


def test_platt_is_logistic_regression_of_the_log_odds_on_being_right():
    top = confidences(full())
    found = fit(top, "platt")
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    other.fit(logit(np.asarray(top.scores[0:600]))[:, None], top.labels)
    assert (found.slope, found.intercept) == pytest.approx((other.coef_[0, 0], other.intercept_[0]), rel=1e-5)


def test_isotonic_levels_are_those_of_scikit_learn():
    top = confidences(full())
    c = np.asarray(top.scores[0:600])
    expected = IsotonicRegression(out_of_bounds="clip").fit(c, top.labels).predict(c)
    inner = (expected > 0) & (expected < 1)
    assert probs(fit(top, "isotonic")(top))[inner] == pytest.approx(expected[inner], abs=1e-9)


@pytest.mark.parametrize("method", TOP)
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_rows_sum_to_1_the_others_keep_their_shares_and_the_top_stays(method, kind):
    z = np.asarray(full().scores[0:600])
    scores = {"logits": z, "probs": softmax(z, axis=1), "log_probs": np.log(softmax(z, axis=1))}[kind]
    p = Predictions(**{kind: scores}, labels=full().labels)
    before, after = softmax(z, axis=1), probs(fit(p, method)(p))
    rows, top = np.arange(600), before.argmax(axis=1)
    assert after.sum(axis=1) == pytest.approx(np.ones(600))
    assert (after.argmax(axis=1) == top).all()
    c, new = before[rows, top], after[rows, top]
    expected = before * ((1 - new) / (1 - c))[:, None]
    expected[rows, top] = new
    assert after == pytest.approx(expected, abs=1e-9)


@given(st.sampled_from(TOP), st.integers(2, 30), st.integers(2, 5), st.integers(0, 10_000))
def test_never_worse_than_a_temperature_on_right_or_wrong(method, n, k, seed):
    rng = np.random.default_rng(seed)
    z = np.rint(rng.normal(size=(n, k)) * 2)
    p = confidences(Predictions(logits=z, labels=rng.integers(0, k, n)))
    found, temperature = fit(p, method), fit(p, "temperature")
    whole = fit(Predictions(logits=z, labels=rng.integers(0, k, n)), method)
    mapped = np.asarray(whole(z))
    assert (mapped.argmax(axis=1) == z.argmax(axis=1)).all()
    near_0 = optimum(right_or_wrong(p, None)).bound == "low"  # no optimum: maps that stop before certainty may be worse
    assert near_0 or method == "top-isotonic" or found.fitted.nll_after <= temperature.fitted.nll_after + 1e-9
    assert np.isfinite(probs(found(p))).all()
    assert from_json(found.to_json()).to_json() == found.to_json()


def sure(right=19, wrong=0):
    """Rows with confidence 1, and others."""
    rng = np.random.default_rng(0)
    c = rng.uniform(0.4, 0.95, 200)
    correct = rng.random(200) < c
    return Predictions(
        confidence=np.concatenate([c, np.ones(right + wrong)]),
        correct=np.concatenate([correct, np.arange(right + wrong) < right]),
    )


def test_a_confidence_of_1_that_is_right_stays():
    found = fit(sure(), "platt")
    assert found(np.array([1.0, 0.0]), kind="confidence").tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("wrong", "words"), [(1, "1 prediction is wrong"), (3, "3 predictions are wrong")])
def test_a_confidence_of_1_that_is_wrong_needs_a_clip(wrong, words):
    with pytest.raises(InputError, match=rf"{words} with confidence 1, .*first: row 219.* Use --clip 1e-12"):
        fit(sure(wrong=wrong), "platt")
    found = fit(sure(wrong=wrong), "platt", clip=1e-6)
    assert (found.clip, found.fitted.clipped) == (1e-6, wrong)
    high = found(np.array([1.0, 1 - 1e-6, 0.99]), kind="confidence")
    assert high[0] == pytest.approx(high[1], abs=1e-6)
    assert high[1] > high[2] + 1e-3


def test_what_a_confidence_of_1_loses_the_others_share_equally():
    p = np.concatenate([np.tile([0.7, 0.2, 0.1], (20, 1)), np.tile([1.0, 0.0, 0.0], (9, 1))])
    found = fit(Predictions(probs=p, labels=[0] * 14 + [1] * 6 + [0] * 9), "top-isotonic")
    after = np.exp(np.asarray(found(Predictions(probs=p[-1:], labels=[0])).scores[0:1]))[0]
    # All 9 rows are right: (9 + 1/2) / (9 + 1).
    assert after == pytest.approx([0.95, 0.025, 0.025])


@pytest.mark.parametrize("method", ["top-isotonic", "top-temperature"])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_a_confidence_of_1_that_becomes_less_than_an_equal_share_is_held_there(method, k):
    """Of rows that are nearly always wrong, the new confidence is below 1/k: then all classes have equal shares."""
    n, first = 400, np.arange(400) % k
    p = np.full((n, k), 0.1 / k)
    p[np.arange(n), first] += 0.9
    labels = np.where(np.arange(n) < 40, first, (first + 1) % k)
    found = fit(Predictions(probs=p, labels=labels), method)
    sure = Predictions(probs=np.eye(k), labels=np.arange(k))
    after = np.exp(np.asarray(found(sure).scores[0:k]))
    assert after.sum(axis=1) == pytest.approx(np.ones(k))
    assert after.argmax(axis=1).tolist() == list(range(k))
    if method == "top-isotonic":
        assert after == pytest.approx(np.full((k, k), 1 / k), abs=1e-6)
        evaluate(found(sure))


def test_rows_with_confidence_1_are_counted_among_those_that_are_held():
    p = np.concatenate([np.tile([0.5, 0.3, 0.2], (20, 1)), np.tile([1.0, 0.0, 0.0], (10, 1))])
    found = fit(Predictions(probs=p, labels=[1] * 20 + [0] * 10), "top-isotonic")
    assert found.fitted.note.startswith("in 20 of 30 rows the new confidence would be below")
    low = TopIsotonicMap(3, None, found.fitted, (Curve((0.5, 1.0), (0.2, 0.2)),))
    with np.errstate(divide="ignore"):
        assert held_rows(low, np.log(p)) == 30


def test_rows_sum_to_1_however_far_apart_the_scores_are():
    found = fit(full(), "top-isotonic")
    z = np.array([[0.0, -1e17, -2e17, -3e17, -1e17]])
    after = np.exp(found(z, kind="log_probs"))
    assert after.sum() == pytest.approx(1.0)
    assert after[0, [1, 4]] == pytest.approx((1 - after[0, 0]) / 2)


def test_weights_count():
    top = confidences(full())
    twice = Predictions(confidence=np.concatenate([top.scores[0:600]] * 2), correct=np.concatenate([top.labels] * 2))
    heavy = Predictions(
        confidence=top.scores[0:600], correct=top.labels, weights=np.where(np.arange(600) < 300, 2.0, 1.0)
    )
    some = Predictions(
        confidence=np.concatenate([top.scores[0:600], top.scores[0:300]]),
        correct=np.concatenate([top.labels, top.labels[:300]]),
    )
    for one, other in ((top, twice), (heavy, some)):
        assert fit(one, "beta").parameters() == pytest.approx(fit(other, "beta").parameters(), rel=1e-6)


def test_ignored_rows_do_not_count():
    p = full()
    labels = p.labels.copy()
    labels[:50] = 1
    ignoring = Predictions(logits=p.scores[0:600], labels=labels, ignore_index=1)
    rest = ignoring.select(labels != 1)
    assert fit(ignoring, "top-platt").parameters() == fit(rest, "top-platt").parameters()


def test_auto_on_a_top_label_takes_part_in_right_or_wrong():
    top = confidences(full(3000))
    found = fit(top, "auto")
    assert [row.method for row in found.fitted.selection] == ["none", *TOP]
    none = found.fitted.selection[0]
    c, right = np.asarray(top.scores[0:3000]), top.labels == 1
    assert none.nll == pytest.approx(-np.log(np.where(right, c, 1 - c)).mean())
    assert found.top_label_only


def test_auto_changes_nothing_where_confidences_are_right():
    rng = np.random.default_rng(1)
    c = rng.uniform(0.3, 1, 2000)
    top = Predictions(confidence=c, correct=rng.random(2000) < c)
    found = fit(top, "auto")
    assert (found.method, found.k, found.top_label_only) == ("none", None, False)
    assert np.asarray(found(top).scores[0:2000]) == pytest.approx(c, abs=1e-12)


def test_folds_may_choose_different_maps_of_a_top_label():
    crossed = cross_fit(confidences(full(300)), 5, "temperature")
    rows = crossed.predictions.scores
    assert isinstance(rows, FoldRows)
    none = fit(confidences(full(300)), "none")
    mixed = replace(rows, mapped=(replace(rows.mapped[0], recalibration=none), *rows.mapped[1:]))
    c, here = np.asarray(confidences(full(300)).scores[0:300]), crossed.folds == 0
    assert mixed[0:300][here] == pytest.approx(c[here])
    assert np.array_equal(mixed[0:300][~here], np.asarray(crossed.predictions.scores[0:300])[~here])
    rng = np.random.default_rng(3)  # among these rows, the folds choose none and a temperature
    c = rng.uniform(0.3, 1, 60)
    top = Predictions(confidence=c, correct=rng.random(60) < np.clip(c + 0.15, 0, 1))
    assert evaluate(top, cross_fit=5, method="auto").dumps[0].recalibrated is not None


@pytest.mark.parametrize(("wrong", "told"), [(9, "but 9 are wrong"), (1, "but 1 is wrong"), (10, None)])
def test_isotonic_needs_ten_right_and_ten_wrong_predictions(wrong, told):
    rng = np.random.default_rng(0)
    c, correct = rng.uniform(0.5, 0.99, 300), np.arange(300) >= wrong
    top = Predictions(confidence=c, correct=correct)
    whole = Predictions(logits=np.stack([np.log(c / (1 - c)), np.zeros(300)], axis=1), labels=np.where(correct, 0, 1))
    for found in (fit(top, "isotonic"), fit(whole, "top-isotonic")):
        said = f"top-isotonic needs at least 10 right and 10 wrong predictions, {told}"
        assert (said in (found.fitted.note or "")) is (told is not None)
    row = fit(top, "auto").fitted.selection[-1]
    assert (row.method, row.reason is None, row.nll is None) == ("top-isotonic", told is None, told is not None)


def test_out_of_fold_and_reports_on_a_top_label():
    top = confidences(full(3000))
    crossed = cross_fit(top, 5, "platt")
    assert crossed.method == "top-platt"
    assert crossed.predictions.kind == "confidence"
    dump = evaluate(top, cross_fit=5, method="platt").dumps[0]
    assert dump.recalibrated.method == "top-platt"
    assert dump.recalibrated.metrics["ece"].value < dump["ece"].value / 2
    half = [top.select(np.arange(3000) % 2 == i) for i in (0, 1)]
    by_other = evaluate(half[0], fit_on=half[1], method="top-beta").dumps[0]
    assert by_other.recalibrated.metrics["ece"].value < by_other["ece"].value


def test_a_map_of_a_top_label_is_applied_to_full_vectors_and_the_other_way_round():
    p, top = full(), confidences(full())
    assert np.array_equal(fit(top, "top-beta")(p).labels, p.labels)
    assert probs(fit(p, "top-beta")(top)) == pytest.approx(probs(fit(top, "top-beta")(top)), rel=1e-6)
    assert fit(top, "top-beta")(full(50, 3)).k == 3
    with pytest.raises(InputError, match="there are 3 classes, but the map was fitted on 5"):
        fit(p, "top-beta")(full(50, 3))


@pytest.mark.parametrize("method", ["ets", "vector", "quadratic"])
def test_methods_for_every_class_are_refused_on_a_top_label(method):
    with pytest.raises(UsageError) as error:
        fit(confidences(full()), method)
    assert str(error.value) == (
        f"predictions: only the top label is known, but {method} needs the scores of every class; use "
        f"{', '.join(TOP)} or auto"
    )


def test_other_refusals():
    p, top = full(), confidences(full())
    with pytest.raises(
        UsageError, match=r"platt is for 2 classes.*has 5; use vector for more, or top-platt for the confi"
    ):
        fit(p, "platt")
    with pytest.raises(
        InputError, match="only the top label is known, but a temperature map needs the scores of every"
    ):
        fit(p)(top)
    with pytest.raises(UsageError, match='of the top label only, a temperature minimises nll, not "ece"'):
        fit(top, objective="ece")
    with pytest.raises(InputError, match="a prior needs the scores of every class"):
        fit(top, prior=0.3)
    with pytest.raises(InputError, match="a top-platt map with a prior needs the scores of every class"):
        fit(p, "top-platt", prior=[0.2] * 5)(top)
    with pytest.raises(UsageError, match="kind"):
        fit(p)(np.array([0.5]), kind="confidence")


def test_a_file_says_that_it_is_of_the_top_label_only():
    document = fit(confidences(full()), "platt").to_dict()
    assert (document["method"], document["top_label_only"], document["k"]) == ("top-platt", True, None)
    assert fit(full()).to_dict()["top_label_only"] is False
    for change, message in (
        ({"top_label_only": False}, "top_label_only.* true"),
        ({"method": "platt"}, "k is null, but platt needs the scores of every class"),
        ({"k": 1}, "k is 1, but a whole number of at least 2"),
    ):
        with pytest.raises(InputError, match=message):
            from_json(json.dumps({**document, **change}))
    earlier = {name: value for name, value in document.items() if name != "top_label_only"}
    assert from_json(json.dumps(earlier)).top_label_only
