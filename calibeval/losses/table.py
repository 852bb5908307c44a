"""The table of losses: everything that training, the command line and the tests need to know about each loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from calibeval.losses import gradients, terms
from calibeval.losses.acls import ACLS, acls_gradient, acls_terms
from calibeval.losses.baselines import FLSD, ConfidencePenalty, CrossEntropy, FocalLoss, LabelSmoothing
from calibeval.losses.brier import Brier, brier_gradient, brier_terms
from calibeval.losses.criterion import Criterion
from calibeval.losses.dice import MbLSDice, mbls_dice_gradient, mbls_dice_terms
from calibeval.losses.dual_focal import DualFocal, dual_focal_gradient, dual_focal_terms
from calibeval.losses.gradients import LossGradient
from calibeval.losses.heuristic import CALSHR, cals_hr_gradient, cals_hr_terms
from calibeval.losses.lagrangian import CALS
from calibeval.losses.margin import MbLS
from calibeval.losses.mdca import MDCA, mdca_gradient, mdca_terms
from calibeval.losses.rules import HeuristicRule, LagrangianRule, MultiplierRule
from calibeval.losses.terms import LossTerms

Range = tuple[float, float]

MARGINS: Range = (1.0, 20.0)


@dataclass(frozen=True, slots=True)
class LossEntry:
    """One loss.

    name: on the command line and in files. criterion: its torch module. terms: the function of rows behind the module,
    for autograd. gradient: the same function with its gradient in closed form, which trains heads.
    tuned: parameters that `--tune` searches on a logarithmic scale, with both ends of their range. tuned_with: values
    of other parameters during the search. tuned_unless: maps a tuned parameter to another one: if the user sets the
    latter, the former is not searched. rule: how its multipliers are updated from held-out rows after every epoch; None
    if it has none. batchwise: whether the loss of a row depends on the other rows of its batch; terms and gradient then
    take `counts` and `batch`. imagewise: whether these rows are those of one image; they also take `dice`, a factor
    of what belongs to the image.
    """

    name: str
    criterion: type[Criterion]
    terms: Callable[..., LossTerms]
    gradient: Callable[..., LossGradient]
    tuned: Mapping[str, Range] = field(default_factory=dict)
    tuned_with: Mapping[str, float] = field(default_factory=dict)
    tuned_unless: Mapping[str, str] = field(default_factory=dict)
    rule: type[MultiplierRule] | None = None
    batchwise: bool = False
    imagewise: bool = False

    @property
    def soft(self) -> bool:
        """Whether the loss takes soft labels, the probability of each class, beside class numbers."""
        return self.criterion.soft

    def defaults(self) -> dict[str, Any]:
        """The parameters of the method with their defaults, as the module declares them.

        Keyword-only arguments, such as weight and ignore_index, belong to the training loop instead.

        >>> LOSS_TABLE["mbls"].defaults()
        {'margin': 10.0, 'alpha': 0.1}
        """
        signature = inspect.signature(self.criterion)
        return {
            name: p.default
            for name, p in signature.parameters.items()
            if name != "num_classes" and p.kind is not p.KEYWORD_ONLY
        }

    def make(self, k: int, **parameters: Any) -> Criterion:
        """The module for k classes.

        Raises: TypeError, ValueError for invalid parameters.

        >>> LOSS_TABLE["cals"].make(3, margin=6.0).num_classes
        3
        """
        classes: dict[str, Any] = (
            {"num_classes": k} if "num_classes" in inspect.signature(self.criterion).parameters else {}
        )
        return self.criterion(**classes, **parameters)


LOSS_TABLE: dict[str, LossEntry] = {
    entry.name: entry
    for entry in (
        LossEntry("ce", CrossEntropy, terms.cross_entropy_terms, gradients.cross_entropy_gradient),
        LossEntry(
            "ls",
            LabelSmoothing,
            terms.label_smoothing_terms,
            gradients.label_smoothing_gradient,
            tuned={"alpha": (0.01, 0.3)},
        ),
        LossEntry(
            "ecp",
            ConfidencePenalty,
            terms.confidence_penalty_terms,
            gradients.confidence_penalty_gradient,
            tuned={"beta": (0.01, 1.0)},
        ),
        LossEntry("focal", FocalLoss, terms.focal_terms, gradients.focal_gradient, tuned={"gamma": (0.3, 6.0)}),
        LossEntry("flsd", FLSD, terms.flsd_terms, gradients.flsd_gradient),
        LossEntry("dual_focal", DualFocal, dual_focal_terms, dual_focal_gradient, tuned={"gamma": (0.3, 6.0)}),
        LossEntry("brier", Brier, brier_terms, brier_gradient),
        LossEntry(
            "mbls",
            MbLS,
            terms.mbls_terms,
            gradients.mbls_gradient,
            tuned={"margin": MARGINS, "alpha": (0.02, 2.0)},
        ),
        LossEntry("acls", ACLS, acls_terms, acls_gradient, tuned={"margin": MARGINS, "alpha": (0.01, 1.0)}),
        LossEntry("mdca", MDCA, mdca_terms, mdca_gradient, tuned={"beta": (0.3, 30.0)}, batchwise=True),
        LossEntry(
            "mbls_dice",
            MbLSDice,
            mbls_dice_terms,
            mbls_dice_gradient,
            tuned={"margin": MARGINS, "alpha": (0.02, 2.0)},
            batchwise=True,
            imagewise=True,
        ),
        LossEntry(
            "cals",
            CALS,
            terms.cals_terms,
            gradients.cals_gradient,
            tuned={"margin": MARGINS, "rho_init": (0.05, 5.0)},
            tuned_with={"rho_min": 0.05},  # so that rho may start below 1, the default minimum, and stay there
            tuned_unless={"rho_init": "rho_min"},
            rule=LagrangianRule,
        ),
        LossEntry(
            "cals_hr",
            CALSHR,
            cals_hr_terms,
            cals_hr_gradient,
            tuned={"margin": MARGINS, "lambd_init": (0.02, 2.0)},
            rule=HeuristicRule,
        ),
    )
}
