"""Whether a new head is better than the deployed one, which needs no training to get a temperature."""

from __future__ import annotations

from calibeval.core.heads.deployed import DEPLOYED, DeployedHead
from calibeval.core.heads.results import Finetuned
from calibeval.core.metrics.result import MetricResult
from calibeval.words import cells
from calibeval.words.difference import Change, amount, change, could_have_shown

SCALED = f"the {DEPLOYED} with a temperature"


def against_deployed(found: Finetuned) -> str:
    """Whether the new head is better than the deployed one with a temperature, by NLL; empty without a deployed one.

    Where no gain is shown, it says what to do instead. A split that chose the new head favours it, which is said, and
    so is a temperature that is not in the saved head.
    """
    deployed = found.deployed
    difference = None if deployed is None else deployed.pair.differences.get("nll")
    if deployed is None or difference is None:
        return ""
    name, way, rows = deployed.pair.candidate, change(difference), shown_rows(found)
    saved = found.losses[found.chosen]
    if len(saved.seeds) > 1 and saved.kept is not None:  # the table shows means
        name = f"{name} with seed {saved.kept.seed}"
    chose = f" {found.shown.upper()} also chose {name}, which favours it." if found.shown == "val" else ""
    if not found.settings.fold:
        name = f"{name} with its temperature"
    both = [_nll(number) for number in (difference.base, difference.candidate)]
    if way is Change.UNKNOWN:
        return f"Not tested whether {name} is better than {SCALED}: NLL {' → '.join(both)} ({difference.reason})."
    numbers = f"NLL {' → '.join(both) + ', ' if both[0] != both[1] else ''}{amount(difference)}, on {rows}"
    sure = "certainly" if way.certain else "probably"
    if way.better:
        return f"{name} is {sure} better than {SCALED}: {numbers}.{chose}{_apart(found)}"
    none = way.worse or way in (Change.SAME, Change.NEGLIGIBLE)
    if way is Change.SAME:
        text = f"{name} is no better than {SCALED}: both have NLL {both[0]} on {rows}."
    elif way is Change.NEGLIGIBLE:
        text = f"{name} is hardly different from {SCALED}: {numbers}."
    elif way.worse:
        text = f"{name} is {sure} worse than {SCALED}: {numbers}."
    else:
        power = could_have_shown(difference)
        text = (
            f"This sample cannot tell whether {name} is better than {SCALED}: {numbers}{'; ' if power else ''}{power}."
        )
    return f"{text} {_keep(deployed, 'no gain' if none else 'no certain gain')}"


def shown_rows(found: Finetuned) -> str:
    """The rows of the shown split, as both heads of a pair see them."""
    n = found.sources.get(found.shown, {}).get("n")
    return f"the same {f'{n:,} ' if isinstance(n, int) else ''}rows of {found.shown.upper()}"


def _apart(found: Finetuned) -> str:
    """That the saved head is without its temperature, where it is."""
    kept = found.losses[found.chosen].kept
    if found.settings.fold or kept is None or kept.temperature is None:
        return ""
    return f" The saved head is without it: divide its logits by {kept.temperature:.3g}."


def _keep(deployed: DeployedHead, gain: str) -> str:
    """What to do where training shows no gain, or none that is certain."""
    temperature = f"{deployed.temperature:.3g}"
    scaled = "" if temperature == "1" else f", and divide its logits by {temperature}"
    return f"Keep the {DEPLOYED}{scaled or ' as it is'}: training shows {gain}."


def _nll(number: float | None) -> str:
    return cells.value(MetricResult("nll", number))
