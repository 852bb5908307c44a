"""Losses of rows beside plain numpy and autograd: ties, masked classes, candidates side by side."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibeval.losses import terms
from calibeval.losses.table import LOSS_TABLE
from tests.losses.cases import BY_ROW, CASES, LAMBD, RHO, Case, K, rows

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
INF = math.inf
# Integers make ties, and distances that equal the margin of 2.
LOGITS = arrays(np.float64, (5, K), elements=st.integers(-6, 6).map(float) | st.floats(-40, 40))
LABELS = arrays(np.int64, 5, elements=st.integers(0, K - 1))


def autograd(case, logits, labels):
    """The terms, and the gradient that autograd finds."""
    logits = logits.clone().requires_grad_()
    found = case.terms(logits, labels)
    found.total.sum().backward()
    return [part.detach() for part in found], logits.grad


@EVERY
@settings(max_examples=20)
@given(logits=LOGITS, labels=LABELS)
def test_terms_are_the_papers_formulas(case, logits, labels):
    found = case.terms(torch.from_numpy(logits), torch.from_numpy(labels))
    total = found.total.mean() if case.entry.batchwise else found.total
    np.testing.assert_allclose(total, case.by_hand(logits, labels), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.cross_entropy + found.penalty, found.total, rtol=1e-12, atol=1e-12)


@EVERY
@settings(max_examples=20)
@given(logits=LOGITS, labels=LABELS)
def test_closed_form_is_what_autograd_gives(case, logits, labels):
    logits, labels = torch.from_numpy(logits), torch.from_numpy(labels)
    expected, slope = autograd(case, logits, labels)
    found = case.gradient(logits.requires_grad_(), labels)
    assert not found.gradient.requires_grad
    np.testing.assert_allclose(found.gradient, slope, rtol=1e-10, atol=1e-10)
    for one, other in zip(found.terms, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@EVERY
def test_gradcheck(case):
    if case.name == "acls":  # where it takes the top logit as a constant, it has no such slope
        case = Case("acls", {**case.settings, "neg_lambda": 0.0}, None)
    logits, labels = rows(6, scale=4.0)
    if case.name == "flsd":  # its steps are no slope
        assert (terms.flsd_gamma(terms.cross_entropy_terms(logits, labels).total) == 5).any()
    assert torch.autograd.gradcheck(lambda z: case.terms(z, labels).total, logits.requires_grad_())


@EVERY
def test_logits_are_left_as_they_were(case):
    logits, labels = rows()
    before = logits.clone()
    case.terms(logits, labels)
    case.gradient(logits, labels)
    assert torch.equal(logits, before)


@EVERY
def test_saturated_rows_stay_finite(case):
    logits = torch.tensor([[300.0, 0, 0, 0], [0, 1e4, 0, 0], [0, 0, 0, 0]], dtype=torch.float32)
    for labels in (torch.tensor([0, 1, 2]), torch.tensor([1, 0, 3])):
        found, slope = autograd(case, logits, labels)
        assert all(part.isfinite().all() for part in found)
        assert slope.isfinite().all()
        torch.testing.assert_close(case.gradient(logits, labels).gradient, slope, rtol=1e-5, atol=1e-6)


def test_all_of_the_gradient_goes_to_the_first_of_equal_tops_in_mbls():
    # d = (0, 0, 6, 0) with k = 4, margin 2, alpha 1: class 2 is drawn up by 1/4, and class 0 alone down.
    logits, label = torch.tensor([[6.0, 6.0, 0.0, 6.0]], requires_grad=True), torch.tensor([0])
    terms.mbls_terms(logits, label, margin=2.0, alpha=1.0).penalty.sum().backward()
    assert logits.grad.tolist() == [[0.25, 0.0, -0.25, 0.0]]


def test_gradient_is_split_over_equal_tops_in_cals():
    # h = (-2, -2, 4, 6) without normalize; the slopes with lambd 0 and rho 1 are (0, 0, 4, 6), over k = 4.
    logits, label = torch.tensor([[6.0, 6.0, 0.0, -2.0]], requires_grad=True), torch.tensor([0])
    found = terms.cals_terms(logits, label, margin=2.0, lambd=0.0, rho=1.0, normalize=False)
    found.penalty.sum().backward()
    assert logits.grad.tolist() == [[1.25, 1.25, -1.0, -1.5]]


def test_no_gradient_at_the_margin():
    logits, label = torch.tensor([[2.0, 0.0, -1.0]], requires_grad=True), torch.tensor([0])
    terms.mbls_terms(logits, label, margin=2.0, alpha=3.0).penalty.sum().backward()
    assert logits.grad.tolist() == [[1.0, 0.0, -1.0]]


def test_flsd_border():
    # ln(p / (1 - p)) of the label: 1/5 is gamma 3, a little less is gamma 5.
    at = torch.tensor([[math.log(1 / 4), 0.0], [math.log(1 / 4) - 1e-6, 0.0]], dtype=torch.float64)
    found = terms.flsd_terms(at, torch.zeros(2, dtype=torch.int64)).total / -math.log(0.2)
    np.testing.assert_allclose(found, [0.8**3, 0.8**5], rtol=1e-5)
    assert terms.flsd_gamma(torch.tensor([-math.log(0.2) + 1e-6, -math.log(0.2) - 1e-6])).tolist() == [5.0, 3.0]


def test_spreads_are_one_family():
    logits, labels = rows(k=5)
    others = terms.label_smoothing_terms(logits, labels, alpha=0.1 * 4 / 5, spread="others")
    torch.testing.assert_close(others.total, terms.label_smoothing_terms(logits, labels, alpha=0.1).total)


@EVERY
def test_masked_classes_add_nothing(case):
    logits, labels = rows()
    labels[labels == 1] = 0
    masked = logits.clone()
    masked[:, 1] = -INF
    found, slope = autograd(case, masked, labels)
    assert all(part.isfinite().all() for part in found)
    assert slope.isfinite().all()
    assert (slope[:, 1] == 0).all()
    closed = case.gradient(masked, labels)
    torch.testing.assert_close(closed.gradient, slope)
    torch.testing.assert_close(closed.terms.total, found[0])
    with_three = terms.cross_entropy_terms(logits[:, [0, 2, 3]], labels - (labels > 1).long())
    torch.testing.assert_close(found[1], with_three.total)


@pytest.mark.parametrize("case", [case for name, case in BY_ROW.items() if name.startswith(("mbls", "cals"))])
def test_penalty_of_a_masked_class_is_that_of_no_class(case):
    logits, labels = rows()
    masked = logits.clone()
    masked[:, 1] = -INF
    kept = [0, 2, 3]
    parameters = {
        name: value[kept] if isinstance(value, torch.Tensor) else value for name, value in case.parameters().items()
    }
    fewer = case.entry.terms(logits[:, kept], torch.zeros_like(labels), **parameters)
    torch.testing.assert_close(case.terms(masked, labels).penalty, fewer.penalty * 3 / 4)


@EVERY
def test_masked_label_is_inf_without_a_nan(case):
    logits, labels = torch.tensor([[1.0, -INF, 0.0, 2.0]], dtype=torch.float64), torch.tensor([1])
    found, slope = autograd(case, logits, labels)
    assert found[1].item() == INF
    if case.name == "brier":  # bounded: 1 for the label, and the squares of the others
        assert found[0].item() == pytest.approx(1 + logits[0, [0, 2, 3]].softmax(0).square().sum().item())
    else:
        assert found[0].item() == INF
    assert not found[2].isnan().any()
    assert slope.isfinite().all()
    closed = case.gradient(logits, labels)
    assert closed.terms.total.item() == found[0].item()
    torch.testing.assert_close(closed.gradient, slope)


@EVERY
def test_nan_is_never_hidden(case):
    logits, labels = torch.tensor([[1.0, math.nan, 0.0, 2.0], [1.0, INF, 0.0, 2.0]]), torch.tensor([0, 0])
    assert case.terms(logits, labels).total.isnan().all()
    assert case.gradient(logits, labels).terms.total.isnan().all()


@pytest.mark.parametrize("case", BY_ROW.values(), ids=BY_ROW)
def test_rows_do_not_know_each_other(case):
    logits, labels = rows()
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(labels)))
    assert torch.equal(case.terms(logits[order], labels[order]).total, case.terms(logits, labels).total[order])
    assert torch.equal(case.gradient(logits[order], labels[order])[1], case.gradient(logits, labels)[1][order])


CANDIDATES = {
    "ce": [{}, {}, {}],
    "ls": [{"alpha": 0.0}, {"alpha": 0.1}, {"alpha": 0.3}],
    "ecp": [{"beta": 0.0}, {"beta": 0.1}, {"beta": 1.0}],
    "focal": [{"gamma": 0.0}, {"gamma": 1.0}, {"gamma": 3.0}],
    "flsd": [{}, {}, {}],
    "dual_focal": [{"gamma": 0.0}, {"gamma": 1.0}, {"gamma": 3.0}],
    "brier": [{}, {}, {}],
    "mbls_dice": [
        {"margin": m, "alpha": a, "dice": d, "smooth": s}
        for m, a, d, s in ((0.0, 0.1, 1.0, 1.0), (2.0, 0.0, 0.5, 1e-5), (6.0, 1.0, 3.0, 0.1))
    ],
    "mdca": [{"beta": b, "gamma": g} for b, g in ((0.0, 2.0), (1.0, 0.0), (5.0, 1.0))],
    "acls": [
        {"margin": m, "alpha": 0.1, "pos_lambda": p, "neg_lambda": 1.0 - p} for m, p in ((0.0, 0), (2.0, 0.7), (6.0, 1))
    ],
    "mbls": [{"margin": m, "alpha": a} for m, a in ((0.0, 0.1), (2.0, 0.1), (6.0, 1.0))],
    "cals_hr": [{"margin": m, "lambd": np.array(LAMBD) * s} for m, s in ((1.0, 1), (2.0, 5), (6.0, 0.1))],
    "cals": [{"margin": m, "lambd": np.array(LAMBD) * s, "rho": RHO} for m, s in ((1.0, 1), (2.0, 5), (6.0, 0.1))],
}


@pytest.mark.parametrize("name", CANDIDATES)
def test_candidates_side_by_side(name):
    labels = rows()[1]
    logits = torch.stack([rows(seed=seed)[0] for seed in range(3)])
    each = CANDIDATES[name]
    parameters = {
        key: torch.tensor(np.array([one[key] for one in each]), dtype=torch.float64).reshape(
            (3, 1, K) if key in {"lambd", "rho"} else (3, 1)
        )
        for key in each[0]
    }
    entry = LOSS_TABLE[name]
    batch = {"batch": (1,)} if entry.batchwise else {}
    together = entry.terms(logits, labels, **parameters, **batch)
    closed = entry.gradient(logits, labels, **parameters, **batch)
    for i, one in enumerate(each):
        alone = {key: torch.tensor(value) if key in {"lambd", "rho"} else value for key, value in one.items()}
        separate = entry.gradient(logits[i], labels, **alone)
        for part, other, expected in zip(together, closed.terms, separate.terms, strict=True):
            torch.testing.assert_close(part[i], expected)
            torch.testing.assert_close(other[i], expected)
        torch.testing.assert_close(closed.gradient[i], separate.gradient)
