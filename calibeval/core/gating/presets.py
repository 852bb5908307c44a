"""Ready-made rules for a gate, by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from calibeval.core.data.notices import Notice, warning
from calibeval.core.gating.rules import WORST, Rule
from calibeval.core.gating.values import one_of

# The number of rows from which most unchanged models pass every rule, if they disagree with the model in use on 4 % of
# rows, and nearly all get exit code 0 (tests/benchmarks/gate_release.py). With a third of them, few pass every rule.
MEANT_FOR = {"recommended": 3_000, "strict": 20_000}
# What a preset's rule limits where there are two classes.
OF_TWO = {"ece": "ece_positive", "confidence_gap": "gap_positive"}
# What the report of two classes shows first in place of a metric.
INSTEAD = {**OF_TWO, "aece": "ece_positive"}
PRESETS: dict[str, tuple[Rule, ...]] = {
    "recommended": (
        Rule("ece", "max", 0.05),
        Rule("nll", "max_increase", 0.05, relative=True),
        Rule("brier", "max_increase", 0.05, relative=True),
        Rule("confidence_gap", "max_increase", 0.02),
        Rule("accuracy", "max_drop", 0.02),
    ),
    "strict": (
        Rule("ece", "max", 0.03),
        Rule("nll", "max_increase", 0.02, relative=True),
        Rule("brier", "max_increase", 0.02, relative=True),
        Rule("confidence_gap", "max_increase", 0.01),
        Rule("accuracy", "max_drop", 0.01),
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


def for_two_classes(name: str | None, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules for a dump with two classes: those of the preset limit P(positive class) in place of the confidence.

    Rules of one's own stay as they are, and a rule of the preset gives way to one with its new metric.

    >>> ready = preset_rules("recommended", with_baseline=True, with_slices=False)
    >>> [rule.metric for rule in for_two_classes("recommended", ready)]
    ['ece_positive', 'nll', 'brier', 'gap_positive', 'accuracy']
    """
    ready = () if name is None else PRESETS[one_of(name, PRESETS, "preset")]
    places = {rule.place for rule in rules}
    found = []
    for rule in rules:
        if rule.metric in OF_TWO and any(rule is one for one in ready):
            other = replace(rule, metric=OF_TWO[rule.metric])
            found += [] if other.place in places else [other]
        else:
            found.append(rule)
    return tuple(found)


def about_top_label(rules: Sequence[Rule], positive: str) -> tuple[Notice, ...]:
    """What to say of rules that limit the more likely class of each row, where the report is about one of two classes.

    Nothing where another rule limits the same of P(positive class). positive: its name.

    >>> about_top_label([Rule("ece", "max", 0.02)], "churned")[0]
    'ece is about the more likely class of each row; the report is about P("churned"): limit ece_positive'
    >>> about_top_label([Rule("ece", "max", 0.02), Rule("ece_positive", "max", 0.02)], "churned")
    ()
    """
    checked = [rule.metric for rule in rules if rule.severity != "off"]
    named = [one for one in dict.fromkeys(checked) if one in INSTEAD and INSTEAD[one] not in checked]
    if not named:
        return ()
    verb, others = ("is", "") if len(named) == 1 else ("are", " and ")
    instead = [*dict.fromkeys(INSTEAD[one] for one in named)]
    what = f"{others.join((', '.join(named[:-1]), named[-1])) if others else named[0]} {verb}"
    text = f'{what} about the more likely class of each row; the report is about P("{positive:.60}"): limit'
    return (warning("top_label_limited", f"{text} {' and '.join(instead)}"),)


def few_rows(name: str | None, n: float) -> tuple[Notice, ...]:
    """What to say if a dump has far fewer rows than a preset is meant for. name: None without a preset.

    >>> few_rows("recommended", 900)[0]
    'the preset recommended is meant for 3,000 rows or more; with 900 many rules stay inconclusive: a plan says which'
    >>> few_rows("recommended", 1000), few_rows(None, 10)
    ((), ())
    """
    if name is None or 3 * n >= MEANT_FOR[name]:
        return ()
    meant = f"the preset {name} is meant for {MEANT_FOR[name]:,} rows or more"
    text = f"{meant}; with {round(n):,} many rules stay inconclusive: a plan says which"
    return (warning("few_rows_for_preset", text),)


def left_out(name: str, rules: Collection[Rule]) -> tuple[Notice, ...]:
    """What to say about the rules of a preset that are not among those checked.

    Raises: UsageError, with the nearest preset, for an unknown name.

    >>> left_out("recommended", preset_rules("recommended", with_baseline=False, with_slices=False))[0]
    '4 rules of the preset recommended need a baseline and were not checked'
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
