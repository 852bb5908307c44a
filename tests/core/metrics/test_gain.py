"""What recalibration is worth: by hand, against maps that are fitted out of fold, and by properties."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, compare, cross_fit, evaluate, gate
from calibeval.core.data.folds import deal
from calibeval.core.evaluation import with_gain as module
from calibeval.core.evaluation.with_gain import with_gain
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.isotonic_folds import out_of_fold
from tests.data import logits_and_labels
from tests.definitions import softmax

NAMES = ["phi_nll", "phi_brier"]
SCORES = (("phi_nll", "nll"), ("phi_brier", "brier"))


def sharpened(n=2000, k=4, factor=2.0, seed=0, **settings):
    """A model that is over-confident by a temperature of `factor`."""
    rng = np.random.default_rng(seed)
    z = 2.0 * rng.normal(size=(n, k))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    labels = (rng.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    return Predictions(logits=factor * z, labels=labels, **settings)


def gain_of(p, **settings):
    return with_gain(summarise(p, keep_rows=True), p, **settings).gain


def spread_of(gain, name="temperature"):
    """By how much the noise of maps widens intervals: its part of the variance counts twice."""
    change = gain.after[name].nll - gain.before.nll
    return np.sqrt(1.0 + min(gain.after[name].noise / change.var(), 1.0))


def scores_of(p, labels):
    """NLL and Brier score of every row by their definitions. p: (n, k)."""
    hot = np.eye(p.shape[1])[labels]
    return -np.log(p[np.arange(len(p)), labels]), np.square(p - hot).sum(axis=1)


@pytest.mark.filterwarnings("error")
def test_losses_whose_squares_are_infinite_have_a_gain():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(300, 3)), rng.integers(0, 3, 300)
    small, large = (evaluate(logits=logits * scale, labels=labels, metrics="phi_nll") for scale in (1e12, 1e300))
    assert large["phi_nll"].map == small["phi_nll"].map != "none"
    assert large["phi_nll"].value == pytest.approx(1.0)
    assert (large["phi_nll"].low, large["phi_nll"].high) == pytest.approx((1.0, 1.0))


class TestAgreement:
    def test_a_temperature_agrees_with_the_map_fitted_out_of_fold(self):
        p = sharpened()
        found = evaluate(p, metrics=[*NAMES, "nll", "brier"], cross_fit=5)
        after = found.dumps[0].recalibrated.metrics
        for name, score in SCORES:
            old, new = found[score].value, after[score].value
            assert found[name].map == "temperature"
            assert found[name].value == pytest.approx((old - new) / old, abs=1e-7)
            assert found[name].refinement == pytest.approx(new, abs=1e-7)
            assert found[name].calibration == pytest.approx(old - new, abs=1e-7)
            assert found[name].low < found[name].value < found[name].high

    @pytest.mark.parametrize("n", [40, 90])
    def test_of_few_rows_each_temperature_is_searched(self, n):
        """One step from the optimum of all rows would be too long."""
        p = sharpened(n)
        own = gain_of(p).after["temperature"]
        fitted = cross_fit(p, 5)
        found = evaluate(fitted.predictions, metrics="nll,brier", level=None)
        assert own.nll.mean() == pytest.approx(found["nll"].value, abs=1e-7)
        assert own.brier.mean() == pytest.approx(found["brier"].value, abs=1e-7)

    def test_isotonic_regression_of_two_classes_agrees_with_the_map_fitted_out_of_fold(self):
        logits, labels = logits_and_labels(900, 2, seed=3)
        p = Predictions(logits=logits, labels=labels)
        found = evaluate(p, metrics=[*NAMES, "nll", "brier"], cross_fit=5, method="isotonic")
        after = found.dumps[0].recalibrated.metrics
        for name, score in SCORES:
            assert found[name].map == "isotonic"
            assert found[name].refinement == pytest.approx(after[score].value, abs=1e-9)

    def test_groups_stay_in_one_fold_as_they_do_there(self):
        rng = np.random.default_rng(4)
        p = sharpened(columns={"g": rng.integers(0, 90, 2000).astype(str)})
        found = evaluate(p, metrics=[*NAMES, "nll"], cross_fit=5, group="g")
        assert found["phi_nll"].refinement == pytest.approx(found.dumps[0].recalibrated.metrics["nll"].value, abs=1e-7)

    @pytest.mark.parametrize("most", [module.MOST_SCORES, 0])
    def test_many_scores(self, most, monkeypatch):
        """Folds' temperatures are from a sample; rows under them are all rows, or of still more scores that sample."""
        monkeypatch.setattr(module, "MOST_SCORES", most)
        p = sharpened(30_000, 50)
        found = evaluate(p, metrics=[*NAMES, "nll"], cross_fit=5)["phi_nll"]
        after = evaluate(p, metrics=["nll"], cross_fit=5)
        old, new = after["nll"].value, after.dumps[0].recalibrated.metrics["nll"].value
        if most:
            assert found.reason is None
            assert found.value == pytest.approx((old - new) / old, abs=1e-4)
        else:
            assert found.reason.code == "sampled"
            assert found.low < (old - new) / old < found.high


class TestByDefinition:
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("k", [3, 12])
    def test_the_top_label_is_recalibrated_and_the_others_share_the_rest(self, k, weighted):
        rng = np.random.default_rng(k)
        weights = rng.random(700) + 0.2 if weighted else None
        p = sharpened(700, k, weights=weights)
        probs, labels = softmax(p.scores[0:700]), p.labels
        top = probs.argmax(axis=1)
        folds = deal(p, 5, 0)
        scale = None if weights is None else weights * weights.sum() / (weights @ weights)
        level = out_of_fold(probs.max(axis=1), top == labels, folds, 5, k, scale).level
        mapped = probs * ((1.0 - level) / (1.0 - probs.max(axis=1)))[:, None]
        mapped[np.arange(700), top] = level
        np.testing.assert_allclose(mapped.sum(axis=1), 1.0)
        own = gain_of(p).after["top-isotonic"]
        nll, brier = scores_of(mapped, labels)
        np.testing.assert_allclose(own.nll, nll, rtol=1e-7)
        np.testing.assert_allclose(own.brier, brier, rtol=1e-7, atol=1e-12)

    def test_the_interval_is_that_of_a_ratio_of_means(self):
        p = sharpened(1500)
        gain = gain_of(p)
        for name, score in SCORES:
            before, after = (getattr(one, score) for one in (gain.before, gain.after["temperature"]))
            share = 1.0 - after.mean() / before.mean()
            influence = (before * (1.0 - share) - after) / before.mean()
            reach = 1.959964 * np.sqrt(np.sum(influence**2) / 1499 / 1500) * spread_of(gain)
            found = evaluate(p, metrics=NAMES)[name]
            assert (found.value, found.low, found.high) == pytest.approx(
                (share, share - reach, share + reach), abs=1e-6
            )

    def test_leaving_rows_out_says_the_same_of_its_error(self):
        """The jackknife of the ratio, for the same maps."""
        gain = gain_of(sharpened(800, 3))
        before, after = gain.before.nll, gain.after["temperature"].nll
        without = 1.0 - (after.sum() - after) / (before.sum() - before)
        jackknife = np.sqrt(np.sum((without - without.mean()) ** 2) * 799 / 800)
        found = evaluate(sharpened(800, 3), metrics="phi_nll")["phi_nll"]
        assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(jackknife * spread_of(gain), rel=0.01)

    def test_a_top_label_alone_has_its_brier_score(self):
        rng = np.random.default_rng(1)
        confidence = 0.5 + 0.5 * rng.random(900)
        correct = rng.random(900) < confidence**2
        p = Predictions(confidence=confidence, correct=correct)
        found = evaluate(p, metrics=NAMES)
        level = out_of_fold(confidence, correct, deal(p, 5, 0), 5, 2).level
        old, new = (np.square(one - correct).mean() for one in (confidence, level))
        assert found["phi_brier"].value == pytest.approx(1.0 - new / old, abs=1e-12)
        assert found["phi_brier"].map == "top-isotonic"
        assert (found["phi_nll"].value, found["phi_nll"].reason.code) == (None, "top_label_only")

    def test_a_map_of_one_number_has_little_noise_and_one_of_many_parts_more(self):
        after = gain_of(sharpened(1000)).after
        assert after["temperature"].noise == pytest.approx(1 / 800)
        assert 4 / 800 < after["top-isotonic"].noise < 40 / 800

    def test_where_all_that_a_map_changes_is_noise_the_variance_doubles(self):
        """A calibrated model of two classes: without the factor, an interval holds the truth in 83 %."""
        gains = [gain_of(sharpened(1000, 2, factor=1.0, seed=seed)) for seed in range(5)]
        assert min(spread_of(gain, "isotonic") for gain in gains) > 1.2
        assert spread_of(gain_of(sharpened(1000, 2, factor=4.0)), "isotonic") < 1.03


class TestChoice:
    def test_a_calibrated_model_has_nothing_to_gain(self):
        values = [evaluate(sharpened(factor=1.0, seed=seed), metrics=NAMES)["phi_nll"] for seed in range(20)]
        assert all(one.value < 0.004 and one.low <= 0.0 <= one.high for one in values)
        assert any(one.map == "none" and one.value == 0.0 == one.low for one in values)

    def test_no_map_has_the_upper_end_of_the_best_of_the_others(self):
        p = next(p for p in (sharpened(factor=1.0, seed=seed) for seed in range(20)) if gain_of(p).chosen == "none")
        gain, found = gain_of(p), evaluate(p, metrics="phi_nll,nll")
        assert found["phi_nll"].refinement == found["nll"].value
        assert found["phi_nll"].calibration == 0.0
        highs = []
        for name, one in gain.after.items():
            share = 1.0 - one.nll.mean() / gain.before.nll.mean()
            influence = (gain.before.nll * (1.0 - share) - one.nll) / gain.before.nll.mean()
            highs.append(share + 1.959964 * influence.std(ddof=1) / np.sqrt(p.n) * spread_of(gain, name))
        assert found["phi_nll"].high == pytest.approx(max(0.0, *highs), abs=1e-6)

    def test_of_two_classes_isotonic_regression_may_do_harm(self):
        found = evaluate(sharpened(150, 2, factor=1.0, seed=2), metrics=NAMES)
        assert found["phi_nll"].map == "isotonic"
        assert found["phi_nll"].value < 0.0

    def test_with_an_infinite_nll_the_brier_score_decides(self):
        """One-hot rows, a fifth of them wrong: the level is about .8, and the others share the rest."""
        labels = np.arange(500) % 4
        wrong = np.arange(500) % 5 == 0
        found = evaluate(probs=np.eye(4)[(labels + wrong) % 4], labels=labels, metrics=NAMES)
        assert (found["phi_nll"].value, found["phi_nll"].reason.code) == (None, "infinite")
        assert found["phi_brier"].map == "top-isotonic"
        # A right row: .2^2 + 3 (.2/3)^2; a wrong one: .8^2 + (1 - .2/3)^2 + 2 (.2/3)^2; before: 2 for each wrong one.
        after = 0.8 * (0.04 + 0.04 / 3) + 0.2 * (0.64 + (1 - 0.2 / 3) ** 2 + 2 * (0.2 / 3) ** 2)
        assert found["phi_brier"].refinement == pytest.approx(after, abs=2e-4)
        assert found["phi_brier"].value == pytest.approx(1 - after / 0.4, abs=5e-4)


class TestLimits:
    def test_fewer_rows_than_folds(self):
        found = evaluate(probs=[0.2, 0.6, 0.7, 0.4], labels=[0, 1, 0, 1], metrics=NAMES)["phi_nll"]
        assert (found.value, found.reason.code) == (None, "no_rows")
        assert str(found.reason) == "5 rows at least are needed for 5 folds"

    def test_fewer_groups_than_folds(self):
        p = sharpened(columns={"g": np.arange(2000) % 4})
        found = evaluate(p, metrics=NAMES, group="g")["phi_nll"]
        assert str(found.reason) == "5 groups at least are needed for 5 folds"

    @pytest.mark.parametrize("errors", [29, 30])
    def test_few_errors_have_no_interval(self, errors):
        rng = np.random.default_rng(3)
        logits, labels = 3.0 * np.eye(3)[np.arange(600) % 3] + 0.1 * rng.random((600, 3)), np.arange(600) % 3
        labels[:errors] = (labels[:errors] + 1) % 3
        found = evaluate(logits=logits, labels=labels, metrics=NAMES)["phi_nll"]
        assert (found.low is None) == (errors < 30)
        assert found.value is not None
        assert (None if found.reason is None else found.reason.code) == ("few_errors" if errors < 30 else None)

    @pytest.mark.parametrize("rows", [29, 30])
    def test_few_rows_of_a_class_have_no_interval(self, rows):
        rng = np.random.default_rng(3)
        labels = (np.arange(600) < rows).astype(int)
        found = evaluate(probs=rng.random(600), labels=labels, metrics=NAMES)["phi_nll"]
        assert (found.low is None) == (rows < 30)

    def test_a_perfect_model_has_no_score_to_gain_from(self):
        found = evaluate(probs=np.eye(3)[np.arange(60) % 3], labels=np.arange(60) % 3, metrics=NAMES)["phi_brier"]
        assert (found.value, str(found.reason)) == (None, "the score is 0, so there is nothing to gain")

    def test_where_memory_is_the_limit_rows_are_not_kept(self):
        found = evaluate(sharpened(), metrics=NAMES, max_memory=4000)["phi_nll"]
        assert (found.value, found.reason.code) == (None, "rows_not_kept")

    def test_cells_are_told(self, monkeypatch):
        monkeypatch.setattr(module, "EXACT", 1999)
        found = evaluate(sharpened(2000, 2), metrics=NAMES)["phi_nll"]
        assert found.reason.code == "in_cells"
        assert str(found.reason).endswith("4,096 cells of neighbouring rows: Brier up to 0.00012 larger")


class TestParts:
    def test_slices_are_of_the_same_map_and_add_up(self):
        p = sharpened(columns={"s": np.arange(2000) % 3})
        report = evaluate(p, metrics=NAMES, slices="s")
        for name in NAMES:
            parts = [(one.n, one.metrics[name]) for one in report.dumps[0].slices]
            assert sum(n * one.calibration for n, one in parts) / 2000 == pytest.approx(report[name].calibration)
            assert sum(n * one.refinement for n, one in parts) / 2000 == pytest.approx(report[name].refinement)
            assert all(one.low < one.value < one.high for _, one in parts)

    def test_copies_of_rows_in_groups_say_no_more_than_the_rows(self):
        p = sharpened(900, 3)
        again = np.repeat(np.arange(900), 4)
        copied = Predictions(logits=p.scores[0:900][again], labels=p.labels[again], columns={"g": again})

        def width(found):
            return found["phi_nll"].high - found["phi_nll"].low

        once, alone = width(evaluate(p, metrics=NAMES)), width(evaluate(copied, metrics=NAMES))
        assert width(evaluate(copied, metrics=NAMES, group="g")) == pytest.approx(once, rel=0.05)
        assert alone == pytest.approx(once / 2, rel=0.05)

    def test_threads_change_nothing(self):
        p = sharpened(3000)
        one, three = (evaluate(p, metrics=NAMES, jobs=jobs) for jobs in (1, 3))
        assert [one[name] for name in NAMES] == [three[name] for name in NAMES]


class TestComparison:
    def test_the_difference_of_two_models_and_its_error(self):
        base, other = sharpened(1500, ids=np.arange(1500)), sharpened(1500, factor=1.3, ids=np.arange(1500))
        found = compare(base, other, metrics=NAMES).candidates[0].differences["phi_nll"]
        values = []
        for p in (base, other):
            gain = gain_of(p)
            before, after = gain.before.nll, gain.after["temperature"].nll
            share = 1.0 - after.mean() / before.mean()
            values.append((before * (1.0 - share) - after) / before.mean() * spread_of(gain) + share)
        apart = values[1] - values[0]
        reach = 1.959964 * apart.std(ddof=1) / np.sqrt(1500)
        assert found.difference == pytest.approx(apart.mean())
        assert (found.low, found.high) == pytest.approx((apart.mean() - reach, apart.mean() + reach), abs=1e-6)

    def test_the_same_model_in_another_order_of_rows_has_the_same_folds(self):
        base = sharpened(1500, ids=np.arange(1500))
        order = np.random.default_rng(0).permutation(1500)
        found = compare(base, base.select(order), metrics=NAMES).candidates[0].differences
        for name in NAMES:
            assert found[name].difference == pytest.approx(0.0, abs=1e-12)
            assert (found[name].low, found[name].high, found[name].p) == (0.0, 0.0, 1.0)

    def test_a_saved_report_is_compared_by_both_intervals(self):
        base, other = sharpened(1500, ids=np.arange(1500)), sharpened(1500, factor=1.3, ids=np.arange(1500))
        saved = evaluate(base, metrics=["ece", *NAMES])
        found = compare(saved, other, metrics=NAMES).candidates[0].differences["phi_nll"]
        assert found.low < found.difference < found.high < 0.0

    def test_a_gate_judges_it(self):
        base, other = sharpened(1500, ids=np.arange(1500)), sharpened(1500, factor=1.3, ids=np.arange(1500))
        assert not gate(base, [{"metric": "phi_nll", "max": 0.05}])
        assert gate(other, [{"metric": "phi_nll", "max": 0.2}])
        change = [{"metric": "phi_nll", "max_increase": 0.01}, {"metric": "phi_brier", "max": 0.2}]
        assert gate(other, change, baseline=base)
        assert not gate(base, change, baseline=other)
