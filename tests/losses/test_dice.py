"""Margin and Dice by hand: images count alike, ignored pixels do not take part, absent classes, heads side by side."""

from __future__ import annotations

import math

import pytest
import torch

from calibeval.losses import MbLS, MbLSDice
from calibeval.losses.dice import image_shares, mbls_dice_gradient, mbls_dice_terms
from calibeval.training.head_losses import HeadLosses
from calibeval.training.spec import LossSpec
from tests.losses.cases import K, rows, soft

WEIGHT = [0.5, 2.0, 0.0, 1.25]
WHOLE = torch.linspace(0.1, 2.0, 40, dtype=torch.float64)


def one_hot(labels):
    return torch.nn.functional.one_hot(labels, K).double()


def missed(probs, truth, counts, *, smooth=1e-5, first=1):
    """The Dice of one image as the paper writes it: probabilities and labels (n, k), and how often a row is there."""
    counts = counts[:, None]
    both, found, true = ((counts * x).sum(0)[first:] for x in (probs * truth, probs, truth))
    return (1 - (2 * both + smooth) / (found + true + smooth)).mean()


def image(logits, labels, *shape):
    """Rows as images (n, k, ...) and (n, ...)."""
    return logits.reshape(*shape, K).movedim(-1, 1), labels.reshape(shape)


def test_value_by_hand():
    # Of class 1: shared .5 + .8, all probabilities 2, labels 2: 1 - (2.6 + 1) / (4 + 1) = .28.
    probs = torch.tensor([[0.5, 0.5], [0.2, 0.8], [0.3, 0.7]], dtype=torch.float64)
    logits, labels = probs.log().T[None], torch.tensor([[1, 1, 0]])
    terms = MbLSDice(alpha=0.0, smooth=1.0).terms(logits, labels)
    assert terms.penalty.item() == pytest.approx(0.28)
    assert terms.cross_entropy.item() == pytest.approx(-math.log(0.5 * 0.8 * 0.3) / 3)
    # Of class 0: shared .3, probabilities 1, labels 1: 1 - 1.6 / 3.
    both = MbLSDice(alpha=0.0, smooth=1.0, dice=2.0, background=True).terms(logits, labels)
    assert both.penalty.item() == pytest.approx(0.28 + 1 - 1.6 / 3)


def test_the_other_terms_are_those_of_mbls():
    logits, labels = image(*rows(24), 2, 3, 4)
    plain, both = MbLS(1.0, 0.3).terms(logits, labels), MbLSDice(1.0, 0.3).terms(logits, labels)
    dice = MbLSDice(1.0, 0.0).terms(logits, labels).penalty
    torch.testing.assert_close(both.cross_entropy, plain.cross_entropy)
    torch.testing.assert_close(both.penalty, plain.penalty + dice)
    assert MbLSDice(1.0, 0.3, dice=0.0)(logits, labels) == plain.total


@pytest.mark.parametrize("shape", [(2, 12), (2, 3, 4), (2, 2, 3, 2)])
def test_images_count_alike_whatever_their_number_of_labelled_pixels(shape):
    logits, labels = rows(24)
    marked = labels.clone()
    marked[2:11] = 255  # three pixels of the first image are left
    found = MbLSDice(alpha=0.0, ignore_index=255).terms(*image(logits, marked, *shape)).penalty
    probs, kept = logits.softmax(-1), (marked != 255).double()
    each = [missed(probs[i : i + 12], one_hot(labels)[i : i + 12], kept[i : i + 12]) for i in (0, 12)]
    torch.testing.assert_close(found, torch.stack(each).mean())


def test_an_image_without_labels_does_not_count_and_gets_no_gradient():
    logits, labels = image(*rows(24), 2, 3, 4)
    labels[0] = -100
    logits = logits.clone()
    logits[0, :, 0, 0] = math.nan  # of an ignored pixel
    logits.requires_grad_()
    loss = MbLSDice(1.0, 0.3)(logits, labels)
    loss.backward()
    torch.testing.assert_close(loss, MbLSDice(1.0, 0.3)(logits[1:], labels[1:]))
    assert (logits.grad[0, :, 0, 1:] == 0).all()
    assert (logits.grad[1] != 0).any()


def test_nothing_but_ignored_pixels_is_a_loss_of_0():
    logits, labels = image(*rows(24), 2, 3, 4)
    logits.requires_grad_()
    loss = MbLSDice()(logits, torch.full_like(labels, -100))
    loss.backward()
    assert loss.item() == 0.0
    assert (logits.grad == 0).all()


def test_an_absent_class_costs_nearly_1_unless_its_probabilities_are_nearly_0():
    labels = torch.zeros(1, 3, 4, dtype=torch.int64)
    flat = torch.zeros(1, 2, 3, 4, dtype=torch.float64)
    assert MbLSDice(alpha=0.0).terms(flat, labels).penalty.item() == pytest.approx(1 - 1e-5 / 6, rel=1e-6)
    flat[:, 1] = -60.0
    assert MbLSDice(alpha=0.0).terms(flat, labels).penalty.item() == pytest.approx(0.0, abs=1e-12)


def test_class_weights_count_pixels_several_times():
    logits, labels = rows(24)
    criterion = MbLSDice(1.0, 0.0, weight=WEIGHT)
    found = criterion.terms(*image(logits, labels, 1, 24)).penalty
    counts = torch.tensor(WEIGHT, dtype=torch.float64)[labels]
    torch.testing.assert_close(found, missed(logits.softmax(-1), one_hot(labels), counts))


def test_soft_labels():
    logits, labels = rows()[0], soft()
    expected = missed(logits.softmax(-1), labels, torch.ones(40, dtype=torch.float64))
    found = MbLSDice(alpha=0.0).terms(logits.T[None], labels.T[None]).penalty
    torch.testing.assert_close(found, expected)
    hard = rows()[1]
    torch.testing.assert_close(MbLSDice()(logits, one_hot(hard)), MbLSDice()(logits, hard))


def test_rows_without_positions_are_one_image():
    logits, labels = rows()
    assert MbLSDice()(logits, labels) == MbLSDice()(*image(logits, labels, 1, 40))


def test_reductions():
    logits, labels = image(*rows(24), 2, 3, 4)
    labels[0, :2] = -100
    each = MbLSDice(reduction="none")(logits, labels)
    assert each.shape == (2, 3, 4)
    assert (each[0, :2] == 0).all()
    torch.testing.assert_close(MbLSDice(reduction="sum")(logits, labels), each.sum())
    torch.testing.assert_close(MbLSDice()(logits, labels), each.sum() / 16)


@pytest.mark.parametrize("share", [None, WHOLE])
@pytest.mark.parametrize("labels", [rows()[1], soft()], ids=["numbers", "soft"])
def test_heads_have_dice_of_their_own_and_rows_weights(share, labels):
    losses = [LossSpec("mbls_dice", {"margin": 1.0, "alpha": alpha}) for alpha in (0.0, 0.5)]
    logits = torch.stack([rows(seed=seed)[0] for seed in range(2)], dim=1)
    heads = HeadLosses(losses, K, torch.device("cpu"), torch.float64)
    values, slope = heads.value_and_slope(logits, labels, share)
    counts = torch.ones(40, dtype=torch.float64) if share is None else share
    truth = labels if labels.is_floating_point() else one_hot(labels)
    for i, alpha in enumerate((0.0, 0.5)):
        own = logits[:, i].clone().requires_grad_()
        plain = MbLS(1.0, alpha, reduction="none")(own, labels)
        loss = ((counts * plain).sum() + counts.sum() * missed(own.softmax(-1), truth, counts)) / 40
        loss.backward()
        torch.testing.assert_close(values[i], loss.detach())
        torch.testing.assert_close(slope[:, i], own.grad)


def test_images_side_by_side_in_closed_form():
    logits, labels = rows(24)
    logits, labels = logits.reshape(2, 12, K), labels.reshape(2, 12)
    both = mbls_dice_gradient(logits, labels, margin=1.0, alpha=0.3, batch=(1,))
    for i in range(2):
        alone = mbls_dice_gradient(logits[i], labels[i], margin=1.0, alpha=0.3)
        torch.testing.assert_close(both.gradient[i], alone.gradient)
        torch.testing.assert_close(both.terms.total[i], alone.terms.total)


def test_float16_is_computed_in_float32():
    logits, labels = image(*rows(24), 2, 3, 4)
    half = MbLSDice()(logits.half(), labels)
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(MbLSDice()(logits.half().double(), labels).item(), rel=1e-6)


def test_shares_of_images():
    assert image_shares(torch.tensor([[2.0], [2.0]])).tolist() == [[1.0], [1.0]]
    assert image_shares(torch.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    shares = image_shares(torch.tensor([1.0, 3.0, 0.0, 8.0]))
    assert [float(x) for x in shares] == pytest.approx([4.0, 4.0 / 3, 0.0, 0.5])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dice": -1.0}, "dice: -1.0, expected a number of at least 0, and finite"),
        ({"smooth": 0.0}, "smooth: 0.0, expected a number above 0, and finite"),
        ({"background": 1}, "background: int 1, expected True or False"),
    ],
)
def test_arguments_are_checked(settings, said):
    with pytest.raises((TypeError, ValueError)) as error:
        MbLSDice(**settings)
    assert str(error.value) == said
    assert repr(MbLSDice()).startswith("MbLSDice(margin=10, alpha=0.1, dice=1, background=False, smooth=1e-05, ")


def test_terms_can_be_differentiated():
    logits, labels = rows(6, scale=1.0)
    assert torch.autograd.gradcheck(
        lambda z: mbls_dice_terms(z, labels, margin=0.5, alpha=0.3, smooth=0.1).total.sum(), logits.requires_grad_()
    )
