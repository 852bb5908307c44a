"""The sentences about a candidate: whether it is better calibrated, right more often, and in which direction it errs.

They say what every row of the table says: a metric that is better or worse, certainly or likely, is named in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Difference
from calibeval.words import cells
from calibeval.words.difference import Change, amount, change, could_have_shown, finding
from calibeval.words.digits import scaled
from calibeval.words.direction import direction
from calibeval.words.score_tests import p_said
from calibeval.words.shown import compared_among, compares_positive

# What a headline says about a metric: better, and worse.
_SAID = {
    "ece": ("better calibrated than", "worse calibrated than"),
    "accuracy": ("right more often than", "right less often than"),
}
_POSITIVE = {"ece_positive": _SAID["ece"], "accuracy": _SAID["accuracy"]}  # of two classes


def comparison_headline(candidate: Candidate, names: tuple[str, str], base: ComparedDump | None = None) -> list[str]:
    """The sentences about a candidate: first calibration, then accuracy, as far as the sample can tell.

    names: of candidate and base. base: its bins tell whether its gap is beyond noise.

    >>> from calibeval.core.comparison.comparison import ComparedDump
    >>> from calibeval.core.data.predictions import Source
    >>> ece = Difference("ece", 0.126, 0.015, -0.111, -0.1203, -0.1021, 1e-15, 0.013)
    >>> candidate = Candidate(ComparedDump("b", Source(), "probs", 5000, 10), "id", {"ece": ece})
    >>> comparison_headline(candidate, ("b", "a"))[0]
    'b is certainly better calibrated than a: ECE 12.60 → 1.50, −11.1 points [−12.0, −10.2].'
    """
    differences = candidate.differences
    same = _the_same([differences[name] for name in compared_among(differences)], names)
    if same:
        return [same]
    said = _said(differences)
    if differences and differences.keys().isdisjoint(said):  # only other metrics were chosen
        told = "; ".join(part for part in (_decided(differences, ()), _moved(differences)) if part)
        return [f"{names[0]} against {names[1]}: {told or 'this sample cannot tell a difference'}."]
    sentences = [one for one in (_sentence(candidate, names, name) for name in said) if one]
    if not sentences:
        return [f"{names[0]} and {names[1]} could not be compared."]
    lead = next(name for name in said if name in differences)
    aside = _beside(differences, lead)
    sentences[0] = " ".join([sentences[0], *aside[:1]] if aside and aside[0].startswith("But") else sentences[:1])
    also = [one for one in aside if one.startswith("Also")]
    return [*sentences, *direction(candidate, base), *also]


def _said(differences: Mapping[str, Difference]) -> Mapping[str, tuple[str, str]]:
    """The metrics that have sentences, with their words: of two classes, the calibration error of P(positive class)."""
    return _POSITIVE if compares_positive(differences) else _SAID


def _the_same(differences: Iterable[Difference], names: tuple[str, str]) -> str:
    """The sentence about two dumps that do not differ; empty if no metric was compared."""
    found = [one for one in differences if one.difference is not None]
    if not found:
        return ""
    if all(one.difference == 0.0 and change(one) is Change.SAME for one in found):
        return f"{names[0]} and {names[1]} are the same: no metric differs."
    if all(change(one) is Change.SAME for one in found):
        return f"{names[0]} and {names[1]} are the same up to rounding: no metric differs in a digit that is shown."
    if all(change(one) in (Change.SAME, Change.NEGLIGIBLE) for one in found):
        return f"{names[0]} and {names[1]} are nearly the same: no metric differs in a digit that is shown."
    return ""


def _beside(differences: Mapping[str, Difference], lead: str) -> list[str]:
    """Sentences with the other metrics that are better or worse: first those that the first sentence does not imply."""
    found = change(differences[lead])
    agree = [way for way in ("better", "worse") if getattr(found, way)]
    against = _decided(differences, agree)
    parts = [f"But {against}."] if against else []
    with_it = _decided(differences, [way for way in ("better", "worse") if way not in agree]) if agree else ""
    return [*parts, *([f"Also {with_it}."] if with_it else [])]


def _decided(differences: Mapping[str, Difference], without: Iterable[str]) -> str:
    """The metrics that are better and worse: "better: NLL, OE (certain); worse: CWCE (likely)". without: a way."""
    parts: list[str] = []
    said = {*_said(differences), *(("brier",) if "brier_positive" in differences else ())}  # half of it is said
    changes = {name: change(differences[name]) for name in compared_among(differences) if name not in said}
    for way in ("better", "worse"):
        if way in without:
            continue
        by_certainty = [
            f"{', '.join(cells.label(name) for name in found)} ({'certain' if sure else 'likely'})"
            for sure in (True, False)
            if (found := [name for name, one in changes.items() if getattr(one, way) and one.certain is sure])
        ]
        parts += [f"{way}: {', '.join(by_certainty)}"] if by_certainty else []
    return "; ".join(parts)


def _moved(differences: Mapping[str, Difference]) -> str:
    """The metrics that moved in a direction that is neither good nor bad in itself: "T closer to 1 (certain)"."""
    there = {name: differences[name] for name in compared_among(differences) if change(differences[name]).moved}
    said = {name: finding(one).partition(", ") for name, one in there.items()}
    return "; ".join(f"{cells.label(name)} {way} ({sure})" for name, (way, _, sure) in said.items())


def _sentence(candidate: Candidate, names: tuple[str, str], name: str) -> str:
    difference = candidate.differences.get(name)
    if difference is None or difference.base is None or difference.candidate is None:
        return ""
    found, (better, worse) = change(difference), {**_SAID, **_POSITIVE}[name]
    label = name if name == "accuracy" else cells.label(name)
    values = " → ".join(f"{scaled(name, value):.2f}" for value in (difference.base, difference.candidate))
    if found.better or found.worse:
        said = f"{'certainly' if found.certain else 'probably'} {better if found.better else worse}"
        return f"{names[0]} {_verb(names[0])} {said} {names[1]}: {label} {values}, {amount(difference)}."
    if found is Change.SAME:
        return f"{label[:1].upper()}{label[1:]} is the same in both: {scaled(name, difference.base):.2f}."
    if found is Change.NEGLIGIBLE:
        return f"{label[:1].upper()}{label[1:]} is nearly the same in both: {values}, {amount(difference)}."
    asked = f"whether {names[0]} {_verb(names[0])} {better} {names[1]}"
    if found is Change.UNKNOWN:
        return f"Not tested {asked}: {label} {values} ({difference.reason})."
    power = _by_chance(difference) if found is Change.CHANCE else could_have_shown(difference)
    numbers = f"{label} {values}, {amount(difference)}{'; ' if power else ''}{power}"
    return f"This sample cannot tell {asked}: {numbers}."


def _by_chance(difference: Difference) -> str:
    """Why an interval without 0 shows no difference."""
    if difference.p is None or difference.p_holm is None:
        return ""
    corrected = cells.p_value(difference.p_holm)
    return f"{p_said(difference.p)}, but {corrected} after correction for the number of metrics tested"


def _verb(name: str) -> str:
    """The verb behind a name.

    >>> _verb("a.npz"), _verb("4 files of sums")
    ('is', 'are')
    """
    return "are" if name.endswith(" files of sums") else "is"
