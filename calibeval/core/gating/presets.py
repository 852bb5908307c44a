"""Ready-made rules for a gate, by name."""

from __future__ import annotations

from collections.abc import Collection

from calibeval.core.data.notices import Notice, warning
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


def left_out(name: str, rules: Collection[Rule]) -> tuple[Notice, ...]:
    """What to say about the rules of a preset that are not among those checked.

    Raises: UsageError, with the nearest preset, for an unknown name.

    >>> left_out("recommended", preset_rules("recommended", with_baseline=False, with_slices=False))[0]
    '2 rules of the preset recommended need a baseline and were not checked'
    """
    places = {rule.place for rule in rules}
    missing = [rule for rule in PRESETS[one_of(name, PRESETS, "preset")] if rule.place not in places]
    changes = sum(rule.is_change for rule in missing)
    said = []
    for count, what in ((changes, "a baseline"), (len(missing) - changes, "slice columns")):
        if count:
            subject, verb, were = ("1 rule", "needs", "was") if count == 1 else (f"{count} rules", "need", "were")
            text = f"{subject} of the preset {name} {verb} {what} and {were} not checked"
            said.append(warning("rules_not_checked", text))
    return tuple(said)
