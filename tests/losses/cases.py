"""Every loss in each of its forms: module, terms of rows, closed form, plain numpy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from calibeval.losses.table import LOSS_TABLE
from calibeval.losses.terms import at_least_float32
from tests.losses import formulas

K = 4
LAMBD = [0.1, 0.7, 1.3, 2.0]
RHO = [1.0, 1.5, 2.5, 3.0]
MULTIPLIERS = {"lambd": LAMBD, "rho": RHO}


class Case(NamedTuple):
    """name: of the loss in the table. settings: of terms and gradient; tensors are put in by `parameters`."""

    name: str
    settings: dict[str, Any]
    formula: object

    @property
    def entry(self):
        return LOSS_TABLE[self.name]

    def make(self, **more):
        """The module; CALS with the multipliers of this page."""
        module = self.entry.make(K, **self.settings, **more)
        for name, values in self.multipliers.items():
            setattr(module, name, torch.tensor(values))
        return module

    @property
    def multipliers(self):
        """The multipliers of this page that the loss has, by name."""
        return {name: MULTIPLIERS[name] for name in self.entry.rule.multipliers} if self.entry.rule else {}

    def parameters(self, dtype=torch.float64):
        tensors = {name: torch.tensor(values, dtype=dtype) for name, values in self.multipliers.items()}
        return {**self.settings, **tensors}

    def terms(self, logits, labels):
        return self.entry.terms(logits, labels, **self.parameters(at_least_float32(logits).dtype))

    def gradient(self, logits, labels):
        return self.entry.gradient(logits, labels, **self.parameters(at_least_float32(logits).dtype))

    def by_hand(self, logits, labels):
        if self.entry.batchwise:
            return self.formula(logits, labels, **self.settings)
        return [self.formula(z, y, **self.settings, **self.multipliers) for z, y in zip(logits, labels, strict=True)]


CASES = {
    "ce": Case("ce", {}, formulas.cross_entropy),
    "ls": Case("ls", {"alpha": 0.1}, formulas.label_smoothing),
    "ls-others": Case("ls", {"alpha": 0.1, "spread": "others"}, formulas.label_smoothing),
    "ecp": Case("ecp", {"beta": 0.2}, formulas.confidence_penalty),
    "focal-3": Case("focal", {"gamma": 3.0}, formulas.focal),
    "focal-half": Case("focal", {"gamma": 0.5}, formulas.focal),
    "focal-0": Case("focal", {"gamma": 0.0}, formulas.focal),
    "flsd": Case("flsd", {}, formulas.flsd),
    "dual-focal-3": Case("dual_focal", {"gamma": 3.0}, formulas.dual_focal),
    "dual-focal-half": Case("dual_focal", {"gamma": 0.5}, formulas.dual_focal),
    "brier": Case("brier", {}, formulas.brier),
    "mdca": Case("mdca", {"beta": 2.0}, formulas.mdca),
    "mdca-focal": Case("mdca", {"beta": 0.5, "gamma": 2.0}, formulas.mdca),
    "mbls_dice": Case("mbls_dice", {"margin": 2.0, "alpha": 0.3}, formulas.mbls_dice),
    "mbls_dice-all": Case(
        "mbls_dice",
        {"margin": 0.0, "alpha": 0.3, "dice": 2.5, "background": True, "smooth": 1.0},
        formulas.mbls_dice,
    ),
    "acls": Case("acls", {"margin": 2.0, "alpha": 0.3, "neg_lambda": 0.7}, formulas.acls),
    "acls-0": Case("acls", {"margin": 0.0, "alpha": 0.3, "pos_lambda": 0.2}, formulas.acls),
    "mbls": Case("mbls", {"margin": 2.0, "alpha": 0.3}, formulas.mbls),
    "mbls-0": Case("mbls", {"margin": 0.0, "alpha": 0.3}, formulas.mbls),
    **{
        f"cals-{penalty}-{'relative' if normalize else 'plain'}": Case(
            "cals", {"margin": 2.0, "penalty": penalty, "normalize": normalize}, formulas.cals
        )
        for penalty in ("phr", "p2", "p3")
        for normalize in (True, False)
    },
    "cals_hr": Case("cals_hr", {"margin": 2.0}, formulas.cals_hr),
    "cals_hr-0": Case("cals_hr", {"margin": 0.0}, formulas.cals_hr),
}


BY_ROW = {name: case for name, case in CASES.items() if not case.entry.imagewise}  # whose batches know no images


def soft(n=40, k=K, *, seed=0, dtype=torch.float64):
    """Soft labels: a third one-hot, a third without one class, a third with all."""
    rng = np.random.default_rng([seed, n, k, 1])
    found = rng.dirichlet(np.full(k, 0.7), n)
    found[1::3, rng.integers(k)] = 0.0
    found /= found.sum(1, keepdims=True)
    found[::3] = np.eye(k)[rng.integers(0, k, len(found[::3]))]
    return torch.from_numpy(found).to(dtype)


def rows(n=40, k=K, *, scale=3.0, seed=0, dtype=torch.float64):
    rng = np.random.default_rng([seed, n, k])
    return torch.from_numpy(rng.normal(size=(n, k)) * scale).to(dtype), torch.from_numpy(rng.integers(0, k, n))
