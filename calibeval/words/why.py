"""Why a rule did not pass, in words: what moved its metric, and what a temperature would do."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.data.columns import TRUE_CLASS
from calibeval.core.data.notices import Notice
from calibeval.core.gating.movers import Part
from calibeval.core.gating.ruling import Judged, RuleVerdict, Trial
from calibeval.core.metrics.table import EVERY
from calibeval.words import cells
from calibeval.words.rules import change_unit, harmless, shown_interval, shown_value, sized
from calibeval.words.signs import signed

_LITTLE = 0.1
# Other parts are mentioned if they take back at least this share.
_CANCELLED = 0.1
LEFT_TO_GAIN = (
    "this is what a map fitted out of fold takes away, so a map passes this rule by its definition: fit one with "
    "calibeval fit, and limit nll, brier or ece"
)
_NOTHING = Judged(None, None, None, None, None, None, None, None, "error", Notice(""))


def why_lines(judged: RuleVerdict, level: float = 0.95) -> list[str]:
    """What moved the metric, and what the rule would say after a temperature, a line each. level: of the settings.

    >>> from calibeval.core.gating.rules import Rule
    >>> from calibeval.core.gating.ruling import Trial, Why
    >>> rule, parts = Rule("ece", "max", 0.03), (Part("light", "night", 0.75, 0.25, 0.0, 640, 0.08),)
    >>> why_lines(RuleVerdict(rule, "fail", "", None, why=Why(False, parts, Trial(0.05, False))))[0]
    'light=night (640 rows, gap +8.0): 75 % of the error, 25 % of the rows'
    """
    why, metric, lines = judged.why, judged.rule.metric, []
    if why is None:
        return []
    if why.parts:
        whole = "change" if why.change else "error"
        lines += [_part(part, whole) for part in why.parts]
    elif why.parts is not None:
        lines.append("no single bin, class or slice accounts for much of it")
    if metric == "accuracy":
        lines.append("a temperature cannot change the accuracy")
    elif EVERY[metric].left_to_gain:
        lines.append(LEFT_TO_GAIN)
    elif why.temperature is not None:
        lines.append(_tried(judged, why.temperature, level))
    return lines


def _tried(judged: RuleVerdict, trial: Trial, level: float) -> str:
    """What the rule would say after a temperature, with the numbers that decide."""
    rule, still = judged.rule, trial.verdict == judged.verdict
    name = sized(rule.metric)
    seen = replace(
        judged.decisive or _NOTHING,
        value=trial.value if trial.change is None else trial.change,
        low=trial.low,
        high=trial.high,
        centre=trial.corrected,
        interval_level=trial.interval_level,
    )
    unit = change_unit(rule.metric) if trial.change is not None else cells.unit(rule.metric)
    what = f"{name} change" if trial.change is not None else name
    numbers = f"{what} {shown_value(judged, seen)} {unit}".rstrip()
    inside = shown_interval(judged, seen, level)
    numbers += f"{'' if inside.startswith('[') or not inside else ', corrected'} {inside}".rstrip()
    found = "" if trial.temperature is None else f" of {trial.temperature:.3g}"
    if trial.verdict is None:  # as 0.1.0 wrote it
        return f"a temperature would {'' if trial.repairs else 'not '}repair it: {numbers}"
    if still and _moves_little(judged, trial):
        after = "this rule would still fail" if trial.verdict == "fail" else "this rule would stay undecided"
        return f"a temperature{found} changes little, {after}: {numbers}"
    if trial.verdict == "inconclusive":
        return f"a temperature{found} would {'leave' if still else 'make'} it undecided: {numbers}"
    return f"a temperature{found} would {'' if trial.verdict == 'pass' else 'not '}repair it: {numbers}"


def _moves_little(judged: RuleVerdict, trial: Trial) -> bool:
    """Whether what the rule judges moves by less than a tenth of its interval's width."""
    before, after = judged.decisive, trial.value if trial.change is None else trial.change
    if before is None or before.value is None or before.low is None or before.high is None:
        return False
    after = abs(after) if EVERY[judged.rule.metric].better == "zero" and trial.change is None else after
    return abs(after - before.value) < _LITTLE * (before.high - before.low)


def _part(part: Part, whole: str) -> str:
    """A part of the rows with its numbers, and what it contributes."""
    labelled = part.kind == TRUE_CLASS and part.gap is not None  # only some rows; a class-wise error is one of all rows
    name = f"{part.kind} {part.name}" if part.kind in ("bin", TRUE_CLASS) else f"{part.kind}={part.name}"
    name = f"rows labelled {part.name}" if labelled else name
    facts = [] if part.n is None else [cells.plural(part.n, "row")]
    if part.gap is not None:
        facts.append(_against_accuracy(100 * part.gap) if labelled else f"gap {signed(100 * part.gap, 1)}")
    text = harmless(name) + (f" ({', '.join(facts)})" if facts else "")
    text += f": {100 * part.share:.0f} % of the {whole}, {100 * part.rows:.0f} % of the rows"
    if part.cancelled is not None and part.cancelled >= _CANCELLED:
        others = {"bin": "bins", TRUE_CLASS: "classes"}.get(part.kind, "rows")
        text += f", before other {others} take {100 * part.cancelled:.0f} % of it back"
    return text


def _against_accuracy(points: float) -> str:
    """The gap in words: among the rows of one label it is no error by itself, and nothing else is called so there.

    >>> _against_accuracy(48.04), _against_accuracy(-0.04)
    ('confidence 48.0 points above accuracy', 'confidence equal to accuracy')
    """
    size = f"{abs(points):.1f}"
    if not float(size):
        return "confidence equal to accuracy"
    return f"confidence {size} points {'above' if points > 0 else 'below'} accuracy"
