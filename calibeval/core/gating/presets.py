"""Ready-made rules for a gate, by name."""

from __future__ import annotations

from calibeval.core.gating.rules import WORST, Rule
from calibeval.core.gating.values import one_of

PRESETS: dict[str, tuple[Rule, ...]] = {
    "recommended": (
        Rule("ece", "max", 0.05),
        Rule("nll", "max_increase", 0.02, relative=True),
        Rule("accuracy", "max_drop", 0.01),
    ),
    "strict": (
        Rule("ece", "max", 0.03),
        Rule("nll", "max_increase", 0.01, relative=True),
        Rule("brier", "max_increase", 0.01, relative=True),
        Rule("accuracy", "max_drop", 0.005),
        Rule("ece", "max", 0.05, slice=WORST),
    ),
}


def preset_rules(name: str, *, with_baseline: bool, with_slices: bool) -> tuple[Rule, ...]:
    """The rules of a preset that can be judged: rules on changes need a baseline, rules on the worst slice need slices.

    Raises: UsageError, with the nearest preset, for an unknown name.

    >>> [rule.metric for rule in preset_rules("recommended", with_baseline=False, with_slices=False)]
    ['ece']
    """
    rules = PRESETS[one_of(name, PRESETS, "preset")]
    return tuple(r for r in rules if (with_baseline or not r.is_change) and (with_slices or r.slice is None))
