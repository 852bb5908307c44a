"""The modules in a training loop: shapes, ignored rows, precision, what is refused."""

from __future__ import annotations

import pytest
import torch

from calibeval.losses import CALS, LOSSES, CrossEntropy, FocalLoss, LabelSmoothing, MbLS
from calibeval.losses.table import LOSS_TABLE
from tests.losses.cases import CASES, K, rows

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def pixels(n=2, h=3, w=5):
    logits, labels = rows(n * h * w)
    return logits.reshape(n, h, w, K).movedim(-1, 1).contiguous(), labels.reshape(n, h, w)


def loss_and_slope(criterion, logits, labels):
    logits = logits.detach().clone().requires_grad_()
    loss = criterion(logits, labels)
    loss.sum().backward()
    return loss.detach(), logits.grad


@EVERY
def test_mean_sum_and_none(case):
    logits, labels = rows()
    each = case.terms(logits, labels).total
    torch.testing.assert_close(case.make()(logits, labels), each.mean())
    torch.testing.assert_close(case.make(reduction="sum")(logits, labels), each.sum())
    torch.testing.assert_close(case.make(reduction="none")(logits, labels), each)


@EVERY
def test_terms_add_up(case):
    logits, labels = rows()
    found = case.make().terms(logits, labels)
    torch.testing.assert_close(found.cross_entropy + found.penalty, found.total)
    torch.testing.assert_close(found.total, case.make()(logits, labels))
    torch.testing.assert_close(found.cross_entropy, torch.nn.functional.cross_entropy(logits, labels))


@EVERY
def test_pixels_are_rows(case):
    logits, labels = pixels()
    loss, slope = loss_and_slope(case.make(), logits, labels)
    flat, flat_slope = loss_and_slope(case.make(), logits.movedim(1, -1).reshape(-1, K), labels.reshape(-1))
    if not case.entry.imagewise:
        torch.testing.assert_close(loss, flat)
        torch.testing.assert_close(slope.movedim(1, -1).reshape(-1, K), flat_slope)
    assert case.make(reduction="none")(logits, labels).shape == labels.shape


@EVERY
@pytest.mark.parametrize("ignore_index", [-100, 255, 1, -1])
def test_ignored_rows_count_nowhere(case, ignore_index):
    logits, labels = rows()
    labels[labels == ignore_index] = 0
    kept = torch.arange(len(labels)) % 3 > 0
    marked = torch.where(kept, labels, ignore_index)
    loss, slope = loss_and_slope(case.make(ignore_index=ignore_index), logits, marked)
    expected, kept_slope = loss_and_slope(case.make(), logits[kept], labels[kept])
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(slope[kept], kept_slope)
    assert (slope[~kept] == 0).all()
    each = case.make(ignore_index=ignore_index, reduction="none")(logits, marked)
    assert (each[~kept] == 0).all()


@EVERY
def test_one_kept_row_and_none(case):
    logits, labels = pixels()
    nothing = torch.full_like(labels, 255)
    criterion = case.make(ignore_index=255)
    loss, slope = loss_and_slope(criterion, logits, nothing)
    assert loss.item() == 0
    assert (slope == 0).all()
    nothing[1, 2, 3] = 2
    torch.testing.assert_close(criterion(logits, nothing), criterion(logits[1:, :, 2, 3], torch.tensor([2])))


@EVERY
def test_no_rows(case):
    assert case.make()(torch.zeros(0, K), torch.zeros(0, dtype=torch.int64)).item() == 0


@EVERY
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_labels_of_any_integer_type(case, dtype):
    logits, labels = rows()
    torch.testing.assert_close(case.make()(logits, labels.to(dtype)), case.make()(logits, labels))


def test_bytes_with_255_ignored():
    logits, labels = rows()
    marked = torch.where(labels == 3, 255, labels).to(torch.uint8)
    kept = labels != 3
    found = CrossEntropy(ignore_index=255)(logits, marked)
    torch.testing.assert_close(found, CrossEntropy()(logits[kept], labels[kept]))


@EVERY
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_is_computed_in_float32(case, dtype):
    logits, labels = rows()
    low = logits.to(dtype)
    loss, slope = loss_and_slope(case.make(), low, labels)
    expected, wide_slope = loss_and_slope(case.make(), low.float(), labels)
    assert loss.dtype == torch.float32
    assert slope.dtype == dtype
    assert torch.equal(loss, expected)
    assert torch.equal(slope, wide_slope.to(dtype))
    assert torch.equal(case.gradient(low, labels).gradient, case.gradient(low.float(), labels).gradient)


@EVERY
def test_autocast(case):
    features, labels = rows(k=6, scale=1.0, dtype=torch.float32)
    labels = labels % K
    torch.manual_seed(0)
    head = torch.nn.Linear(6, K)
    plain = case.make()(head(features), labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(features)
        loss = case.make()(logits, labels)
    assert logits.dtype == torch.bfloat16
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, plain, rtol=0.02, atol=0.02)
    loss.backward()
    assert head.weight.grad.isfinite().all()


@EVERY
def test_double_stays_double(case):
    logits, labels = rows()
    assert case.make()(logits, labels).dtype == torch.float64


@EVERY
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_no_value_is_read_back_from_the_device(case, reduction):
    # A meta tensor has no values: whatever asked for one, as .item() or a mask as an index do, would fail.
    logits = torch.zeros(8, K, 3, 3, device="meta", requires_grad=True)
    labels = torch.zeros(8, 3, 3, dtype=torch.int64, device="meta")
    criterion = case.make(reduction=reduction, ignore_index=255).to("meta")
    loss = criterion(logits, labels)
    loss.sum().backward()
    assert loss.shape == (labels.shape if reduction == "none" else ())
    assert logits.grad.shape == logits.shape


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.entry.batchwise])
def test_gradients_of_single_rows_by_vmap(name):
    case = CASES[name]
    logits, labels = rows()
    criterion = case.make()

    def one(row, label):
        return criterion(row.unsqueeze(0), label.unsqueeze(0))

    found = torch.func.vmap(torch.func.grad(one))(logits, labels)
    torch.testing.assert_close(found, case.gradient(logits, labels).gradient)


def test_table_makes_every_loss_with_its_defaults():
    for name, loss in LOSSES.items():
        made = LOSS_TABLE[name].make(K)
        assert isinstance(made, loss)
        assert (made.ignore_index, made.reduction) == (-100, "mean")
    assert repr(MbLS()) == "MbLS(margin=10, alpha=0.1, ignore_index=-100, reduction='mean')"
    assert "alpha=0.05, spread='all'" in repr(LabelSmoothing())
    assert "beta=0.1" in repr(LOSSES["ecp"]())
    assert "gamma=3" in repr(FocalLoss())
    assert repr(CALS(3)).startswith("CALS(num_classes=3, margin=10, penalty='phr', normalize=True, ")
    assert repr(CrossEntropy()) == "CrossEntropy(ignore_index=-100, reduction='mean')"


LOGITS, LABELS = torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)
REFUSED = [
    ([[0.0, 1.0]], LABELS, TypeError, "logits: list, expected a tensor (n, k) or (n, k, ...)"),
    (LOGITS.long(), LABELS, TypeError, "logits: int64, expected a floating type"),
    (LOGITS[0], LABELS[0], ValueError, "logits: shape (2,), expected (n, k) or (n, k, ...)"),
    (
        LOGITS[:, :1],
        LABELS,
        ValueError,
        "logits: shape (3, 1) has 1 classes on axis 1, expected 2 or more; pass a single logit z",
    ),
    (LOGITS, [0, 0, 0], TypeError, "labels: list, expected a tensor of class numbers"),
    (LOGITS, LABELS.bool(), TypeError, "labels: bool, expected class numbers"),
    (LOGITS, LABELS[:2], ValueError, "labels: shape (2,), expected (3,) for logits of shape (3, 2)"),
    (LOGITS, LABELS[:, None], ValueError, "labels: shape (3, 1), expected (3,) for logits of shape (3, 2)"),
    (torch.zeros(3, 2, 4), LABELS, ValueError, "labels: shape (3,), expected (3, 4) for logits of shape (3, 2, 4)"),
    (LOGITS, torch.tensor([0, 1, 2]), ValueError, "labels: 2 at [2], but the logits have 2 classes (0 to 1); ignore"),
    (LOGITS, torch.tensor([0, -1, 1]), ValueError, "labels: -1 at [1], but the logits have 2 classes (0 to 1); ignore"),
    (torch.zeros(1, 2, 2), torch.tensor([[0, 9]]), ValueError, "labels: 9 at [0, 1], but"),
]


@pytest.mark.parametrize(("logits", "labels", "kind", "message"), REFUSED, ids=[case[3][:40] for case in REFUSED])
def test_what_does_not_fit_is_refused(logits, labels, kind, message):
    for criterion in (CrossEntropy(), MbLS(), CALS(2)):
        with pytest.raises(kind) as error:
            criterion(logits, labels)
        assert str(error.value).startswith(message)


def test_other_errors_of_torch_come_through():
    with pytest.raises(RuntimeError) as error:
        CrossEntropy()(LOGITS, LABELS.to("meta"))
    assert not isinstance(error.value, ValueError)


BAD = [
    (lambda: MbLS(margin=-1), ValueError, "margin: -1, expected a number of at least 0, and finite"),
    (lambda: MbLS(margin=float("nan")), ValueError, "margin: nan, expected a number of at least 0, and finite"),
    (lambda: MbLS(margin=float("inf")), ValueError, "margin: inf, expected a number of at least 0, and finite"),
    (lambda: MbLS(margin="6"), TypeError, "margin: str '6', expected a number"),
    (lambda: MbLS(margin=True), TypeError, "margin: bool True, expected a number"),
    (lambda: MbLS(alpha=-0.1), ValueError, "alpha: -0.1, expected a number of at least 0, and finite"),
    (lambda: LabelSmoothing(1.5), ValueError, "alpha: 1.5, expected a number from 0 to 1"),
    (lambda: LabelSmoothing(-0.5), ValueError, "alpha: -0.5, expected a number from 0 to 1"),
    (
        lambda: LabelSmoothing(spread="other"),
        ValueError,
        """spread: 'other', expected one of "all", "others" (did you mean "others"?)""",
    ),
    (lambda: LOSSES["ecp"](-1.0), ValueError, "beta: -1.0, expected a number of at least 0, and finite"),
    (lambda: FocalLoss(-1.0), ValueError, "gamma: -1.0, expected a number of at least 0, and finite"),
    (
        lambda: CrossEntropy(reduction="average"),
        ValueError,
        """reduction: 'average', expected one of "mean", "sum", "none\"""",
    ),
    (lambda: CrossEntropy(ignore_index=None), TypeError, "ignore_index: NoneType None, expected a whole number"),
    (lambda: CrossEntropy(ignore_index=2.0), TypeError, "ignore_index: float 2.0, expected a whole number"),
]


@pytest.mark.parametrize(("make", "kind", "message"), BAD, ids=[case[2] for case in BAD])
def test_arguments_that_cannot_work(make, kind, message):
    with pytest.raises(kind) as error:
        make()
    assert str(error.value) == message
