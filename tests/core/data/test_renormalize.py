"""Rows that are divided by their sums on request, and probabilities that are below 0 by rounding."""

from __future__ import annotations

import numpy as np
import pytest

import calibeval
from calibeval import InputError, Predictions, UsageError, evaluate

RNG = np.random.default_rng(5)
SCORES = RNG.gamma(0.5, size=(300, 5)) + 1e-3
P = SCORES / SCORES.sum(axis=1, keepdims=True)
LABELS = (P.cumsum(axis=1) > RNG.random((300, 1))).argmax(axis=1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_every_row_is_divided_by_its_sum(dtype):
    stored = SCORES.astype(dtype).astype(np.float64)
    given = Predictions(probs=SCORES.astype(dtype), labels=LABELS, renormalize=True)
    sums = stored.sum(axis=1)
    far = np.abs(sums - 1) > max(1e-6, 8 * np.finfo(dtype).eps)
    (warning,) = given.warnings
    assert warning.code == "renormalized"
    assert warning == (
        f"{far.sum()} of 300 rows were divided by their sums (sums from {sums[far].min():.5g} to {sums[far].max():.5g})"
    )
    expected = np.where(far[:, None], stored / sums[:, None], stored)
    assert np.asarray(given.scores[0:300], np.float64) == pytest.approx(expected, abs=1e-7)
    report = evaluate(given, level=None)
    brier = np.square(expected - np.eye(5)[LABELS]).sum(axis=1).mean()
    assert report["brier"].value == pytest.approx(brier, abs=1e-6)
    assert report.to_dict()["settings"]["renormalize"] is True


def test_log_probabilities_lose_the_logarithm_of_their_sum():
    given = Predictions(log_probs=np.log(SCORES), labels=LABELS, renormalize=True)
    assert np.exp(given.scores[0:300]) == pytest.approx(P, abs=1e-12)
    assert given.warnings[0].code == "renormalized"


def test_whole_numbers_become_exact_quotients():
    votes = np.array([[3, 7, 5], [15, 0, 0]], np.int16)
    given = Predictions(probs=votes, labels=[0, 0], renormalize=True)
    assert given.scores[0:2].tolist() == [[3 / 15, 7 / 15, 5 / 15], [1, 0, 0]]


def test_rows_that_sum_to_1_are_left_alone():
    stored = P.copy()
    given = Predictions(probs=stored, labels=LABELS, renormalize=True)
    assert given.scores is stored
    assert given.warnings == ()
    assert "renormalize" not in evaluate(given, level=None).to_dict()["settings"]
    column = Predictions(probs=P[:, 0], labels=LABELS > 0, renormalize=True)
    assert column.warnings == ()


def test_logits_and_confidences_have_no_sums():
    with pytest.raises(
        UsageError, match="renormalize divides rows of probabilities by their sums, but these are logits"
    ):
        Predictions(logits=SCORES, labels=LABELS, renormalize=True)
    with pytest.raises(UsageError, match="but these are confidence: one number per row has no sum"):
        Predictions(confidence=P[:, 0], correct=LABELS > 0, renormalize=True)


def test_ignored_rows_are_neither_counted_nor_a_problem():
    scores, labels = SCORES.copy(), LABELS.copy()
    scores[4], labels[4] = 0, -1
    given = Predictions(probs=scores, labels=labels, ignore_index=-1, renormalize=True)
    assert given.warnings[0].startswith("299 of 299 rows ")
    assert evaluate(given, level=None)["nll"].value is not None


def test_it_is_said_in_comparisons_and_verdicts_too(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, probs=SCORES, labels=LABELS)
    comparison = calibeval.compare(path, P_DUMP, renormalize=True)
    assert comparison.to_dict()["settings"]["renormalize"] is True
    verdict = calibeval.gate(path, {"metric": "ece", "max": 0.9}, renormalize=True)
    assert verdict.to_dict()["settings"]["renormalize"] is True
    assert any(one.code == "renormalized" for one in verdict.warnings)
    mapping = calibeval.fit(path, renormalize=True)
    assert mapping.fitted.nll_before == pytest.approx(-np.log(P[np.arange(300), LABELS]).mean(), abs=1e-9)
    with pytest.raises(UsageError, match="renormalize says how files are read"):
        calibeval.fit(P_DUMP, renormalize=True)


P_DUMP = Predictions(probs=P, labels=LABELS)
TINY = np.where(RNG.random(P.shape) < 0.1, -1e-17, P)
TINY /= TINY.sum(axis=1, keepdims=True)


def test_a_probability_below_0_by_rounding_counts_as_0():
    clipped = np.maximum(TINY, 0)
    for scores in (TINY, TINY.astype(np.float32), np.where(TINY < 0, -1e-5, TINY)):
        found = evaluate(probs=scores, labels=LABELS, level=None).dumps[0]
        expected = evaluate(probs=clipped, labels=LABELS, level=None).dumps[0]
        for name in ("ece", "aece", "cwce", "brier", "mce", "oe", "accuracy"):
            assert found.metrics[name].value == pytest.approx(expected.metrics[name].value, abs=2e-5), name
        assert found.metrics["nll"].value is None
        assert found.metrics["nll"].count == expected.metrics["nll"].count > 0
        assert [one.code for one in found.warnings] == [one.code for one in expected.warnings]


def test_a_column_below_0_by_rounding_counts_as_0():
    one = np.where(P[:, 1] < 0.02, -1e-17, P[:, 1])
    labels = (LABELS == 1) & (one > 0)
    found = evaluate(probs=one, labels=labels, level=None)
    expected = evaluate(probs=np.maximum(one, 0), labels=labels, level=None)
    assert found["ece"] == expected["ece"]
    assert found["nll"] == expected["nll"]
    sure = evaluate(confidence=np.where(one < 0, -1e-17, one), correct=labels, level=None)
    assert sure["ece"].value is not None
    with pytest.raises(InputError, match=r"row 0 holds -0\.001"):
        evaluate(probs=[-1e-3, 0.5], labels=[0, 1])


@pytest.mark.parametrize("method", ["temperature", "vector", "isotonic", "platt"])
def test_maps_take_probabilities_below_0_by_rounding(method):
    probs = np.stack([1 - TINY[:, 1], TINY[:, 1]], axis=1)
    labels = (((LABELS == 1) & (probs[:, 1] > 0)) | (probs[:, 0] <= 0)).astype(int)
    fitted = calibeval.fit(Predictions(probs=probs, labels=labels), method=method)
    clean = calibeval.fit(Predictions(probs=np.clip(probs, 0, 1), labels=labels), method=method)
    assert fitted.fitted.nll_after == pytest.approx(clean.fitted.nll_after, abs=1e-12)
    mapped = fitted(Predictions(probs=probs, labels=labels)).scores[0:300]
    assert not np.isnan(mapped).any()
    assert np.exp(mapped).sum(axis=1) == pytest.approx(np.ones(300))
    for convention in ("torchmetrics", "guo", "netcal"):
        assert evaluate(probs=probs, labels=labels, convention=convention, level=None)["ece"].value is not None


def test_a_map_refuses_rows_that_are_not_probabilities():
    mapping = calibeval.fit(P_DUMP)
    with pytest.raises(InputError, match=r"row 0 sums to .* not to 1 within 0\.0001, so these are not probabilities"):
        mapping(Predictions(probs=SCORES, labels=LABELS)).scores[0:10]
