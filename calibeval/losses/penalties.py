"""Penalties of an augmented Lagrangian: functions of a constraint h <= 0, its multiplier lambd and its weight rho.

All are 0 at h = 0, with slope lambd there; the slope is never negative. `value` is for autograd; `slope` is the
derivative with respect to h, which gives the next multiplier. Source: Birgin et al. 2005, as in Liu et al., CVPR 2023.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

Parameter: TypeAlias = float | Tensor


class PenaltySpec(NamedTuple):
    """A penalty and its derivative with respect to h, as functions of (h, lambd, rho)."""

    value: Callable[[Tensor, Parameter, Parameter], Tensor]
    slope: Callable[[Tensor, Parameter, Parameter], Tensor]


def _phr(h: Tensor, lambd: Parameter, rho: Parameter) -> Tensor:
    floor = -lambd / rho  # below it the value is constant
    least = h.clamp(min=floor)
    return least * (lambd + rho * least / 2.0)


def _phr_slope(h: Tensor, lambd: Parameter, rho: Parameter) -> Tensor:
    return torch.relu(lambd + rho * h)


def _p2(h: Tensor, lambd: Parameter, rho: Parameter) -> Tensor:
    return torch.where(h >= 0, h * (lambd + rho * h * (lambd + rho * h / 6.0)), _inside(h, lambd, rho))


def _p2_slope(h: Tensor, lambd: Parameter, rho: Parameter) -> Tensor:
    return torch.where(h >= 0, lambd + rho * h * (2.0 * lambd + rho * h / 2.0), _inside_slope(h, lambd, rho))


def _p3(h: Tensor, lambd: Parameter, rho: Parameter) -> Tensor:
    return torch.where(h >= 0, h * (lambd + lambd * rho * h), _inside(h, lambd, rho))


def _p3_slope(h: Tensor, lambd: Parameter, rho: Parameter) -> Tensor:
    return torch.where(h >= 0, lambd + 2.0 * lambd * rho * h, _inside_slope(h, lambd, rho))


def _inside(h: Tensor, lambd: Parameter, rho: Parameter) -> Tensor:
    below = h.clamp(max=0.0)  # elsewhere the denominator could vanish
    return lambd * below / (1.0 - rho * below)


def _inside_slope(h: Tensor, lambd: Parameter, rho: Parameter) -> Tensor:
    return lambd / (1.0 - rho * h.clamp(max=0.0)) ** 2


PENALTIES = {
    "phr": PenaltySpec(_phr, _phr_slope),
    "p2": PenaltySpec(_p2, _p2_slope),
    "p3": PenaltySpec(_p3, _p3_slope),
}
