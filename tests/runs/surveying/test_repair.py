"""Cells after a map: rows on which it was fitted are mapped by a fit on others."""

import numpy as np
import pytest

from calibeval import InputError, Predictions, cross_fit, fit
from calibeval.core.data.source import Source
from calibeval.runs.surveying.repair import FittedOn, Fitting
from tests.data import logits_and_labels

LOGITS, LABELS = logits_and_labels(400, 3)
NOISY = LOGITS + np.random.default_rng(0).normal(size=LOGITS.shape)


def dump(logits, labels, ids=None, name="a.npz"):
    return Predictions(logits=logits, labels=labels, ids=ids, source=Source(name))


def scores(repaired):
    return np.asarray(repaired.predictions.scores[0 : repaired.predictions.rows])


def test_other_rows_are_mapped_by_all():
    clean, other = dump(LOGITS[:300], LABELS[:300]), dump(NOISY[300:], LABELS[300:])
    found = FittedOn(clean, Fitting()).applied(other)
    assert np.allclose(scores(found), fit(clean)(NOISY[300:]))
    assert found.notes == ()


def test_rows_of_the_clean_version_are_mapped_out_of_fold_and_it_is_told():
    clean = dump(LOGITS, LABELS)
    found = FittedOn(clean, Fitting()).applied(dump(NOISY, LABELS))
    crossed = cross_fit(clean)
    expected = [NOISY[i] / crossed.maps[fold].temperature for i, fold in enumerate(crossed.folds)]
    assert np.allclose(scores(found), expected)
    assert [str(note)[:40] for note in found.notes] == ["rows are those on which the map is fitte"]


def test_ids_tell_which_rows_are_shared():
    clean = dump(LOGITS[:300], LABELS[:300], np.arange(300))
    turned = np.random.default_rng(1).permutation(np.arange(200, 400))
    found = FittedOn(clean, Fitting()).applied(dump(NOISY[turned], LABELS[turned], turned.astype(str)))
    crossed, whole = cross_fit(clean), fit(clean)
    maps = [crossed.maps[crossed.folds[i]] if i < 300 else whole for i in turned]
    assert np.allclose(scores(found), [NOISY[i] / one.temperature for i, one in zip(turned, maps, strict=True)])
    assert str(found.notes[0]).startswith("some rows are those on which")


def test_identical_rows_that_nothing_pairs_are_a_leak():
    clean, part = dump(LOGITS, LABELS, name="x.npz"), dump(LOGITS[:200], LABELS[:200], name="y.npz")
    with pytest.raises(InputError, match="Give both dumps ids, so that rows can be mapped by a fit on others, or use"):
        FittedOn(clean, Fitting()).applied(part)
    assert FittedOn(clean, Fitting(allow_leak=True)).applied(part).notes[0].code == "leak"


def test_classes_that_differ_are_refused():
    with pytest.raises(InputError, match="there are 2 classes, but the map was fitted on 3"):
        FittedOn(dump(LOGITS, LABELS), Fitting()).applied(dump(NOISY[:50, :2], LABELS[:50] % 2))
