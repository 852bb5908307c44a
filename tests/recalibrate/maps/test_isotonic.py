from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from calibeval import Predictions
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.maps.isotonic import Curve
from tests.data import logits_and_labels


def test_by_hand():
    # Labels 0 1 0 1 in ascending order: the middle two pool to 1/2; the ends are (1/2)/2 and (1 + 1/2)/2.
    found = fit(Predictions(probs=[0.1, 0.6, 0.7, 0.9], labels=[0, 1, 0, 1]), "isotonic")
    mapped = np.exp(found(Predictions(probs=[0.05, 0.35, 0.65, 1.0], labels=[0] * 4)).scores[0:4])
    assert mapped[:, 1] == pytest.approx([0.25, 0.375, 0.5, 0.75])
    assert mapped.sum(axis=1) == pytest.approx([1.0] * 4)


def test_inner_levels_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.random(400)
    y = rng.random(400) < p**2
    found = fit(Predictions(probs=p, labels=y), "isotonic")
    expected = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(p)
    mapped = np.exp(found(Predictions(probs=p, labels=y)).scores[0:400])[:, 1]
    inner = (expected > 0) & (expected < 1)
    np.testing.assert_allclose(mapped[inner], expected[inner], atol=1e-12)
    assert inner.mean() > 0.7
    assert 0 < mapped.min() <= mapped.max() < 1


def test_equal_probabilities_share_a_level():
    found = fit(Predictions(probs=[0.3, 0.3, 0.3, 0.8], labels=[0, 0, 1, 1]), "isotonic")
    assert found.curves[0].y == pytest.approx((1 / 3, 0.75))


def test_more_classes():
    logits, labels = logits_and_labels(500, 4)
    labels = np.where(labels == 3, 0, labels)
    dump = Predictions(logits=logits, labels=labels)
    found = fit(dump, "isotonic")
    assert found.fitted.note == "1 of 4 classes have no row to fit on"
    assert found.curves[3].y == pytest.approx((0.25 / 501, 0.25 / 501))
    p = np.exp(found(dump).scores[0:500])
    assert p.sum(axis=1) == pytest.approx(np.ones(500))
    assert p.min() > 0
    assert found.fitted.nll_after < found.fitted.nll_before


def test_one_row_and_equal_scores():
    one = fit(Predictions(probs=[0.4], labels=[1]), "isotonic")
    assert one.curves[0].y == (0.75,)
    same = fit(Predictions(logits=np.zeros((4, 3)), labels=[0, 0, 1, 2]), "isotonic")
    assert np.exp(same(Predictions(logits=np.zeros((1, 3)), labels=[0])).scores[0:1])[0] == pytest.approx(
        [0.5, 0.25, 0.25]
    )


def test_points_that_are_too_near_for_a_slope():
    # Probabilities of 1e-310 and less: a rise of 0.1 between two of them is a slope beyond float64.
    found = fit(Predictions(probs=[0.0, 1e-310, 0.4, 0.9], labels=[0, 1, 0, 1]), "isotonic")
    near = replace(found, curves=(Curve((0.0, 1e-310, 0.5), (0.1, 0.2, 0.3)),))
    mapped = np.exp(near(Predictions(probs=[0.0, 5e-311, 1e-310, 0.25], labels=[0] * 4)).scores[0:4])
    assert mapped[:, 1] == pytest.approx([0.1, 0.1, 0.2, 0.25])
