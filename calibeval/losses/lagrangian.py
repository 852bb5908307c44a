"""Class adaptive label smoothing (CALS), as a torch module that keeps its multipliers."""

from __future__ import annotations

from torch import Tensor

from calibeval.losses.arguments import ClassWeights, choice, flag, number, whole_number
from calibeval.losses.held_out import HeldOutCriterion, start
from calibeval.losses.multipliers import MultiplierSchedule
from calibeval.losses.penalties import PENALTIES
from calibeval.losses.rules import LagrangianRule
from calibeval.losses.terms import LossTerms, cals_terms


class CALS(HeldOutCriterion):
    """Cross entropy plus a penalty whose strength for each class is learned from a held-out split.

    Like MbLS, it requires each logit to be within a margin of the top logit of its row. Here every class has a
    multiplier `lambd` and a weight `rho` in an augmented Lagrangian; call `update` with held-out logits after every
    training epoch.

    num_classes: k, at least 2. margin: in units of the logits, at least 0; above 0 with normalize. penalty: "phr", "p2"
    or "p3". normalize: whether the constraint is (distance - margin) / margin.
    lambd_init, rho_init: initial value for all classes; None: the lower bound. lambd_min, lambd_max, rho_min, rho_max:
    bounds. lambd_step, rho_step: number of epochs between changes; a rho_step of 0 means never. gamma: factor of at
    least 1 for rho of a class whose mean constraint is positive and more than tau times that of the previous epoch.
    weight, ignore_index, reduction: as for `Criterion`.

    The state is in `state_dict`: the buffers `lambd`, `rho` and `mean_constraint` (of the last update), (k,) each, and
    `epoch`, the number of updates. A run that loads it continues as if it had never stopped.
    Raises: TypeError, ValueError for invalid arguments, and for logits with another number of classes.
    Source: Liu, Rony, Galdran, Dolz, Ben Ayed, CVPR 2023.

    >>> import torch
    >>> cals = CALS(num_classes=2, margin=6.0)
    >>> held_out = torch.tensor([[12.0, 0.0], [9.0, 0.0]])
    >>> cals.update([held_out])
    >>> cals.lambd
    tensor([1.0000e-06, 7.5000e-01])
    >>> round(cals(torch.tensor([[9.0, 0.0]]), torch.tensor([0])).item(), 4)
    0.2501
    """

    rho: Tensor
    mean_constraint: Tensor

    def __init__(
        self,
        num_classes: int,
        margin: float = 10.0,
        penalty: str = "phr",
        normalize: bool = True,
        lambd_init: float | None = None,
        lambd_min: float = 1e-6,
        lambd_max: float = 1e6,
        lambd_step: int = 1,
        rho_init: float | None = None,
        rho_min: float = 1.0,
        rho_max: float = 10.0,
        rho_step: int = 10,
        gamma: float = 1.2,
        tau: float = 0.9,
        *,
        weight: ClassWeights | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        choice("penalty", penalty, tuple(PENALTIES))
        if flag("normalize", normalize) and not margin:
            raise ValueError("margin: 0 cannot be normalized; expected a margin above 0, or normalize=False")
        schedule = MultiplierSchedule(
            lambd_min=number("lambd_min", lambd_min, low=0.0),
            lambd_max=number("lambd_max", lambd_max, low=0.0, above=True),
            lambd_step=whole_number("lambd_step", lambd_step, low=1),
            rho_min=number("rho_min", rho_min, low=0.0, above=True),
            rho_max=number("rho_max", rho_max, low=0.0, above=True),
            rho_step=whole_number("rho_step", rho_step, low=0),
            gamma=number("gamma", gamma, low=1.0),
            tau=number("tau", tau, low=0.0),
        )
        lambd = start("lambd", lambd_init, schedule.lambd_min, schedule.lambd_max)
        rho = start("rho", rho_init, schedule.rho_min, schedule.rho_max)
        if penalty == "p3" and not lambd:
            raise ValueError('lambd_init: 0, but with penalty "p3" lambd would then stay 0; expected a number above 0')
        super().__init__(
            num_classes,
            margin,
            LagrangianRule(schedule, penalty, normalize),
            {"lambd": lambd, "rho": rho},
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        )
        self.schedule, self.penalty, self.normalize = schedule, penalty, normalize

    def row_terms(self, logits: Tensor, labels: Tensor) -> LossTerms:
        """The terms of each row, with the current multipliers."""
        self._check(logits, classes=logits.shape[-1])
        return cals_terms(logits, labels, margin=self.margin, **self._multipliers(logits), **self.rule.fixed)
