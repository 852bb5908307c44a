"""Checks of the arguments of a loss when it is created, so that invalid ones are refused before training starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from calibeval.core.errors import nearest

ClassWeights: TypeAlias = Tensor | Sequence[float]


LARGEST = torch.finfo(torch.float32).max  # of any number: losses compute in float32


def number(name: str, value: float, *, low: float, high: float = math.inf, above: bool = False) -> float:
    """The value as a float, if it is from low to high, and finite in float32. above: whether low itself is refused.

    Raises: TypeError if it is not a number; ValueError if it is outside the range.

    >>> number("margin", 10, low=0.0)
    10.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: {type(value).__name__} {value!r}, expected a number")
    if not math.isfinite(value) or value < low or value > high or (above and value == low):
        least = f"above {low:g}" if above else f"of at least {low:g}"
        wanted = f"from {low:g} to {high:g}" if math.isfinite(high) else f"{least}, and finite"
        raise ValueError(f"{name}: {value!r}, expected a number {wanted}")
    if value > LARGEST:
        raise ValueError(f"{name}: {value!r}, expected a number of at most {LARGEST:.2g}, the largest of float32")
    return float(value)


def whole_number(name: str, value: int, *, low: int | None = None) -> int:
    """The value, if it is a whole number of at least low.

    Raises: TypeError if it is not an int; ValueError if it is below low.

    >>> whole_number("lambd_step", 1, low=1)
    1
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: {type(value).__name__} {value!r}, expected a whole number")
    if low is not None and value < low:
        raise ValueError(f"{name}: {value}, expected a whole number of at least {low}")
    return value


def flag(name: str, value: bool) -> bool:
    """The value, if it is True or False.

    Raises: TypeError for anything else, such as the string "false".

    >>> flag("normalize", True)
    True
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name}: {type(value).__name__} {value!r}, expected True or False")
    return value


def choice(name: str, value: str, known: Sequence[str]) -> str:
    """The value, if it is one of the known words.

    Raises: ValueError with the nearest known word.

    >>> choice("reduction", "sum", ("mean", "sum"))
    'sum'
    """
    if value not in known:
        listed = ", ".join(f'"{word}"' for word in known)
        raise ValueError(f"{name}: {value!r}, expected one of {listed}{nearest(str(value), known)}")
    return value


def class_weights(name: str, values: ClassWeights) -> Tensor:
    """The values as a tensor (k,) of a floating type, without gradient, if all are finite and at least 0.

    Raises: TypeError if they are not numbers; ValueError for another shape, or a value outside the range.

    >>> class_weights("weight", [1, 2.5])
    tensor([1.0000, 2.5000])
    """
    try:
        found = torch.as_tensor(values).detach()
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name}: {type(values).__name__}, expected a number for each class") from None
    if found.dtype == torch.bool or found.is_complex():
        raise TypeError(f"{name}: {str(found.dtype).removeprefix('torch.')}, expected a number for each class")
    if found.ndim != 1 or len(found) < 2:
        raise ValueError(f"{name}: shape {tuple(found.shape)}, expected (k,): a number for each of two or more classes")
    if not found.is_floating_point():
        found = found.to(torch.get_default_dtype())
    strange = ~(found.isfinite() & (found >= 0))
    if strange.any():
        i = int(strange.nonzero()[0])
        raise ValueError(f"{name}: {found[i].item():g} for class {i}, expected finite numbers of at least 0")
    return found
