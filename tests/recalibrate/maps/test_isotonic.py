from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from calibeval import Predictions, cross_fit, evaluate
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.maps.isotonic import Curve, fit_isotonic
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
    (curves,), note, _ = fit_isotonic(dump, None)
    assert note is None
    assert curves[3].y == pytest.approx((0.25 / 501, 0.25 / 501))
    kept = fit(Predictions(logits=logits, labels=np.where(np.arange(500) == 7, 3, labels)), "isotonic")
    p = np.exp(kept(dump).scores[0:500])
    assert p.sum(axis=1) == pytest.approx(np.ones(500))
    assert p.min() > 0
    assert kept.fitted.nll_after < kept.fitted.nll_before


def of_classes(*rows, names=None):
    """So many rows of each class."""
    labels = np.repeat(np.arange(len(rows)), rows)
    logits = np.random.default_rng(0).normal(size=(len(labels), len(rows))) + 2 * np.eye(len(rows))[labels]
    return Predictions(logits=logits, labels=labels, class_names=names)


def test_absent_classes_are_refused_with_what_to_do():
    with pytest.raises(InputError) as error:
        fit(of_classes(20, 0, 20, 0, names=("a", "b", "c", "d")), "isotonic")
    assert str(error.value) == (
        'predictions: 2 of 4 classes have no row to fit on (the first: "b"). isotonic fits each class by itself, so '
        "classes without rows would hardly be predicted again. Use temperature, ets or vector, or rows of all classes."
    )
    note = fit(of_classes(20, 0), "isotonic").fitted.note
    expected = "isotonic fits each class by itself, but 1 of 2 classes has no row; use platt or beta instead"
    assert note.startswith(expected)
    assert note.count("no row") == 1


@pytest.mark.parametrize(("rows", "said"), [(9, "the fewest: 9 rows of 1"), (1, "the fewest: 1 row of 1"), (10, None)])
def test_fewer_than_ten_rows_of_a_class_are_noted(rows, said):
    note = fit(of_classes(10, rows, 30), "isotonic").fitted.note
    least = f"isotonic fits each class by itself, but 1 of 3 classes has fewer than 10 rows ({said})"
    least += "; use temperature, ets or vector instead"
    assert note == (None if said is None else least)


@pytest.mark.parametrize(("rows", "warned"), [(9, True), (10, False)])
def test_out_of_fold_the_same_rows_are_warned_about(rows, warned):
    dump = evaluate(of_classes(10, rows, 30), cross_fit=3, method="isotonic").dumps[0]
    assert [one.code for one in dump.warnings if "fits each class by itself" in one] == ["map_note"] * warned


def test_out_of_fold_all_rows_are_counted_first():
    with pytest.raises(InputError, match="1 of 3 classes has no row to fit on"):
        cross_fit(of_classes(10, 0, 2), 2, "isotonic")
    with pytest.raises(InputError, match="1 of 4 classes has no row to fit on"):  # not those that a fold lacks, too
        cross_fit(of_classes(10, 0, 1, 1), 2, "isotonic")


def test_a_class_with_one_row_is_absent_in_a_fold():
    with pytest.raises(InputError, match="1 of 3 classes has no row to fit on"):
        cross_fit(of_classes(10, 1, 30), 3, "isotonic")


def test_rows_of_weight_0_do_not_count():
    dump = of_classes(20, 5, 20)
    with pytest.raises(InputError, match="1 of 3 classes has no row"):
        fit(
            Predictions(logits=dump.scores[0:45], labels=dump.labels, weights=(dump.labels != 1).astype(float)),
            "isotonic",
        )


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
