"""Class weights, alpha of the focal loss, and soft labels in the modules, beside torch's cross entropy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import CrossEntropyLoss

from calibeval.losses import CALS, CrossEntropy, FocalLoss, LabelSmoothing, MbLS
from tests.losses.cases import BY_ROW, CASES, K, rows, soft

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
SOFT = {name: case for name, case in CASES.items() if case.entry.soft}
TAKES_SOFT = pytest.mark.parametrize("case", SOFT.values(), ids=SOFT)
REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
WEIGHT = [0.5, 2.0, 0.0, 1.25]
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def pixels(n=2, h=3, w=5):
    logits, labels = rows(n * h * w)
    given = soft(n * h * w)
    return tuple(values.reshape(n, h, w, K).movedim(-1, 1) for values in (logits, given)), labels.reshape(n, h, w)


def loss_and_slope(criterion, logits, labels):
    logits = logits.detach().clone().requires_grad_()
    loss = criterion(logits, labels)
    (loss * torch.linspace(0.5, 1.5, loss.numel(), dtype=loss.dtype).reshape(loss.shape)).sum().backward()
    return loss.detach(), logits.grad


def same(mine, theirs, logits, labels):
    for one, other in zip(loss_and_slope(mine, logits, labels), loss_and_slope(theirs, logits, labels), strict=True):
        torch.testing.assert_close(one, other, **CLOSE)


@REDUCTIONS
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", ["numbers", "ignored", "soft"])
@pytest.mark.parametrize("weighted", [True, False])
def test_cross_entropy_and_label_smoothing_are_those_of_torch(reduction, smoothing, kind, weighted):
    weight = torch.tensor(WEIGHT, dtype=torch.float64) if weighted else None
    (logits, given), labels = pixels()
    if kind == "ignored":
        labels = torch.where(torch.arange(30).reshape(labels.shape) % 3 > 0, labels, 255)
    more = {"weight": weight, "reduction": reduction} | ({"ignore_index": 255} if kind == "ignored" else {})
    mine = LabelSmoothing(smoothing, **more) if smoothing else CrossEntropy(**more)
    same(mine, CrossEntropyLoss(label_smoothing=smoothing, **more), logits, given if kind == "soft" else labels)


def test_weights_of_a_target_that_spreads_over_the_others():
    # Targets of label 0: 1 - .3 for it, .15 for each other class.
    logits = torch.tensor([[2.0, 0.0, 1.0]], dtype=torch.float64)
    criterion = LabelSmoothing(0.3, "others", weight=[1.0, 2.0, 4.0], reduction="sum")
    target = np.array([0.7, 0.15, 0.15]) * [1.0, 2.0, 4.0]
    expected = float(-(target * logits.log_softmax(-1).numpy()).sum())
    for labels in (torch.tensor([0]), torch.tensor([[1.0, 0.0, 0.0]])):
        assert criterion(logits, labels).item() == pytest.approx(expected)


@EVERY
@REDUCTIONS
def test_weights_of_1_change_nothing(case, reduction):
    logits, labels = rows()
    same(case.make(weight=[1.0] * K, reduction=reduction), case.make(reduction=reduction), logits, labels)
    if case.entry.soft:
        for total in (1.0, 2.0, 0.5):
            weighted, plain = case.make(weight=[1.0] * K, reduction=reduction), case.make(reduction=reduction)
            same(weighted, plain, logits, soft() * total)


@pytest.mark.parametrize(
    "case", [case for case in BY_ROW.values() if case.name != "ls"], ids=[n for n in BY_ROW if n[:2] != "ls"]
)
def test_each_row_counts_as_the_weight_of_its_label(case):
    logits, labels = rows()
    labels[:5] = 255
    weight = torch.tensor(WEIGHT, dtype=torch.float64)
    each = case.make(ignore_index=255, reduction="none")(logits, labels)
    own = torch.where(labels == 255, 0.0, weight[labels % 255])
    more = {"weight": weight, "ignore_index": 255}
    torch.testing.assert_close(case.make(reduction="none", **more)(logits, labels), own * each)
    torch.testing.assert_close(case.make(reduction="sum", **more)(logits, labels), (own * each).sum())
    torch.testing.assert_close(case.make(**more)(logits, labels), (own * each).sum() / own.sum())


@TAKES_SOFT
@pytest.mark.parametrize("reduction", ["sum", "none"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_one_hot_is_the_class_number(case, reduction, weight):
    (logits, _), labels = pixels()
    one_hot = torch.nn.functional.one_hot(labels, K).movedim(-1, 1).double()
    criterion = case.make(reduction=reduction, weight=weight)
    found, expected = loss_and_slope(criterion, logits, one_hot), loss_and_slope(criterion, logits, labels)
    torch.testing.assert_close(found, expected, **CLOSE)


@TAKES_SOFT
def test_mean_over_soft_labels_is_over_the_rows(case):
    logits, labels = rows()[0], soft()
    for weight in (None, WEIGHT):
        each = case.make(reduction="none", weight=weight)(logits, labels)
        torch.testing.assert_close(case.make(weight=weight)(logits, labels), each.mean())
        torch.testing.assert_close(case.make(reduction="sum", weight=weight)(logits, labels), each.sum())
        terms = case.make(weight=weight).terms(logits, labels)
        torch.testing.assert_close(terms.cross_entropy + terms.penalty, terms.total)


@TAKES_SOFT
def test_soft_pixels_are_rows(case):
    (logits, given), _ = pixels()
    loss, slope = loss_and_slope(case.make(weight=WEIGHT), logits, given)
    flat = [values.movedim(1, -1).reshape(-1, K) for values in (logits, given)]
    expected, flat_slope = loss_and_slope(case.make(weight=WEIGHT), *flat)
    if not case.entry.imagewise:
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(slope.movedim(1, -1).reshape(-1, K), flat_slope)
    assert case.make(reduction="none")(logits, given).shape == (2, 3, 5)


def test_no_weight_left_is_0():
    logits, labels = rows()
    criterion = CrossEntropy(weight=[1.0, 1.0, 0.0, 1.0])
    loss, slope = loss_and_slope(criterion, logits, torch.full_like(labels, 2))
    assert loss.item() == 0
    assert (slope == 0).all()


def test_margin_penalty_counts_as_the_label_by_hand():
    # d = (0, 8): the penalty of MbLS is .1 (8 - 6) / 2 = .1; the soft label weighs .25 * 2 + .75 * 4 = 3.5.
    terms = MbLS(6.0, 0.1, weight=[2.0, 4.0]).terms(torch.tensor([[8.0, 0.0]]), torch.tensor([[0.25, 0.75]]))
    assert terms.penalty.item() == pytest.approx(0.35)
    log = np.log1p(np.exp(-8.0))
    assert terms.cross_entropy.item() == pytest.approx(0.5 * log + 3.0 * (8.0 + log))


def test_alpha_of_the_focal_loss():
    logits, labels = rows()
    alpha = [0.25, 1.0, 0.0, 3.0]
    each = FocalLoss(2.0, reduction="none")(logits, labels)
    own = torch.tensor(alpha, dtype=torch.float64)[labels]
    torch.testing.assert_close(FocalLoss(2.0, alpha=alpha)(logits, labels), (own * each).mean())
    torch.testing.assert_close(FocalLoss(2.0, alpha=0.25)(logits, labels), 0.25 * each.mean())
    terms = FocalLoss(2.0, alpha=torch.tensor(alpha)).terms(logits, labels)
    torch.testing.assert_close(terms.cross_entropy, torch.nn.functional.cross_entropy(logits, labels))
    one_hot = torch.nn.functional.one_hot(labels, K).double()
    criterion = FocalLoss(2.0, alpha=alpha, weight=WEIGHT, reduction="none")
    torch.testing.assert_close(
        loss_and_slope(criterion, logits, one_hot), loss_and_slope(criterion, logits, labels), **CLOSE
    )
    assert "alpha=(4,)" in repr(criterion)


@pytest.mark.parametrize("labels", [rows()[1], soft()], ids=["numbers", "soft"])
def test_alpha_in_closed_form(labels):
    logits = rows()[0].requires_grad_()
    settings = {"gamma": 0.5, "alpha": torch.tensor([0.25, 1.0, 0.0, 3.0], dtype=torch.float64)}
    entry = CASES["focal-3"].entry
    expected = entry.terms(logits, labels, **settings)
    expected.total.sum().backward()
    found = entry.gradient(logits, labels, **settings)
    torch.testing.assert_close(found.gradient, logits.grad, **CLOSE)
    torch.testing.assert_close(tuple(found.terms), tuple(part.detach() for part in expected), **CLOSE)


def test_weights_are_a_buffer():
    criterion = CALS(K, weight=torch.tensor(WEIGHT, dtype=torch.float64))
    assert criterion.state_dict()["weight"].tolist() == WEIGHT
    assert criterion.to(torch.float32).weight.dtype == torch.float32
    assert "weight" not in CALS(K).state_dict()
    again = CALS(K, weight=[1.0] * K)
    again.load_state_dict(criterion.state_dict())
    assert again.weight.tolist() == WEIGHT
    assert FocalLoss(alpha=WEIGHT).state_dict()["alpha"].tolist() == WEIGHT
    assert repr(CrossEntropy(weight=WEIGHT)).startswith("CrossEntropy(weight=(4,), ignore_index=-100")
    logits, labels = rows()
    assert CrossEntropy(weight=WEIGHT)(logits, labels).dtype == torch.float64
    assert CrossEntropy(weight=WEIGHT)(logits.bfloat16(), labels).dtype == torch.float32


@TAKES_SOFT
@REDUCTIONS
def test_no_value_is_read_back_from_the_device(case, reduction):
    logits = torch.zeros(8, K, 3, 3, device="meta", requires_grad=True)
    criterion = case.make(reduction=reduction, weight=WEIGHT).to("meta")
    for labels in (torch.zeros(8, K, 3, 3, device="meta"), torch.zeros(8, 3, 3, dtype=torch.int64, device="meta")):
        loss = criterion(logits, labels)
        loss.sum().backward()
        assert loss.shape == ((8, 3, 3) if reduction == "none" else ())


LOGITS, LABELS = torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)
REFUSED = [
    (lambda: CrossEntropy(weight=[1, 2, 3])(LOGITS, LABELS), ValueError, "logits: 2 classes, but weight has 3"),
    (lambda: FocalLoss(alpha=[1, 2, 3])(LOGITS, LABELS), ValueError, "logits: 2 classes, but alpha has 3"),
    (
        lambda: CrossEntropy(weight=[1, 2])(LOGITS.to("meta"), LABELS.to("meta")),
        ValueError,
        'logits: on meta, but weight is on cpu: call .to("meta") of the loss once',
    ),
    (
        lambda: CrossEntropy(weight=[1, -2]),
        ValueError,
        "weight: -2 for class 1, expected finite numbers of at least 0",
    ),
    (
        lambda: MbLS(weight=[float("nan"), 1]),
        ValueError,
        "weight: nan for class 0, expected finite numbers of at least 0",
    ),
    (
        lambda: CrossEntropy(weight=torch.ones(2, 2)),
        ValueError,
        "weight: shape (2, 2), expected (k,): a number for each of two or more classes",
    ),
    (
        lambda: CrossEntropy(weight=2.0),
        ValueError,
        "weight: shape (), expected (k,): a number for each of two or more classes",
    ),
    (lambda: CrossEntropy(weight=["a", "b"]), TypeError, "weight: list, expected a number for each class"),
    (lambda: CrossEntropy(weight=[True, False]), TypeError, "weight: bool, expected a number for each class"),
    (lambda: FocalLoss(alpha=-1), ValueError, "alpha: -1, expected a number of at least 0, and finite"),
    (lambda: FocalLoss(alpha=[0.1, -1]), ValueError, "alpha: -1 for class 1, expected finite numbers of at least 0"),
    (
        lambda: MbLS()(LOGITS, LABELS.float()),
        ValueError,
        (
            "labels: float32 of shape (3,), expected soft labels of shape (3, 2), as the logits, or class numbers of "
            "an integer type, such as int64, of shape (3,)"
        ),
    ),
    (
        lambda: MbLS()(LOGITS, LOGITS.long()),
        ValueError,
        "labels: shape (3, 2), expected (3,) for logits of shape (3, 2); soft or one-hot labels have a floating type",
    ),
]


@pytest.mark.parametrize(("run", "kind", "message"), REFUSED, ids=[case[2][:40] for case in REFUSED])
def test_what_does_not_fit_is_refused(run, kind, message):
    with pytest.raises(kind) as error:
        run()
    assert str(error.value) == message


def test_an_update_of_cals_ignores_no_soft_label():
    logits, alone, pairs = rows()[0], CALS(K, 2.0), CALS(K, 2.0, weight=WEIGHT)
    alone.update([logits])
    pairs.update([(logits, soft())])
    assert torch.equal(alone.lambd, pairs.lambd)
