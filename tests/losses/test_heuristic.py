"""CALS-HR: how its multipliers move, by hand, and what cannot be."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from calibeval.losses import CALSHR
from calibeval.losses.heuristic import cals_hr_gradient, cals_hr_terms
from calibeval.losses.terms import mbls_terms
from tests.losses.cases import rows


def test_update_by_hand():
    criterion = CALSHR(4, 2.0, lambd_init=0.5, lambd_min=0.3, lambd_max=1.5, gamma=2.0, tau=1.25).double()
    lambd, before, kinds = np.full(4, 0.5), np.zeros(4), set()
    for scale in (1.0, 1.0, 2.0, 2.1, 0.8, 0.7, 3.0, 1.0):
        logits = rows()[0] * scale
        excess = np.maximum(0, (logits.max(1, keepdim=True).values - logits).numpy() - 2.0)
        now = np.array([np.mean([lambd[k] * excess[i, k] for i in range(len(excess))]) for k in range(4)])
        if before.sum():
            factor = [2.0 if s > 1.25 * b else 0.5 if s < b / 1.25 else 1.0 for s, b in zip(now, before, strict=True)]
            lambd = np.clip(lambd * factor, 0.3, 1.5)
            kinds |= set(factor)
        criterion.update(logits.split(7))
        np.testing.assert_allclose(criterion.lambd, lambd, rtol=1e-12)
        np.testing.assert_allclose(criterion.mean_penalty, now, rtol=1e-12)
        before = now
    assert kinds == {2.0, 1.0, 0.5}
    assert criterion.epoch.item() == 8


def moves(distances, **settings):
    """lambd of class 1, from 1, after updates in which it is so far below the top, with margin 1."""
    criterion = CALSHR(2, margin=1.0, lambd_init=1.0, gamma=2.0, **settings).double()
    found = []
    for distance in distances:
        criterion.update([torch.tensor([[float(distance), 0.0]], dtype=torch.float64)])
        found.append(criterion.lambd[1].item())
    return found


def test_first_epoch_has_nothing_to_compare_with():
    assert moves([9, 17]) == [1, 2]


def test_nothing_moves_after_an_epoch_without_any_penalty():
    # Penalties 0, 4, 0, 4: from 0 on nothing is compared; from 4 to 0 lambd falls, which is compared next.
    assert moves([0, 5, 0, 5]) == [1, 1, 0.5, 0.5]


def test_within_tau_nothing_moves():
    # Penalties 4, 6, 4: a factor of 1.5 up and down is within tau 1.5, and above tau 1.49.
    assert moves([5, 7, 5], tau=1.5) == [1, 1, 1]
    assert moves([5, 7, 5], tau=1.49) == [1, 2, 2]  # and 2 x 4 is within 1.49 of 6


def test_with_tau_1_the_same_penalties_move_nothing():
    # Means of lambd times thirds: float32 rounds some of them up and some down.
    for far in torch.arange(1.0, 41.0):
        criterion = CALSHR(2, margin=1.0, tau=1.0)
        split = torch.tensor([[1.0 + far, 0.0], [1.0, 0.0], [1.0, 0.0]])
        criterion.update([split])
        before = criterion.lambd.clone()
        criterion.update([split])
        assert torch.equal(criterion.lambd, before)


def test_steps_compare_with_the_epoch_before():
    # In epochs 2 and 4 only: 4 with 1 grows; then 2 x 1 with 2 x 1 does not, though it is below that of epoch 2.
    assert moves([2, 5, 2, 2], lambd_step=2) == [1, 2, 2, 2]


def test_bounds():
    assert moves([2, 9, 17, 33], lambd_max=3.0) == [1, 2, 3, 3]
    assert moves([33, 9, 2, 2], lambd_min=0.4) == [1, 0.5, 0.4, 0.4]


def test_multipliers_that_are_one_number_give_mbls():
    logits, labels = rows()
    expected = mbls_terms(logits, labels, margin=2.0, alpha=0.3)
    for part, other in zip(cals_hr_terms(logits, labels, margin=2.0, lambd=0.3), expected, strict=True):
        torch.testing.assert_close(part, other)
    closed = cals_hr_gradient(logits, labels, margin=2.0, lambd=0.3)
    torch.testing.assert_close(closed.terms.total, expected.total)


def test_all_of_the_gradient_goes_to_the_first_of_equal_tops():
    logits, label = torch.tensor([[6.0, 6.0, 0.0, -2.0]], requires_grad=True), torch.tensor([0])
    lambd = torch.tensor([9.0, 9.0, 4.0, 2.0])
    cals_hr_terms(logits, label, margin=2.0, lambd=lambd).penalty.sum().backward()
    assert logits.grad.tolist() == [[1.5, 0.0, -1.0, -0.5]]


def test_masked_classes_are_not_counted():
    criterion = CALSHR(3, margin=10.0)
    criterion.update([torch.tensor([[40.0, -math.inf, -math.inf], [40.0, 0.0, -math.inf]])])
    assert criterion.mean_penalty.tolist() == pytest.approx([0.0, 3.0, 0.0])


def test_ignored_pixels_do_not_move_the_multipliers():
    logits, labels = rows(60, scale=8.0)
    kept = torch.arange(60) % 4 > 0
    logits[~kept] = math.nan
    marked = torch.where(kept, labels, 255).reshape(5, 4, 3)
    image = logits.reshape(5, 4, 3, 4).movedim(-1, 1)
    one, other = CALSHR(4, margin=3.0, ignore_index=255).double(), CALSHR(4, margin=3.0).double()
    one.update([(image, marked)])
    other.update([logits[kept]])
    torch.testing.assert_close(one.mean_penalty, other.mean_penalty, rtol=1e-12, atol=0)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_run_goes_on_where_it_stopped(stop):
    splits = [rows(scale=scale)[0] for scale in (2.0, 4.0, 3.5, 5.0, 4.9)]
    straight, first, second = (CALSHR(4, margin=3.0, lambd_step=2) for _ in range(3))
    for split in splits:
        straight.update([split])
    for split in splits[:stop]:
        first.update([split])
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for split in splits[stop:]:
        second.update([split])
    assert set(second.state_dict()) == {"lambd", "mean_penalty", "epoch"}
    for key, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])


def test_candidates_move_each_by_itself():
    rule = CALSHR(4, gamma=2.0).rule
    logits = torch.stack([rows(seed=seed, scale=6.0)[0] for seed in range(3)])
    margin = torch.tensor([[1.0], [2.0], [6.0]], dtype=torch.float64)
    state = rule.begin({"lambd": torch.full((3, 4), 0.5, dtype=torch.float64)})
    for one, scale in ((0.01, 1.0), (1.0, 2.0), (1.0, 4.0)):
        logits[1] = one * rows(seed=1, scale=6.0)[0]  # whose penalties are 0 at first
        sums = rule.sums(logits * scale, margin=margin, multipliers={"lambd": state["lambd"][:, None]})
        after = rule.next(state, sums)
        for i in range(3):
            own = {name: value if name == "epoch" else value[i] for name, value in state.items()}
            alone = rule.sums(logits[i] * scale, margin=margin[i].item(), multipliers={"lambd": own["lambd"]})
            for name, value in rule.next(own, alone).items():
                torch.testing.assert_close(after[name] if name == "epoch" else after[name][i], value)
        state = after
    assert state["lambd"].tolist() == [[2.0] * 4, [1.0] * 4, [2.0] * 4]


STRANGE = [
    ([torch.zeros(3, 4), torch.full((3, 4), math.nan)], "the logits contain NaN or +inf, or a row of -inf only"),
    ([torch.full((3, 4), -math.inf)], "the logits contain NaN or +inf, or a row of -inf only"),
    ([torch.tensor([[0.0, math.inf, 0.0, 0.0]])], "the logits contain NaN or +inf, or a row of -inf only"),
    ([], "no batches; a generator can be used only once"),
]


@pytest.mark.parametrize(("batches", "message"), STRANGE, ids=["nan", "all masked", "inf", "none"])
def test_strange_batches_are_refused_and_change_nothing(batches, message):
    criterion = CALSHR(4, margin=0.0)
    before = copy.deepcopy(criterion.state_dict())
    with pytest.raises(ValueError, match="update: ") as error:
        criterion.update(batches)
    assert str(error.value) == f"update: {message}"
    assert all(torch.equal(value, before[key]) for key, value in criterion.state_dict().items())


BAD = [
    ({"num_classes": 1}, ValueError, "num_classes: 1, expected a whole number of at least 2"),
    ({"margin": -1.0}, ValueError, "margin: -1.0, expected a number of at least 0, and finite"),
    ({"lambd_init": None}, TypeError, "lambd_init: NoneType None, expected a number"),
    ({"lambd_init": 1e-7}, ValueError, "lambd_init: 1e-07, expected a number from 1e-06 to 1e+06"),
    ({"lambd_min": 2.0, "lambd_max": 1.0}, ValueError, "lambd_min: 2 is above lambd_max, 1"),
    ({"lambd_step": 0}, ValueError, "lambd_step: 0, expected a whole number of at least 1"),
    ({"gamma": 0.9}, ValueError, "gamma: 0.9, expected a number of at least 1, and finite"),
    ({"tau": 0.9}, ValueError, "tau: 0.9, expected a number of at least 1, and finite"),
]


@pytest.mark.parametrize(("settings", "kind", "message"), BAD, ids=[case[2] for case in BAD])
def test_arguments_that_cannot_work(settings, kind, message):
    with pytest.raises(kind) as error:
        CALSHR(**{"num_classes": 4, **settings})
    assert str(error.value) == message


def test_what_is_shown():
    assert repr(CALSHR(3, 6.0)) == "CALSHR(num_classes=3, margin=6, ignore_index=-100, reduction='mean')"
