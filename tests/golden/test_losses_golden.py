"""Losses, their gradients and the multipliers of CALS, beside the papers' code; README.md says which are left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from calibeval.losses import (
    CALS,
    CALSHR,
    FLSD,
    MDCA,
    Brier,
    ConfidencePenalty,
    CrossEntropy,
    FocalLoss,
    LabelSmoothing,
    MbLS,
    MbLSDice,
    gradients,
)
from calibeval.losses.brier import brier_gradient
from calibeval.losses.dice import mbls_dice_gradient
from calibeval.losses.heuristic import cals_hr_gradient
from calibeval.losses.mdca import mdca_gradient
from calibeval.losses.multipliers import constraint_sums
from calibeval.losses.penalties import PENALTIES
from calibeval.losses.terms import cals_terms, constraint

FOLDER = Path(__file__).parent / "reference"
INPUTS, LOSSES, PENALTY, TRAJECTORIES, SEGMENTATION = (
    np.load(FOLDER / f"{name}.npz", allow_pickle=False)
    for name in ("inputs", "losses", "cals_penalties", "cals_trajectories", "segmentation")
)
ROWS = {"a": 64, "b": 24, "c": 48, "d": 40, "e": 36}
CLASSES = {"a": 10, "b": 100, "c": 3, "d": 7, "e": 5}
CLOSE = {"rtol": 1e-9, "atol": 1e-9}
IN_FLOAT32 = {"rtol": 1e-8, "atol": 1e-8}  # the code of MDCA counts labels in float32
CALS_KEY = "cals_{}_m5.0_lam[.1..2]_rho[3..1]"

# key: the module for k classes, and the closed form
LOSS = {
    "ce": (lambda _: CrossEntropy(), gradients.cross_entropy_gradient),
    **{
        f"ls_a{alpha}": (
            lambda _, alpha=alpha: LabelSmoothing(alpha),
            lambda z, y, alpha=alpha: gradients.label_smoothing_gradient(z, y, alpha=alpha),
        )
        for alpha in (0.05, 0.1)
    },
    **{
        f"mdca_ls_a{alpha}": (
            lambda _, alpha=alpha: LabelSmoothing(alpha, "others"),
            lambda z, y, alpha=alpha: gradients.label_smoothing_gradient(z, y, alpha=alpha, spread="others"),
        )
        for alpha in (0.05, 0.1)
    },
    **{
        f"ecp_a{alpha}": (  # their alpha is beta k
            lambda k, alpha=alpha: ConfidencePenalty(alpha / k),
            lambda z, y, alpha=alpha: gradients.confidence_penalty_gradient(z, y, beta=alpha / z.shape[-1]),
        )
        for alpha in (0.1, 1.0)
    },
    **{
        f"focal_mean_g{gamma}": (
            lambda _, gamma=gamma: FocalLoss(gamma),
            lambda z, y, gamma=gamma: gradients.focal_gradient(z, y, gamma=gamma),
        )
        for gamma in (1.0, 2.0, 3.0)
    },
    "flsd53_mean": (lambda _: FLSD(), gradients.flsd_gradient),
    **{
        f"mbls_m{margin}_a{alpha}": (
            lambda _, margin=margin, alpha=alpha: MbLS(margin, alpha),
            lambda z, y, margin=margin, alpha=alpha: gradients.mbls_gradient(z, y, margin=margin, alpha=alpha),
        )
        for margin, alpha in ((0.0, 0.1), (10.0, 0.1), (10.0, 1.0), (6.0, 0.05))
    },
    "brier_mbls": (lambda _: Brier(), brier_gradient),
    "nll_mdca_b1.0": (lambda _: MDCA(1.0), lambda z, y: mdca_gradient(z, y, beta=1.0)),
    "fl_mdca_b1.0_g2.0": (lambda _: MDCA(1.0, gamma=2.0), lambda z, y: mdca_gradient(z, y, beta=1.0, gamma=2.0)),
}


def case(name, dtype=torch.float64):
    rows = ROWS[name]
    logits = torch.from_numpy(INPUTS[f"{name}_logits"][:rows]).to(dtype)
    return logits.requires_grad_(), torch.from_numpy(INPUTS[f"{name}_labels"][:rows])


def weights(k):
    return torch.linspace(0.1, 2, k, dtype=torch.float64), torch.linspace(3, 1, k, dtype=torch.float64)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("key", LOSS)
def test_loss_and_gradient(key, name):
    logits, labels = case(name)
    terms = LOSS[key][0](CLASSES[name]).terms(logits, labels)
    terms.total.backward()
    value = LOSSES[f"{key}/{name}/f64/value"]
    np.testing.assert_allclose(logits.grad, LOSSES[f"{key}/{name}/f64/grad"], **CLOSE)
    np.testing.assert_allclose(terms.total.item(), value[0], **(IN_FLOAT32 if "mdca_b" in key else CLOSE))
    if key.startswith("mbls"):
        alpha = float(key.rpartition("_a")[2])
        np.testing.assert_allclose(terms.cross_entropy.item(), value[1], **CLOSE)
        np.testing.assert_allclose(terms.penalty.item(), alpha * value[2], **CLOSE)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("key", LOSS)
def test_closed_form(key, name):
    logits, labels = case(name)
    terms, gradient = LOSS[key][1](logits, labels)
    np.testing.assert_allclose(gradient / len(labels), LOSSES[f"{key}/{name}/f64/grad"], **CLOSE)
    close = IN_FLOAT32 if "mdca_b" in key else CLOSE
    np.testing.assert_allclose(terms.total.mean(), LOSSES[f"{key}/{name}/f64/value"][0], **close)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("key", LOSS)
def test_float32(key, name):
    logits, labels = case(name, torch.float32)
    found = LOSS[key][0](CLASSES[name])(logits, labels).item()
    assert found == pytest.approx(float(LOSSES[f"{key}/{name}/f32/value"][0]), rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("name", ROWS)
def test_sum(name):
    logits, labels = case(name)
    loss = FocalLoss(3.0, reduction="sum")(logits, labels)
    loss.backward()
    np.testing.assert_allclose(loss.item(), LOSSES[f"focal_sum_g3.0/{name}/f64/value"][0], **CLOSE)
    np.testing.assert_allclose(logits.grad, LOSSES[f"focal_sum_g3.0/{name}/f64/grad"], **CLOSE)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("penalty", ["phr", "p3"])
def test_cals_penalty_and_gradient(penalty, name):
    logits, labels = case(name)
    lambd, rho = weights(CLASSES[name])
    key = f"{CALS_KEY.format(penalty)}/{name}/f64"
    settings = {"margin": 5.0, "lambd": lambd, "rho": rho, "penalty": penalty}
    value = cals_terms(logits, labels, **settings).penalty.mean()
    value.backward()
    np.testing.assert_allclose(value.item(), LOSSES[f"{key}/value"][0], **CLOSE)
    np.testing.assert_allclose(constraint(logits, margin=5.0).mean().item(), LOSSES[f"{key}/value"][1], **CLOSE)
    np.testing.assert_allclose(logits.grad, LOSSES[f"{key}/grad"], **CLOSE)
    with_ce = gradients.cals_gradient(logits, labels, **settings).gradient
    without = with_ce - gradients.cross_entropy_gradient(logits, labels).gradient
    np.testing.assert_allclose(without / len(labels), LOSSES[f"{key}/grad"], **CLOSE)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalties(penalty):
    h, lambd, rho = (torch.from_numpy(PENALTY[name]) for name in ("h", "lambd", "rho"))
    grid = h.expand(len(lambd), len(rho), len(h)).clone().requires_grad_()
    lambd, rho = lambd[:, None, None], rho[:, None]
    value = PENALTIES[penalty].value(grid, lambd, rho)
    value.sum().backward()
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(value.detach(), PENALTY[f"{penalty}_value"], **close)
    np.testing.assert_allclose(PENALTIES[penalty].slope(h, lambd, rho), PENALTY[f"{penalty}_dh"], **close)
    np.testing.assert_allclose(grid.grad, PENALTY[f"{penalty}_dh"], **close)


def trajectory(number, dtype):
    """The CALS of a configuration, and for every epoch its training logits and held-out batches."""
    settings = json.loads(str(TRAJECTORIES[f"cfg{number}/params_json"]))
    tau = settings.pop("tao", 0.9)
    cals = CALS(**settings, tau=tau).to(dtype)
    size = int(TRAJECTORIES["val_batch_size"])
    epochs = [
        (
            torch.from_numpy(TRAJECTORIES["train_logits"] * scale).to(dtype),
            torch.from_numpy(TRAJECTORIES["val_base_logits"] * scale).to(dtype).split(size),
        )
        for scale in TRAJECTORIES["epoch_scale"]
    ]
    return cals, epochs


@pytest.mark.parametrize("number", range(5))
def test_trajectory(number):
    cals, epochs = trajectory(number, torch.float64)
    expected = {
        key.removeprefix(f"cfg{number}/f64/"): TRAJECTORIES[key]
        for key in TRAJECTORIES.files
        if key.startswith(f"cfg{number}/f64/")
    }
    close = {"rtol": 1e-8, "atol": 1e-8}
    grads = dict(zip(expected["grad_epochs"].tolist(), expected["train_penalty_grad_at_epochs"], strict=True))
    for epoch, (train, held_out) in enumerate(epochs):
        train.requires_grad_()
        penalty = cals.terms(train, torch.zeros(len(train), dtype=torch.int64)).penalty
        np.testing.assert_allclose(penalty.item(), expected["train_penalty_before_update"][epoch], **close)
        if epoch in grads:
            penalty.backward()
            np.testing.assert_allclose(train.grad, grads[epoch], **close)
        mean = constraint(train.detach(), margin=cals.margin, normalize=cals.normalize).mean()
        np.testing.assert_allclose(mean, expected["train_constraint_before_update"][epoch], **close)
        sums = constraint_sums(
            torch.cat(held_out),
            margin=cals.margin,
            lambd=cals.lambd,
            rho=cals.rho,
            schedule=cals.schedule,
            penalty=cals.penalty,
            normalize=cals.normalize,
        )
        np.testing.assert_allclose(sums.slope / sums.count, expected["mean_clamped_grad"][epoch], **close)
        cals.update(held_out)
        np.testing.assert_allclose(cals.lambd, expected["lambda_after_epoch"][epoch], **close)
        np.testing.assert_allclose(cals.rho, expected["rho_after_epoch"][epoch], **close)
        np.testing.assert_allclose(cals.mean_constraint, expected["mean_constraint"][epoch], **close)


@pytest.mark.parametrize("number", range(5))
def test_trajectory_in_float32(number):
    cals, epochs = trajectory(number, torch.float32)
    for epoch, (_, held_out) in enumerate(epochs):
        cals.update(held_out)
        for found, key in ((cals.lambd, "lambda_after_epoch"), (cals.rho, "rho_after_epoch")):
            np.testing.assert_allclose(found, TRAJECTORIES[f"cfg{number}/f32/{key}"][epoch], rtol=2e-5, atol=2e-6)


def test_heuristic_trajectory():
    settings = json.loads(str(TRAJECTORIES["hr0/params_json"]))
    criterion = CALSHR(10, settings["margin"], settings["alpha"], gamma=settings["gamma"], tau=settings["tao"]).double()
    criterion.lambd.fill_(settings["alpha"])  # which float32 does not hold
    expected = {name: TRAJECTORIES[f"hr0/{name}"] for name in ("lambda_after_epoch", "score", "loss_ce_margin")}
    grads, labels = TRAJECTORIES["hr0/grad_at_0_and_E/2"], torch.from_numpy(TRAJECTORIES["hr0/train_labels"])
    epochs = trajectory(0, torch.float64)[1]
    for epoch, (train, held_out) in enumerate(epochs):
        train.requires_grad_()
        terms = criterion.terms(train, labels)
        found = [part.item() for part in terms]
        np.testing.assert_allclose(found, expected["loss_ce_margin"][epoch], **CLOSE)
        if epoch in (0, len(epochs) // 2):
            terms.total.backward()
            closed = cals_hr_gradient(train, labels, margin=criterion.margin, lambd=criterion.lambd).gradient
            for slope in (train.grad, closed / len(labels)):
                np.testing.assert_allclose(slope, grads[int(epoch > 0)], **CLOSE)
        criterion.update(held_out)
        np.testing.assert_allclose(criterion.lambd, expected["lambda_after_epoch"][epoch], **CLOSE)
        np.testing.assert_allclose(criterion.mean_penalty, expected["score"][epoch], **CLOSE)
    assert {0.1, 0.11, 0.121} <= {*expected["lambda_after_epoch"].round(6).flat}


PIXELS = {
    "mbls_m6.0_a0.05_ign255": MbLS(6.0, 0.05, ignore_index=255),
    "ls_a0.1_ign255": LabelSmoothing(0.1, ignore_index=255),
    "ecp_a0.1_ign255": ConfidencePenalty(0.1 / 4, ignore_index=255),
    "focal_g3.0_ign255": FocalLoss(3.0, ignore_index=255),
}


@pytest.mark.parametrize("key", PIXELS)
def test_segmentation(key):
    logits = torch.from_numpy(SEGMENTATION["seg_logits"]).double().requires_grad_()
    labels = torch.from_numpy(SEGMENTATION["seg_labels_ignore255"])
    assert (labels == 255).any()
    loss = PIXELS[key](logits, labels)
    loss.backward()
    np.testing.assert_allclose(loss.item(), SEGMENTATION[f"{key}/value"][0], **CLOSE)
    np.testing.assert_allclose(logits.grad, SEGMENTATION[f"{key}/grad"], **CLOSE)


def test_margin_and_dice():
    key = "mbls_ce_dice_m6.0_a0.05"
    logits = torch.from_numpy(SEGMENTATION["seg_logits"]).double().requires_grad_()
    labels = torch.from_numpy(SEGMENTATION["seg_labels"])
    terms = MbLSDice(6.0, 0.05).terms(logits, labels)
    terms.total.backward()
    total, cross_entropy, dice, margin = SEGMENTATION[f"{key}/value"]
    np.testing.assert_allclose([part.item() for part in terms], [total, cross_entropy, dice + 0.05 * margin], **CLOSE)
    np.testing.assert_allclose(logits.grad, SEGMENTATION[f"{key}/grad"], **CLOSE)
    rows = logits.detach().movedim(1, -1)
    closed = mbls_dice_gradient(rows, labels, margin=6.0, alpha=0.05, batch=(1, 2))
    np.testing.assert_allclose(closed.terms.total.mean(), total, **CLOSE)
    np.testing.assert_allclose(closed.gradient.movedim(-1, 1) / labels.numel(), SEGMENTATION[f"{key}/grad"], **CLOSE)


def test_cals_of_pixels():
    key = "cals_phr_m5_lambda[.1,.5,1,2]_rho[1,2,3,4]_penalty_constraint"
    logits = torch.from_numpy(SEGMENTATION["seg_logits"]).double().requires_grad_()
    labels = torch.from_numpy(SEGMENTATION["seg_labels"])
    cals = CALS(num_classes=4, margin=5.0).double()
    cals.lambd = torch.tensor([0.1, 0.5, 1.0, 2.0], dtype=torch.float64)
    cals.rho = torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)
    penalty = cals.terms(logits, labels).penalty
    penalty.backward()
    np.testing.assert_allclose(penalty.item(), SEGMENTATION[f"{key}/value"][0], **CLOSE)
    np.testing.assert_allclose(logits.grad, SEGMENTATION[f"{key}/grad"], **CLOSE)
    cals.update([logits])
    np.testing.assert_allclose(cals.mean_constraint.mean(), SEGMENTATION[f"{key}/value"][1], **CLOSE)


def test_nothing_is_forgotten():
    compared = {*LOSS, "focal_sum_g3.0", *(CALS_KEY.format(penalty) for penalty in ("phr", "p3"))}
    assert {key.split("/")[0] for key in LOSSES.files} == compared
    assert {key.split("/")[0] for key in TRAJECTORIES.files if "/" in key} == {"hr0", *(f"cfg{i}" for i in range(5))}
    inputs = {"seg_logits", "seg_labels", "seg_labels_ignore255"}
    there = {key.split("/")[0] for key in SEGMENTATION.files} - inputs - {*PIXELS, "mbls_ce_dice_m6.0_a0.05"}
    assert all(key.startswith("cals_phr") for key in there)
    assert len(there) == 1
