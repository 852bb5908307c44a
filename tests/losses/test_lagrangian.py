"""CALS: how its multipliers move, by hand, and that a run goes on where it stopped."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from calibeval.losses import CALS
from calibeval.losses.multipliers import (
    Multipliers,
    MultiplierSchedule,
    constraint_sums,
    next_multipliers,
)
from calibeval.losses.rules import plus
from tests.losses.cases import LAMBD, RHO, rows
from tests.losses.formulas import phi


def by_hand(cals, logits):
    """Mean bounded slope and mean constraint of each class, with loops."""
    low, high = cals.schedule.lambd_min, cals.schedule.lambd_max
    h = (logits.max(axis=1, keepdims=True) - logits - cals.margin) / (cals.margin if cals.normalize else 1.0)
    slopes = [
        [min(max(phi(h[i, k], float(cals.lambd[k]), float(cals.rho[k]), cals.penalty)[1], low), high) for k in range(4)]
        for i in range(len(h))
    ]
    return np.mean(slopes, axis=0), h.mean(axis=0)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("penalty", ["phr", "p2", "p3"])
def test_update_by_hand(penalty, normalize):
    cals = CALS(4, 3.0, penalty, normalize, lambd_min=0.05, lambd_max=1.5, rho_step=1, gamma=2.0, tau=0.5).double()
    previous = None
    for scale in (1.0, 2.0, 0.8, 3.0, 1.0):
        logits = rows()[0] * scale
        slope, constraint = by_hand(cals, logits.numpy())
        rho = cals.rho.tolist()
        if previous is not None:
            stuck = constraint > 0.5 * np.maximum(previous, 0)
            rho = np.clip(np.where(stuck, np.multiply(rho, 2.0), rho), 1.0, 10.0)
        cals.update(logits.split(7))
        np.testing.assert_allclose(cals.lambd, slope, rtol=1e-12)
        np.testing.assert_allclose(cals.rho, rho, rtol=1e-12)
        np.testing.assert_allclose(cals.mean_constraint, constraint, rtol=1e-12)
        previous = constraint
    assert cals.rho.max() > 1.0
    assert cals.epoch.item() == 5


def test_slopes_are_bounded_before_their_mean():
    # Distances of class 1 to the top: 0 and 40 with margin 10, so h = -1 and 3; slopes 0 and 3, the second cut to 1.
    cals = CALS(2, margin=10.0, lambd_max=1.0)
    cals.update([torch.tensor([[0.0, 5.0], [40.0, 0.0]])])
    assert cals.lambd.tolist() == pytest.approx([1e-6, (1e-6 + 1.0) / 2])


def test_steps():
    cals = CALS(2, margin=1.0, lambd_step=2, rho_step=3, gamma=1.5)
    far = [torch.tensor([[5.0, 0.0]])]
    seen = []
    for _ in range(6):
        cals.update(far)
        seen.append((round(cals.lambd[1].item(), 4), round(cals.rho[1].item(), 4)))
    # h of class 1 is 4: lambd grows by 4 rho in every second epoch; rho by half in every third, after lambd.
    assert seen == [(0.0, 1.0), (4.0, 1.0), (4.0, 1.5), (10.0, 1.5), (10.0, 1.5), (16.0, 2.25)]


def test_first_epoch_has_nothing_to_compare_with():
    cals = CALS(2, margin=1.0, rho_step=1)
    cals.update([torch.tensor([[5.0, 0.0]])])
    assert cals.rho.tolist() == [1.0, 1.0]


def test_with_tau_1_the_same_logits_change_no_rho():
    # Means of thirds: where float32 rounds one down, the next mean would be above it.
    for far in torch.arange(40.0):
        cals = CALS(2, margin=1.0, rho_step=1, tau=1.0, normalize=False)
        split = torch.tensor([[2.0 + far, 0.0], [1.0, 0.0], [1.0, 0.0]])
        cals.update([split])
        cals.update([split])
        assert cals.rho.tolist() == [1.0, 1.0]


def test_rho_never_moves_without_steps():
    cals = CALS(2, margin=1.0, rho_step=0, rho_init=3.0)
    for _ in range(12):
        cals.update([torch.tensor([[5.0, 0.0]])])
    assert cals.rho.tolist() == [3.0, 3.0]


def test_defaults_start_at_the_bounds():
    cals = CALS(3)
    assert cals.lambd.tolist() == pytest.approx([1e-6] * 3)
    assert (cals.rho.tolist(), cals.epoch.item(), cals.mean_constraint.tolist()) == ([1.0] * 3, 0, [0.0] * 3)
    started = CALS(3, lambd_init=0.5, rho_init=2.0)
    assert (started.lambd.tolist(), started.rho.tolist()) == ([0.5] * 3, [2.0] * 3)


def test_batches_make_no_difference():
    logits, labels = rows(50, scale=8.0)
    whole, parts, pairs, lists = (CALS(4, margin=3.0).double() for _ in range(4))
    whole.update([logits])
    parts.update(logits.split(7))
    pairs.update(zip(logits.split(7), labels.split(7), strict=True))
    lists.update([part, label] for part, label in zip(logits.split(7), labels.split(7), strict=True))
    for other in (parts, pairs, lists):
        torch.testing.assert_close(other.lambd, whole.lambd, rtol=1e-12, atol=0)
        torch.testing.assert_close(other.mean_constraint, whole.mean_constraint, rtol=1e-12, atol=0)


def test_row_order_makes_no_difference():
    logits = rows(50, scale=8.0)[0]
    one, other = CALS(4, margin=3.0).double(), CALS(4, margin=3.0).double()
    one.update([logits])
    other.update([logits.flip(0)])
    torch.testing.assert_close(one.lambd, other.lambd, rtol=1e-12, atol=0)


@pytest.mark.parametrize("ignored", [255, -100])
def test_ignored_pixels_do_not_move_the_multipliers(ignored):
    logits, labels = rows(60, scale=8.0)
    kept = torch.arange(60) % 4 > 0
    logits[~kept] = math.nan
    marked = torch.where(kept, labels, ignored).reshape(5, 4, 3)
    image = logits.reshape(5, 4, 3, 4).movedim(-1, 1)
    one, other = CALS(4, margin=3.0, ignore_index=ignored).double(), CALS(4, margin=3.0).double()
    one.update([(image, marked)])
    other.update([logits[kept]])
    torch.testing.assert_close(one.lambd, other.lambd, rtol=1e-12, atol=0)
    torch.testing.assert_close(one.mean_constraint, other.mean_constraint, rtol=1e-12, atol=0)


def test_masked_classes_are_not_counted():
    # Class 1 is possible in the second row only: h there is 3, and its slope 3 is not halved.
    cals = CALS(3, margin=10.0)
    cals.update([torch.tensor([[40.0, -math.inf, -math.inf], [40.0, 0.0, -math.inf]])])
    assert cals.lambd.tolist() == pytest.approx([1e-6, 3.0, 1e-6])
    assert cals.mean_constraint.tolist() == [-1.0, 3.0, 0.0]


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_run_goes_on_where_it_stopped(stop):
    splits = [rows(scale=scale)[0] for scale in (2.0, 4.0, 3.5, 5.0, 4.9)]
    settings = {"num_classes": 4, "margin": 3.0, "rho_step": 2, "lambd_step": 2}
    straight, first = CALS(**settings), CALS(**settings)
    for split in splits:
        straight.update([split])
    for split in splits[:stop]:
        first.update([split])
    second = CALS(**settings)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for split in splits[stop:]:
        second.update([split])
    assert set(second.state_dict()) == {"lambd", "rho", "mean_constraint", "epoch"}
    for key, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])


def test_no_gradients_are_recorded():
    weight = torch.ones(2, 2, requires_grad=True)
    seen = []

    def batches():
        logits = torch.tensor([[9.0, 0.0]]) @ weight
        seen.append(logits.requires_grad)
        yield logits

    cals = CALS(2)
    cals.update(batches())
    assert seen == [False]
    assert not cals.lambd.requires_grad


def test_bfloat16_batches():
    logits = rows(scale=8.0)[0].bfloat16()
    one, other = CALS(4, margin=3.0), CALS(4, margin=3.0)
    one.update([logits])
    other.update([logits.float()])
    assert torch.equal(one.lambd, other.lambd)


def test_candidates_move_each_by_itself():
    schedule = MultiplierSchedule(rho_step=1)
    logits = torch.stack([rows(seed=seed, scale=6.0)[0] for seed in range(3)])
    margin = torch.tensor([[1.0], [2.0], [6.0]], dtype=torch.float64)
    lambd = torch.tensor(LAMBD, dtype=torch.float64) * torch.tensor([[1.0], [2.0], [0.5]])
    rho = torch.tensor(RHO, dtype=torch.float64).expand(3, 4)
    sums = constraint_sums(logits, margin=margin, lambd=lambd[:, None], rho=rho[:, None], schedule=schedule)
    now = Multipliers(lambd, rho, torch.zeros(3, 4, dtype=torch.float64), torch.tensor(4))
    together = next_multipliers(now, sums, schedule)
    for i in range(3):
        alone = constraint_sums(logits[i], margin=margin[i].item(), lambd=lambd[i], rho=rho[i], schedule=schedule)
        after = next_multipliers(Multipliers(lambd[i], rho[i], now.mean_constraint[i], now.epoch), alone, schedule)
        for part, expected in zip(together[:3], after[:3], strict=True):
            torch.testing.assert_close(part[i], expected)


def test_sums_add_up():
    logits = rows(scale=8.0)[0]
    settings = {"margin": 3.0, "lambd": 0.5, "rho": 1.5, "schedule": MultiplierSchedule()}
    parts = (constraint_sums(part, **settings)._asdict() for part in (logits[:9], logits[9:]))
    both = plus(*parts)
    for name, expected in constraint_sums(logits, **settings)._asdict().items():
        torch.testing.assert_close(both[name], expected)


def test_next_multipliers_reads_nothing_back_from_the_device():
    k = torch.zeros(3, device="meta")
    now = Multipliers(k, k, k, torch.zeros((), dtype=torch.int64, device="meta"))
    sums = constraint_sums(torch.zeros(5, 3, device="meta"), margin=1.0, lambd=k, rho=k, schedule=MultiplierSchedule())
    assert next_multipliers(now, sums, MultiplierSchedule()).lambd.shape == (3,)


BAD = [
    ({"num_classes": 1}, ValueError, "num_classes: 1, expected a whole number of at least 2"),
    ({"num_classes": 10.0}, TypeError, "num_classes: float 10.0, expected a whole number"),
    ({"margin": -1.0}, ValueError, "margin: -1.0, expected a number of at least 0, and finite"),
    ({"margin": 0}, ValueError, "margin: 0 cannot be normalized; expected a margin above 0, or normalize=False"),
    ({"normalize": "false"}, TypeError, "normalize: str 'false', expected True or False"),
    ({"penalty": "p22"}, ValueError, """penalty: 'p22', expected one of "phr", "p2", "p3" (did you mean "p2"?)"""),
    ({"penalty": "relu"}, ValueError, """penalty: 'relu', expected one of "phr", "p2", "p3\""""),
    ({"lambd_min": -1.0}, ValueError, "lambd_min: -1.0, expected a number of at least 0, and finite"),
    ({"lambd_min": 2.0, "lambd_max": 1.0}, ValueError, "lambd_min: 2 is above lambd_max, 1"),
    ({"lambd_max": math.inf}, ValueError, "lambd_max: inf, expected a number above 0, and finite"),
    (
        {"lambd_max": 1e300},
        ValueError,
        "lambd_max: 1e+300, expected a number of at most 3.4e+38, the largest of float32",
    ),
    ({"lambd_init": 1e-7}, ValueError, "lambd_init: 1e-07, expected a number from 1e-06 to 1e+06"),
    ({"lambd_step": 0}, ValueError, "lambd_step: 0, expected a whole number of at least 1"),
    ({"rho_min": 0.0}, ValueError, "rho_min: 0.0, expected a number above 0, and finite"),
    ({"rho_min": 20.0}, ValueError, "rho_min: 20 is above rho_max, 10"),
    ({"rho_init": 11}, ValueError, "rho_init: 11, expected a number from 1 to 10"),
    ({"rho_step": -1}, ValueError, "rho_step: -1, expected a whole number of at least 0"),
    ({"gamma": 0.9}, ValueError, "gamma: 0.9, expected a number of at least 1, and finite"),
    ({"tau": -0.1}, ValueError, "tau: -0.1, expected a number of at least 0, and finite"),
    (
        {"penalty": "p3", "lambd_min": 0.0},
        ValueError,
        'lambd_init: 0, but with penalty "p3" lambd would then stay 0; expected a number above 0',
    ),
]


@pytest.mark.parametrize(("settings", "kind", "message"), BAD, ids=[case[2] for case in BAD])
def test_arguments_that_cannot_work(settings, kind, message):
    with pytest.raises(kind) as error:
        CALS(**{"num_classes": 4, **settings})
    assert str(error.value) == message


def test_margin_0_works_without_normalize():
    cals = CALS(2, margin=0.0, normalize=False)
    cals.update([torch.tensor([[5.0, 0.0]])])
    assert cals.lambd.tolist() == pytest.approx([1e-6, 5.0])


Z = torch.zeros(3, 4)
STRANGE = [
    (Z, TypeError, "update: a tensor, expected an iterable of batches; put a single batch into a list"),
    ([], ValueError, "update: no batches; a generator can be used only once"),
    ([Z[:0]], ValueError, "update: there are no rows, or all are ignored"),
    ([(Z, torch.full((3,), -100))], ValueError, "update: there are no rows, or all are ignored"),
    ([{"logits": Z}], TypeError, "update: a batch is a dict, expected logits or a pair (logits, labels)"),
    ([(Z, Z[:, 0].long(), Z)], TypeError, "update: a batch is a tuple, expected logits or a pair (logits, labels)"),
    ([Z[:, :3]], ValueError, "logits: 3 classes on axis 1, but num_classes is 4"),
    ([Z, Z + math.nan], ValueError, "update: the logits contain NaN or +inf, or a row of -inf only"),
    ([Z - math.inf], ValueError, "update: the logits contain NaN or +inf, or a row of -inf only"),
    ([(Z, Z[:2, 0].long())], ValueError, "labels: shape (2,), expected (3,) for logits of shape (3, 4)"),
]


@pytest.mark.parametrize(("batches", "kind", "message"), STRANGE, ids=[f"{i}" for i in range(len(STRANGE))])
def test_strange_batches_are_refused_and_change_nothing(batches, kind, message):
    cals = CALS(4)
    before = copy.deepcopy(cals.state_dict())
    with pytest.raises(kind) as error:
        cals.update(batches)
    assert str(error.value) == message
    assert all(torch.equal(value, before[key]) for key, value in cals.state_dict().items())


def test_other_class_counts_and_devices_are_refused():
    labels = torch.zeros(3, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"^logits: 5 classes on axis 1, but num_classes is 4$"):
        CALS(4)(torch.zeros(3, 5), labels)
    with pytest.raises(
        ValueError, match=r'on meta, but the multipliers of CALS are on cpu: call criterion.to\("meta"\) once'
    ):
        CALS(4)(Z.to("meta"), labels.to("meta"))
