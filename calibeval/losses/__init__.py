"""Training losses that keep a classifier calibrated, for any training loop: torch modules over pure functions.

The modules take logits (n, k) or (n, k, ...) and class numbers or soft labels, and are drop-in replacements for
`torch.nn.CrossEntropyLoss`. Each is based on a function of rows, in `calibeval.losses.terms` or in a module of its own,
whose gradient in closed form is in `calibeval.losses.gradients` or beside it. This package needs torch: pip install
'calibeval[torch]'.

>>> import torch
>>> criterion = MbLS(margin=6.0, alpha=0.1)
>>> loss = criterion(torch.tensor([[8.0, 0.0], [1.0, 3.0]]), torch.tensor([0, 1]))
>>> round(loss.item(), 4)
0.1136
>>> [*LOSSES][:5]
['ce', 'ls', 'ecp', 'focal', 'flsd']
"""

from __future__ import annotations

from collections.abc import Callable

from calibeval.core.errors import UsageError


class MissingTorch(UsageError, ImportError):
    """The losses cannot be imported, because torch is not installed."""


try:
    from calibeval.losses.acls import ACLS
    from calibeval.losses.baselines import FLSD, ConfidencePenalty, CrossEntropy, FocalLoss, LabelSmoothing
    from calibeval.losses.brier import Brier
    from calibeval.losses.criterion import Criterion
    from calibeval.losses.dice import MbLSDice
    from calibeval.losses.dual_focal import DualFocal
    from calibeval.losses.heuristic import CALSHR
    from calibeval.losses.lagrangian import CALS
    from calibeval.losses.margin import MbLS
    from calibeval.losses.mdca import MDCA
    from calibeval.losses.table import LOSS_TABLE
    from calibeval.losses.terms import LossTerms
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise MissingTorch("calibeval.losses needs torch: pip install 'calibeval[torch]'") from None

__all__ = [
    "ACLS",
    "CALS",
    "CALSHR",
    "FLSD",
    "LOSSES",
    "MDCA",
    "Brier",
    "ConfidencePenalty",
    "Criterion",
    "CrossEntropy",
    "DualFocal",
    "FocalLoss",
    "LabelSmoothing",
    "LossTerms",
    "MbLS",
    "MbLSDice",
    "MissingTorch",
]

LOSSES: dict[str, Callable[..., Criterion]] = {name: entry.criterion for name, entry in LOSS_TABLE.items()}
