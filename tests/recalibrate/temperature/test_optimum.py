from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibeval import Predictions, evaluate, read
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.temperature import pieces
from calibeval.recalibrate.temperature.optimum import optimum
from tests.conftest import ROOT
from tests.data import logits_and_labels
from tests.recalibrate.scalar import best_temperature, mean_nll

REFERENCE = ROOT / "tests" / "golden" / "reference"
SIZES = [(2, 3), (40, 2), (300, 5), (500, 17), (800, 100), (450, 1000)]


def predictions(n=400, k=5, **settings):
    logits, labels = logits_and_labels(n, k, **settings)
    return Predictions(logits=logits, labels=labels)


def whole(mapped):
    return np.asarray(mapped.scores[0 : mapped.rows])


def test_by_hand():
    # Three of four labels are class 0, whose logit is 3 higher: sigmoid(3/T) = 3/4, so 3/T = log 3.
    found = fit(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1]))
    assert found.temperature == pytest.approx(3 / math.log(3), rel=1e-13)
    assert found.fitted.nll_after == pytest.approx(-(3 * math.log(0.75) + math.log(0.25)) / 4, rel=1e-13)
    assert found.fitted.nll_before == pytest.approx((4 * math.log(1 + math.exp(-3)) + 3) / 4, rel=1e-13)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n", "k"), SIZES[1:])
def test_against_a_scalar_search(n, k, seed):
    logits, labels = logits_and_labels(n, k, seed=seed)
    found = fit(Predictions(logits=logits, labels=labels))
    temperature, nll = best_temperature(logits, labels)
    assert found.temperature == pytest.approx(temperature, rel=1e-9)
    assert found.fitted.nll_after == pytest.approx(nll, abs=1e-12)
    assert found.fitted.nll_before == pytest.approx(mean_nll(logits, labels), abs=1e-12)
    assert found.fitted.bound is None


@pytest.mark.parametrize("name", ["digits_val.npz", "diamonds.npz#val"])
def test_sample_data(sample_data, name):
    dump = read(f"{sample_data}/{name}")
    temperature, nll = best_temperature(whole(dump), dump.labels)
    found = fit(dump)
    assert found.temperature == pytest.approx(temperature, rel=1e-9)
    assert found.fitted.nll_after == pytest.approx(nll, abs=1e-12)
    assert found.fitted.sha256 == dump.settled_source().sha256


@pytest.mark.parametrize("name", "abc")
def test_reference_optimum(name):
    inputs = np.load(REFERENCE / "inputs.npz", allow_pickle=False)
    expected = np.load(REFERENCE / "temperature.npz", allow_pickle=False)
    found = fit(Predictions(logits=inputs[f"{name}_logits"], labels=inputs[f"{name}_labels"]))
    assert found.temperature == pytest.approx(float(expected[f"{name}/scipy_opt_T"]), rel=1e-6)
    assert found.fitted.nll_after == pytest.approx(float(expected[f"{name}/scipy_opt_nll"]), abs=1e-9)


def test_reference_without_information():
    inputs = np.load(REFERENCE / "inputs.npz", allow_pickle=False)
    expected = np.load(REFERENCE / "temperature.npz", allow_pickle=False)
    found = fit(Predictions(logits=inputs["d_logits"], labels=inputs["d_labels"]))
    assert (found.fitted.bound, found.temperature > 1e6) == ("high", True)
    assert found.fitted.nll_after == pytest.approx(math.log(7), abs=1e-9)
    assert found.fitted.nll_after < float(expected["d/scipy_opt_nll"])


class TestManyRows:
    """Beyond WHOLE_SCORES, made small here, a sub-sample gives the start and few passes the rest."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr(pieces, "WHOLE_SCORES", 2**10)
        monkeypatch.setattr(pieces, "SAMPLE_SCORES", 2**13)
        monkeypatch.setattr(pieces, "BLOCK_SCORES", 2**12)

    @pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
    @pytest.mark.parametrize(("n", "k"), [(20_000, 3), (2000, 40)])
    def test_two_or_three_passes_to_the_optimum(self, n, k, dtype):
        logits, labels = logits_and_labels(n, k)
        logits = logits.astype(dtype)
        found = optimum(Predictions(logits=logits, labels=labels))
        temperature, nll = best_temperature(logits, labels)
        assert found.passes <= 3
        assert found.temperature == pytest.approx(temperature, rel=1e-10)
        assert found.nll_after == pytest.approx(nll, abs=1e-12)

    @pytest.mark.parametrize("offsets", [(50,), (600,), (800,), (-600,), (-690,), (-1000,), (-700, 0, 700), (1e30,)])
    def test_rows_that_begin_anywhere(self, offsets):
        # Exponentials of such logits overflow, vanish or lose digits.
        logits, labels = logits_and_labels(6000, 5)
        shifted = (logits + np.resize(offsets, 6000)[:, None]).astype(np.float32)
        if offsets == (1e30,):
            shifted[1:] = logits[1:]
        found = optimum(Predictions(logits=shifted, labels=labels))
        exact = shifted.astype(float) - shifted.max(axis=1, keepdims=True)
        temperature, nll = best_temperature(exact, labels)
        assert found.temperature == pytest.approx(temperature, rel=1e-10)
        assert found.nll_after == pytest.approx(nll, abs=1e-12)
        assert found.nll_before == pytest.approx(mean_nll(exact, labels, 1.0), rel=1e-12)

    @pytest.mark.parametrize("factor", [200.0, 1e3, 1e30, 1e37])
    def test_large_logits(self, factor):
        # At T = 1 their exponentials overflow; at the best T they do not.
        logits, labels = logits_and_labels(6000, 5)
        scaled = (factor * logits).astype(np.float32)
        found = optimum(Predictions(logits=scaled, labels=labels))
        exact = scaled.astype(float)
        temperature, nll = best_temperature(exact, labels, middle=math.log(factor))
        assert found.temperature == pytest.approx(temperature, rel=1e-10)
        assert found.nll_after == pytest.approx(nll, abs=1e-12)
        assert found.nll_before == pytest.approx(mean_nll(exact, labels, 1.0), rel=1e-12)

    def test_impossible_classes(self):
        logits, labels = logits_and_labels(6000, 5)
        logits = logits.astype(np.float32)
        logits[np.arange(6000), (labels + 1) % 5] = -np.inf
        found = optimum(Predictions(logits=logits, labels=labels))
        temperature, nll = best_temperature(logits.astype(float), labels)
        assert found.temperature == pytest.approx(temperature, rel=1e-10)
        assert found.nll_after == pytest.approx(nll, abs=1e-12)

    def test_sources_that_serve_slices_only(self):
        logits, labels = logits_and_labels(5000, 2)
        column = logits[:, 1] - logits[:, 0]
        assert fit(Predictions(logits=column, labels=labels)).temperature == pytest.approx(
            fit(Predictions(logits=logits, labels=labels)).temperature, rel=1e-12
        )

    def test_ignored_rows(self):
        logits, labels = logits_and_labels(4000, 4)
        marked = labels.copy()
        marked[::3] = 255
        some = fit(Predictions(logits=logits, labels=marked, ignore_index=255))
        kept = marked != 255
        assert some.temperature == pytest.approx(best_temperature(logits[kept], labels[kept])[0], rel=1e-10)

    def test_a_misleading_sample(self):
        # All rows of the sub-sample are right; the others are not.
        logits, labels = logits_and_labels(4000, 4)
        order = np.argsort(logits.argmax(axis=1) != labels, kind="stable")
        step = 4000 * 4 // 2**13 + 1
        places = np.concatenate([np.arange(0, 4000, step), np.delete(np.arange(4000), np.arange(0, 4000, step))])
        arranged = np.empty(4000, int)
        arranged[places] = order
        logits, labels = logits[arranged], labels[arranged]
        found = fit(Predictions(logits=logits, labels=labels))
        assert found.temperature == pytest.approx(best_temperature(logits, labels)[0], rel=1e-10)

    def test_bounds(self):
        logits, _ = logits_and_labels(4000, 4)
        right = fit(Predictions(logits=logits, labels=logits.argmax(axis=1)))
        assert (right.fitted.bound, right.temperature > 0) == ("low", True)
        wrong = fit(Predictions(logits=logits, labels=logits.argmin(axis=1)))
        assert (wrong.fitted.bound, wrong.temperature < math.inf) == ("high", True)

    def test_damaged_rows_are_named(self):
        logits, labels = logits_and_labels(4000, 4)
        logits[3210, 2] = np.nan
        with pytest.raises(InputError, match=r"row 3210 holds nan in column 2"):
            fit(Predictions(logits=logits, labels=labels))


@pytest.mark.parametrize("factor", [1e-6, 1e6, 1e-30, 1e30])
def test_temperature_scales_with_the_logits(factor):
    logits, labels = logits_and_labels(500, 6)
    plain = fit(Predictions(logits=logits, labels=labels))
    scaled = fit(Predictions(logits=logits * factor, labels=labels))
    assert scaled.temperature == pytest.approx(plain.temperature * factor, rel=1e-11)
    assert scaled.fitted.nll_after == pytest.approx(plain.fitted.nll_after, abs=1e-12)
    assert scaled.fitted.bound is None


@pytest.mark.parametrize("labels_from", ["argmax", "argmin"])
@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_bounds_scale_with_the_logits(labels_from, factor):
    logits, _ = logits_and_labels(50, 4)
    labels = getattr(logits, labels_from)(axis=1)
    plain, scaled = (fit(Predictions(logits=logits * c, labels=labels)) for c in (1.0, factor))
    assert plain.fitted.bound == scaled.fitted.bound is not None
    assert scaled.temperature == pytest.approx(plain.temperature * factor, rel=1e-9)


def test_rows_in_another_order():
    logits, labels = logits_and_labels(700, 12)
    order = np.random.default_rng(1).permutation(700)
    plain, other = (fit(Predictions(logits=logits[o], labels=labels[o])) for o in (slice(None), order))
    assert other.temperature == pytest.approx(plain.temperature, rel=1e-12)


def test_a_mapped_dump_needs_no_temperature():
    for dump in (predictions(), predictions(900, 3, seed=4)):
        again = fit(fit(dump)(dump))
        assert again.temperature == pytest.approx(1.0, abs=1e-9)
        assert again.fitted.nll_after <= again.fitted.nll_before


def test_every_kind_of_score_gives_the_same_temperature():
    logits, labels = logits_and_labels(300, 4)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    found = [
        fit(Predictions(labels=labels, **{kind: scores}))
        for kind, scores in (("logits", logits), ("log_probs", log_probs), ("probs", np.exp(log_probs)))
    ]
    assert [f.temperature for f in found] == pytest.approx([found[0].temperature] * 3, rel=1e-9)


def test_mapped_scores():
    logits, labels = logits_and_labels(50, 3)
    dump = Predictions(logits=logits, labels=labels, ids=np.arange(50), columns={"a": labels})
    found = fit(dump)
    mapped = found(dump)
    assert mapped.kind == "logits"
    np.testing.assert_allclose(whole(mapped), logits / found.temperature, rtol=1e-14)
    assert (mapped.ids is dump.ids, mapped.columns is dump.columns, mapped.labels is dump.labels) == (True,) * 3
    probs = Predictions(probs=np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels=labels)
    assert found(probs).kind == "log_probs"
    assert np.exp(whole(found(probs))).sum(axis=1) == pytest.approx(np.ones(50), abs=1e-12)


def test_reports_of_mapped_dumps_agree_with_the_map():
    dump = predictions()
    found = fit(dump)
    assert evaluate(found(dump), level=None)["nll"].value == pytest.approx(found.fitted.nll_after, abs=1e-12)
    assert evaluate(dump, level=None)["nll"].value == pytest.approx(found.fitted.nll_before, abs=1e-12)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(2, 5)), elements=st.floats(-1e3, 1e3)),
    st.floats(1e-3, 1e3),
)
def test_the_predicted_class_stays(logits, temperature):
    dump = Predictions(logits=logits, labels=np.zeros(len(logits), int))
    found = replace(fit(predictions(40, logits.shape[1])), temperature=temperature)
    assert (whole(found(dump)).argmax(axis=1) == logits.argmax(axis=1)).all()


def test_the_predicted_class_stays_between_neighbours():
    logits = np.array([[1.0, np.nextafter(1.0, 2.0)], [3.0, 3.0], [np.nextafter(7.0, 0), 7.0]])
    for n in range(1, 60):
        found = replace(fit(predictions(40, 2)), temperature=n / 7)
        assert whole(found(Predictions(logits=logits, labels=[0, 0, 0]))).argmax(axis=1).tolist() == [1, 0, 1]


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(2, 6))
def test_nll_never_rises_on_fitted_rows(seed, n, k):
    rng = np.random.default_rng(seed)
    dump = Predictions(logits=rng.normal(size=(n, k)) * 3, labels=rng.integers(0, k, n))
    found = fit(dump)
    assert 0 < found.temperature < math.inf
    assert found.fitted.nll_after <= found.fitted.nll_before
    mapped = evaluate(found(dump), level=None)["nll"].value
    assert mapped == pytest.approx(found.fitted.nll_after, abs=1e-9)


class TestHardCases:
    def test_zeros_and_saturated_rows(self):
        rng = np.random.default_rng(0)
        labels = rng.integers(0, 20, 600)
        probs = np.zeros((600, 20))
        for i, label in enumerate(labels):
            others = rng.permutation(np.delete(np.arange(20), label))[:4]
            probs[i, [label, *others]] = rng.dirichlet(np.ones(5))
        sure = rng.random(600) < 0.3
        probs[sure] = np.eye(20)[labels[sure]]
        assert (probs == 0).mean() > 0.74
        found = fit(Predictions(probs=probs, labels=labels))
        with np.errstate(divide="ignore"):
            temperature, _ = best_temperature(np.log(probs), labels)
        assert found.temperature == pytest.approx(temperature, rel=1e-8)
        mapped = whole(found(Predictions(probs=probs, labels=labels)))
        assert not np.isnan(mapped).any()
        assert (np.isneginf(mapped) == (probs == 0)).all()

    def test_separable(self):
        found = fit(Predictions(logits=[[2.0, 0.0], [0.0, 1.0]], labels=[0, 1]))
        assert found.fitted.bound == "low"
        assert 0 < found.temperature < 0.1
        assert found.fitted.nll_after <= 1e-9
        assert "every label has the largest score" in found.fitted.note

    def test_separable_with_ties(self):
        found = fit(Predictions(logits=[[2.0, 2.0, 0.0], [0.0, 1.0, 0.0]], labels=[0, 1]))
        assert found.fitted.bound == "low"
        assert found.fitted.nll_after == pytest.approx(math.log(2) / 2, abs=1e-9)

    def test_no_information(self):
        found = fit(Predictions(logits=[[1.0, 0.0], [1.0, 0.0]], labels=[0, 1]))
        assert found.fitted.bound == "high"
        assert found.fitted.nll_after == pytest.approx(math.log(2), abs=1e-9)
        assert "no information about the labels" in found.fitted.note

    def test_equal_logits(self):
        found = fit(Predictions(logits=np.full((5, 3), 7.0), labels=[0, 1, 2, 0, 0]))
        assert (found.temperature, found.fitted.bound) == (1.0, "flat")
        assert found.fitted.nll_after == found.fitted.nll_before == pytest.approx(math.log(3))

    @pytest.mark.parametrize(("label", "bound"), [(0, "low"), (1, "high")])
    def test_one_row(self, label, bound):
        found = fit(Predictions(logits=[[4.0, 0.0, 1.0]], labels=[label]))
        assert (found.fitted.bound, 0 < found.temperature < math.inf) == (bound, True)

    def test_a_class_that_never_occurs(self):
        logits, labels = logits_and_labels(300, 5)
        kept = labels != 3
        found = fit(Predictions(logits=logits[kept], labels=labels[kept]))
        assert found.temperature == pytest.approx(best_temperature(logits[kept], labels[kept])[0], rel=1e-9)

    def test_masked_classes(self):
        logits, labels = logits_and_labels(300, 5)
        labels = np.where(labels == 4, 0, labels)
        masked = logits.copy()
        masked[:, 4] = -np.inf
        found = fit(Predictions(logits=masked, labels=labels))
        assert found.temperature == pytest.approx(best_temperature(logits[:, :4], labels)[0], rel=1e-9)

    def test_only_one_possible_class(self):
        found = fit(Predictions(logits=[[0.0, -np.inf]], labels=[0]))
        assert (found.temperature, found.fitted.nll_after) == (1.0, 0.0)

    def test_float16_is_upcast(self):
        logits, labels = logits_and_labels(300, 5)
        half = logits.astype(np.float16)
        assert fit(Predictions(logits=half, labels=labels)).temperature == pytest.approx(
            best_temperature(half.astype(np.float64), labels)[0], rel=1e-9
        )

    def test_integers(self):
        logits, labels = logits_and_labels(300, 5)
        whole_logits = np.rint(logits).astype(np.int8)
        assert fit(Predictions(logits=whole_logits, labels=labels)).temperature == pytest.approx(
            best_temperature(whole_logits, labels)[0], rel=1e-9
        )

    def test_a_temperature_beyond_all_numbers_is_refused(self):
        with pytest.raises(InputError, match="too large or too small"):
            fit(Predictions(logits=[[1e308, -1e308], [1e308, -1e308]], labels=[0, 1]))

    def test_dense(self):
        rng = np.random.default_rng(0)
        logits, labels = rng.normal(size=(3, 4, 6, 5)), rng.integers(0, 4, (3, 6, 5))
        flat = np.moveaxis(logits, 1, -1).reshape(-1, 4)
        found, other = (fit(Predictions(logits=z, labels=y)) for z, y in ((logits, labels), (flat, labels.reshape(-1))))
        assert found.temperature == other.temperature
        mapped = found(Predictions(logits=logits, labels=labels))
        assert mapped.layout == (3, 6, 5)
        np.testing.assert_allclose(whole(mapped), flat / found.temperature)


class TestClip:
    PROBS = ((0.9, 0.1, 0.0), (0.6, 0.4, 0.0), (0.2, 0.8, 0.0), (0.5, 0.25, 0.25))

    def test_an_impossible_label_is_refused(self):
        with pytest.raises(InputError, match=r"predictions: 2 rows assign probability 0 to the label \(first: row 1\)"):
            fit(Predictions(probs=self.PROBS, labels=[0, 2, 2, 0]))
        with pytest.raises(
            InputError, match=r"1 row assigns probability 0 to the label \(first: row 0\).*--clip 1e-12"
        ):
            fit(Predictions(logits=[[0.0, -np.inf], [0.0, 1.0]], labels=[1, 1]))

    def test_clip_is_counted_kept_and_applied(self):
        dump = Predictions(probs=self.PROBS, labels=[0, 2, 1, 0])
        found = fit(dump, clip=1e-3)
        temperature, nll = best_temperature(np.log(np.maximum(self.PROBS, 1e-3)), [0, 2, 1, 0])
        assert found.temperature == pytest.approx(temperature, rel=1e-9)
        assert found.fitted.nll_after == pytest.approx(nll, abs=1e-12)
        assert (found.clip, found.fitted.clipped) == (1e-3, 1)
        assert evaluate(found(dump), level=None)["nll"].value == pytest.approx(nll, abs=1e-12)
        assert from_json(found.to_json()) == found
