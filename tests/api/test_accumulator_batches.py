"""Batches without rows, and rows that would count twice."""

import numpy as np
import pytest

import calibeval

P = [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"probs": P * 150}, "batch 1: probs have 300 rows, but there are no labels: give one label per row"),
        ({"probs": "rubbish"}, "batch 1: probs must be an array with one entry per row, but came as 'rubbish'"),
        ({"probs": ["a", "b"]}, "batch 1: probs must be an array with one entry per row, but came as a list"),
        ({"probs": np.zeros((0, 7))}, "batch 1: the scores have 7 classes, but this Accumulator is for k = 3"),
        ({"probs": [], "groups": ["a"]}, "batch 1: groups have 1 rows, but there are no labels"),
        ({"probs": [], "weights": [1.0, 2.0]}, "batch 1: weights have 2 rows, but there are no labels"),
    ],
)
def test_rows_without_labels_are_refused(batch, message):
    part = calibeval.Accumulator(3)
    for labels in ([], (), np.empty(0, int)):
        with pytest.raises(calibeval.InputError) as caught:
            part.update(**batch, labels=labels)
        assert str(caught.value).startswith(message)
    assert part.n == 0


@pytest.mark.parametrize("scores", [[], np.zeros((0, 3)), np.zeros((0, 3, 4))])
def test_a_batch_without_rows_adds_nothing(scores):
    part = calibeval.Accumulator(3)
    part.update(probs=P, labels=[0, 1])
    part.update(probs=scores, labels=np.empty(0, int), groups=[], weights=[])
    assert (part.n, part.report()["accuracy"].value) == (2, 1.0)
    with pytest.raises(calibeval.UsageError, match="logits came, but the batches before had probs"):
        part.update(logits=scores, labels=[])


def test_an_accumulator_is_not_merged_with_itself():
    part = calibeval.Accumulator(3)
    part.update(probs=P, labels=[0, 1])
    with pytest.raises(calibeval.UsageError, match="merged with itself: every row would count twice"):
        part.merge(part)
    assert part.n == 2


def test_saved_sums_count_once(tmp_path):
    for name, labels in (("a", [0, 1]), ("b", [1, 1])):
        part = calibeval.Accumulator(3)
        part.update(probs=P, labels=labels)
        part.save(tmp_path / f"{name}.sums")
    (tmp_path / "copy.sums").write_bytes((tmp_path / "a.sums").read_bytes())
    whole, other, again = (calibeval.Accumulator.load(tmp_path / f"{name}.sums") for name in ("a", "b", "copy"))
    whole.merge(other)
    for twice in (again, other):
        with pytest.raises(calibeval.UsageError, match=r"the sums of (copy|b)\.sums are in both"):
            whole.merge(twice)
    assert whole.n == 4
    fresh = calibeval.Accumulator(3)
    fresh.merge(whole)
    with pytest.raises(calibeval.UsageError, match="count twice"):
        fresh.merge(again)
    whole.reset()
    whole.merge(again)
    assert whole.n == 2


def test_what_sums_do_not_hold_is_told_with_what_keeps_it(tmp_path):
    part = calibeval.Accumulator(3, metrics=["emax", "phi_brier"], exact=False)
    part.update(probs=P * 100, labels=[0, 2] * 100)
    report = part.report()
    assert report["emax"].value is None
    assert report["emax"].reason == (
        "it needs the results of every row, which these sums do not hold: make and save them with exact"
    )
    assert report["phi_brier"].reason == (
        "it needs the scores of every row, which are not kept here: evaluate the rows themselves"
    )
    kept = calibeval.Accumulator(3, metrics=["emax"], exact=True)
    kept.update(probs=P * 100, labels=[0, 2] * 100)
    kept.save(tmp_path / "a.sums", exact=True)
    assert calibeval.Accumulator.load(tmp_path / "a.sums").report()["emax"].value is not None


@pytest.mark.parametrize(
    "arrays",
    [
        {"probs": [[1.0, 0.0], [0.6, 0.4]], "labels": [1, 0]},
        {"logits": [[1e300, 0.0], [0.6, 0.4]], "labels": [1, 0]},
        {"logits": [[1e308, -1e308], [0.6, 0.4]], "labels": [1, 0], "weights": [1.0, 3.0]},
    ],
)
def test_endless_losses_are_saved(arrays, tmp_path):
    part = calibeval.Accumulator(2)
    part.update(**arrays)
    part.save(tmp_path / "a.sums", exact=True)
    assert calibeval.Accumulator.load(tmp_path / "a.sums").report().to_json() == part.report().to_json()
