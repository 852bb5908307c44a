"""Soft labels in the losses of rows: beside class numbers, autograd, torch's cross entropy and sums over classes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibeval.losses.table import LOSS_TABLE
from calibeval.training.head_losses import HeadLosses
from calibeval.training.spec import LossSpec
from tests.losses.cases import CASES, K, rows, soft

SOFT = {name: case for name, case in CASES.items() if case.entry.soft}
EVERY = pytest.mark.parametrize("case", SOFT.values(), ids=SOFT)
INF = math.inf
LOGITS = arrays(np.float64, (5, K), elements=st.integers(-6, 6).map(float) | st.floats(-40, 40))
LABELS = arrays(np.float64, (5, K), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0]))


def autograd(case, logits, labels):
    logits = logits.clone().requires_grad_()
    found = case.terms(logits, labels)
    found.total.sum().backward()
    return [part.detach() for part in found], logits.grad


@EVERY
def test_one_hot_is_the_class_number(case):
    logits, labels = rows()
    one_hot = torch.nn.functional.one_hot(labels, K).double()
    (expected, slope), (found, soft_slope) = autograd(case, logits, labels), autograd(case, logits, one_hot)
    closed = case.gradient(logits, one_hot)
    for one, other, third in zip(expected, found, closed.terms, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(one, third, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(slope, soft_slope, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(slope, closed.gradient, rtol=1e-13, atol=1e-13)


@EVERY
@settings(max_examples=20)
@given(logits=LOGITS, labels=LABELS)
def test_closed_form_is_what_autograd_gives(case, logits, labels):
    logits, labels = torch.from_numpy(logits), torch.from_numpy(labels)
    expected, slope = autograd(case, logits, labels)
    found = case.gradient(logits, labels)
    np.testing.assert_allclose(found.gradient, slope, rtol=1e-10, atol=1e-10)
    for one, other in zip(found.terms, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "name", [name for name, case in SOFT.items() if case.name not in {"brier", "mdca", "mbls_dice"}]
)
def test_loss_is_the_mean_over_the_classes_weighted_by_the_label(name):
    """Of the others, each has a test of its own."""
    (logits, _), labels, case = rows(), soft(), SOFT[name]
    each = torch.stack([case.terms(logits, torch.full((len(logits),), j)).total for j in range(K)], dim=-1)
    torch.testing.assert_close(case.terms(logits, labels).total, (labels * each).sum(-1))


@pytest.mark.parametrize("total", [1.0, 2.0])
def test_cross_entropy_and_label_smoothing_are_those_of_torch(total):
    logits, labels = rows()[0], soft() * total
    for name, smoothing in (("ce", 0.0), ("ls", 0.1)):
        mine, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
        found = CASES[name].terms(mine, labels).total.mean()
        found.backward()
        if smoothing:  # torch smooths with what sums to 1, whatever the label sums to
            expected = total * torch.nn.functional.cross_entropy(theirs, labels / total, label_smoothing=smoothing)
        else:
            expected = torch.nn.functional.cross_entropy(theirs, labels)
        expected.backward()
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-12, atol=1e-12)


@EVERY
def test_masked_classes_of_weight_0_add_nothing(case):
    logits, labels = rows()[0], soft()
    logits[:, 1] = -INF
    labels[:, 1] = 0.0
    found, slope = autograd(case, logits, labels)
    assert all(part.isfinite().all() for part in found)
    assert slope.isfinite().all()
    assert (slope[:, 1] == 0).all()
    closed = case.gradient(logits, labels)
    torch.testing.assert_close(closed.gradient, slope)
    torch.testing.assert_close(closed.terms.total, found[0])


@EVERY
def test_nan_is_never_hidden(case):
    logits = torch.tensor([[1.0, math.nan, 0.0, 2.0], [1.0, INF, 0.0, 2.0]])
    labels = torch.tensor([[1.0, 0, 0, 0], [0.5, 0, 0.5, 0]])
    assert case.terms(logits, labels).total.isnan().all()
    assert case.gradient(logits, labels).terms.total.isnan().all()


@EVERY
def test_labels_of_another_precision_keep_that_of_the_logits(case):
    logits, labels = rows(dtype=torch.float32)[0], soft()
    expected = case.gradient(logits, labels.float())
    for found in (case.terms(logits, labels), case.gradient(logits, labels).terms):
        assert found.total.dtype == torch.float32
        torch.testing.assert_close(found.total, expected.terms.total)
    assert case.gradient(logits, labels).gradient.dtype == torch.float32
    low = case.terms(logits.bfloat16(), labels.bfloat16()).total
    assert low.dtype == torch.float32


def test_heads_side_by_side():
    names = [name for name, entry in LOSS_TABLE.items() if entry.soft]
    losses = [LossSpec(name) for name in names]
    logits = torch.stack([rows(seed=seed)[0] for seed in range(len(losses))], dim=1)
    labels, share = soft(), torch.linspace(0.1, 2.0, len(logits), dtype=torch.float64)
    together = HeadLosses(losses, K, torch.device("cpu"), torch.float64)
    values, slope = together.value_and_slope(logits, labels, share)
    for i, loss in enumerate(losses):
        alone = HeadLosses([loss], K, torch.device("cpu"), torch.float64)
        value, own = alone.value_and_slope(logits[:, i : i + 1], labels, share)
        torch.testing.assert_close(values[i : i + 1], value)
        torch.testing.assert_close(slope[:, i : i + 1], own)
    each = -(labels * logits[:, 0].log_softmax(-1)).sum(-1)
    torch.testing.assert_close(values[0], (share * each).mean())
