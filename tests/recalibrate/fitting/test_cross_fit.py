from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate
from calibeval.core.data.folds import NO_FOLD, deal
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError, UsageError
from calibeval.recalibrate.fitting.cross_fit import cross_fit
from calibeval.recalibrate.fitting.fit import fit
from tests.data import logits_and_labels


def dump(n=203, k=4, **settings):
    logits, labels = logits_and_labels(n, k)
    return Predictions(logits=logits, labels=labels, **settings)


def test_folds_are_even_in_all_and_in_each_label():
    p = dump()
    folds = deal(p, 5, seed=3)
    for labels in (slice(None), *(p.labels == c for c in range(4))):
        counts = np.bincount(folds[labels], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert (deal(p, 5, seed=3) == folds).all()
    assert (deal(p, 5, seed=4) != folds).any()


def test_groups_stay_together():
    p = dump()
    groups = np.random.default_rng(0).integers(0, 40, 203).astype(str)
    folds = deal(p, 4, seed=0, groups=groups)
    assert all(len(set(folds[groups == g])) == 1 for g in set(groups))
    counts = np.bincount(folds, minlength=4)
    assert counts.min() > 203 / 4 * 0.7


def test_each_row_is_mapped_by_the_map_of_the_others():
    p = dump()
    found = cross_fit(p, 5, seed=1)
    for fold, one in enumerate(found.maps):
        here = found.folds == fold
        rest = fit(p.select(~here))
        assert one.temperature == pytest.approx(rest.temperature, rel=1e-12)
        mapped = np.asarray(found.predictions.scores[0:203])[here]
        np.testing.assert_allclose(mapped, p.scores[here] / rest.temperature, rtol=1e-11)
    assert (found.predictions.labels == p.labels).all()
    assert evaluate(found.predictions, level=None)["nll"].value < evaluate(p, level=None)["nll"].value


def test_ignored_rows_are_in_no_fold():
    logits, labels = logits_and_labels(200, 3)
    labels[::7] = 255
    p = Predictions(logits=logits, labels=labels, ignore_index=255)
    found = cross_fit(p, 4)
    assert ((found.folds == NO_FOLD) == (labels == 255)).all()
    plain = cross_fit(p.select(labels != 255), 4)
    assert [m.temperature for m in found.maps] == pytest.approx([m.temperature for m in plain.maps], rel=1e-12)
    assert evaluate(found.predictions, level=None)["nll"].value == pytest.approx(
        evaluate(plain.predictions, level=None)["nll"].value, rel=1e-12
    )


@pytest.mark.parametrize("method", ["isotonic", "vector", "auto"])
def test_other_methods(method):
    found = cross_fit(dump(), 3, method)
    assert not np.isnan(found.predictions.scores[0:203]).any()
    assert np.isfinite(evaluate(found.predictions, level=None)["nll"].value)


def test_unsigned_labels():
    logits, labels = logits_and_labels(50, 3)
    found = cross_fit(Predictions(logits=logits, labels=labels.astype(np.uint8)), 2)
    assert found.predictions.labels.dtype == np.uint8


def test_as_many_rows_or_groups_as_folds_are_enough():
    assert sorted(deal(dump(5), 5, seed=0)) == [0, 1, 2, 3, 4]
    folds = deal(dump(), 5, seed=0, groups=np.arange(203) % 5)
    assert sorted(folds[:5]) == [0, 1, 2, 3, 4]


def test_settings_that_cannot_be():
    with pytest.raises(UsageError, match="folds is 1, but at least 2"):
        cross_fit(dump(), 1)
    with pytest.raises(InputError, match="4 rows cannot be split into 5 folds"):
        cross_fit(dump(4), 5)
    with pytest.raises(
        InputError, match=r"2 groups cannot .* 5 folds; at most 2 can be asked for, as with --cross-fit 2$"
    ):
        cross_fit(dump(), 5, groups=np.arange(203) % 2)
    with pytest.raises(UsageError, match="groups have shape"):
        cross_fit(dump(), 5, groups=np.arange(3))


def test_what_a_map_made_is_called_after_it():
    logits, labels = logits_and_labels(600, 3)
    own = Predictions(logits=logits, labels=labels, source=Source("one/a.npz", "test"))
    found = fit(own)
    mapped, crossed = found(own), cross_fit(own, 4).predictions
    temperature = f"T = {found.parameters()['temperature']:.3g}"
    names = [one.name for one in compare(own, mapped, crossed, metrics="nll").candidates]
    assert names == [f"a.npz#test, {temperature}", "a.npz#test, temperature, 4 folds"]
    assert [one.name for one in evaluate([own, mapped]).dumps] == ["a.npz#test", f"a.npz#test, {temperature}"]
    other = Predictions(logits=logits, labels=labels, source=Source("two/a.npz", "test"))
    assert [one.name for one in evaluate([mapped, found(other)]).dumps] == [
        f"one/a.npz#test, {temperature}",
        f"two/a.npz#test, {temperature}",
    ]


def test_pixels_of_an_image_stay_together():
    """Of dense predictions, no map is fitted on a pixel of an image that it is tested on."""
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(7, 3, 2, 5)), rng.integers(0, 3, (7, 2, 5))
    labels[0, 0, 0] = -100
    dense = Predictions(logits=logits, labels=labels, ignore_index=-100)
    folds = cross_fit(dense, folds=5).folds.reshape(7, 10)
    assert folds[0, 0] == NO_FOLD
    folds[0, 0] = folds[0, 1]
    assert (folds == folds[:, :1]).all()
    assert set(folds[:, 0]) == {0, 1, 2, 3, 4}
    by_name = cross_fit(dense, folds=5, groups=np.repeat(np.arange(7), 10))
    np.testing.assert_array_equal(by_name.folds.reshape(7, 10)[:, 1:], folds[:, 1:])


def test_fewer_images_than_folds_are_split_by_pixels():
    rng = np.random.default_rng(1)
    one = Predictions(logits=rng.normal(size=(1, 3, 4, 5)), labels=rng.integers(0, 3, (1, 4, 5)))
    assert sorted(np.bincount(cross_fit(one, folds=5).folds)) == [4, 4, 4, 4, 4]


def test_an_error_about_the_rows_of_a_fold_names_it():
    """The file has a row of class 2, but the rows outside the fold that holds it have none."""
    labels = np.arange(60) % 2
    labels[7] = 2
    p = Predictions(logits=np.random.default_rng(0).normal(size=(60, 3)), labels=labels)
    lacking = int(cross_fit(p, 3).folds[7]) + 1
    with pytest.raises(InputError, match=rf"^predictions without fold {lacking} of 3: 1 of 3 classes has no row"):
        cross_fit(p, 3, "isotonic")
