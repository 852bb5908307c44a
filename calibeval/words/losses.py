"""Losses side by side in words and cells, for every medium."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import isclose

from calibeval.core.comparison.comparison import Difference
from calibeval.core.heads.deployed import DEPLOYED
from calibeval.core.heads.results import OVERLAP, SHOWN, Finetuned, LossResult, best_of
from calibeval.core.heads.tuning import halving_epoch, that_go_on
from calibeval.core.metrics.result import MetricResult
from calibeval.words import cells
from calibeval.words.deployed import against_deployed, shown_rows
from calibeval.words.difference import Change, amount, change, half_digit

_SAID = ("nll", "ece", "accuracy")
_OVERLAP_LABELS = {"dice": "Dice", "per_image.dice": "mean Dice", "iou": "IoU", "per_image.iou": "mean IoU"}
# What a margin of these losses is compared with.
_EXCEEDS = {"mbls": "logit distance", "acls": "logit or logit distance"}


class Mark(Enum):
    """How a number stands among the losses: certainly better than every other, or the best, but not certainly."""

    NONE = 0
    BEST = 1
    CERTAIN = 2


@dataclass(frozen=True, slots=True)
class MarkedCell:
    """One number as text, and its mark."""

    text: str
    mark: Mark = Mark.NONE


@dataclass(frozen=True, slots=True)
class Half:
    """The table before or after temperature scaling: headings, and the cells of every loss."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[MarkedCell, ...]], ...]


def halves(found: Finetuned) -> tuple[Half, Half]:
    """The table before and after each head's temperature. Accuracy is the same in both."""
    return _half(found, after=False), _half(found, after=True)


def parts(found: Finetuned) -> tuple[Half, ...]:
    """Both halves and, of segmentations, Dice and IoU, which are the same in both."""
    both, images = halves(found), overlap(found)
    return both if images is None else (*both, images)


def overlap(found: Finetuned) -> Half | None:
    """Dice and IoU of every head, pooled and as means over images; None for other rows than pixels."""
    if all(seed.overlap is None for loss in found.rows() for seed in loss.seeds):
        return None
    marks = {name: _marks(found, name, after=False) for name in OVERLAP}
    rows = [
        (loss.name, tuple(MarkedCell(_cell(loss, name, after=False), marks[name][i]) for name in OVERLAP))
        for i, loss in enumerate(found.rows())
    ]
    return Half("overlap", tuple(_OVERLAP_LABELS[name] for name in OVERLAP), tuple(rows))


def sentences(found: Finetuned) -> list[str]:
    """What stands above the table: the deployed head first, if there is one; then the choice, and its rival."""
    return [line for line in (against_deployed(found), sentence(found), paired(found)) if line]


def sentence(found: Finetuned) -> str:
    """The result in a sentence or two: the loss chosen on VAL, its metrics, and those of cross entropy if trained."""
    chosen = found.losses[found.chosen]
    accuracy, ece, nll = (_mean(chosen, name) for name in ("accuracy", "ece", "nll"))
    shown = f"on {found.shown.upper()}"
    who = f"Chosen on VAL: {chosen.name}. O{shown[1:]}" if len(found.losses) > 1 else f"{chosen.name} {shown}"
    text = f"{who}: accuracy {accuracy} %, ECE {ece} %, NLL {nll}"
    plain = next((loss for loss in found.losses if loss.name == "ce"), None)
    if plain is None or plain is chosen:
        return f"{text} after temperature scaling."
    accuracy, ece, nll = (_mean(plain, name) for name in ("accuracy", "ece", "nll"))
    return f"{text} after temperature scaling (cross entropy: {accuracy} %, {ece} %, {nll})."


def saved_head(found: Finetuned) -> str:
    """Which head is saved, in a few words: "Trained head: ls, chosen of 4 losses on VAL"."""
    name, count = found.losses[found.chosen].name, len(found.losses)
    return f"Trained head: {name}" + (f", chosen on VAL among {count} losses" if count > 1 else "")


def paired(found: Finetuned) -> str:
    """How the chosen loss differs from cross entropy, or else from the second on VAL; empty if that was not tested."""
    name = found.losses[found.chosen].name
    of_losses = (one for one in found.pairs if one.candidate == name and one.base != DEPLOYED)
    pair = next((one for one in of_losses if one.after == found.settings.fold), None)
    if pair is None:
        return ""
    there = [pair.differences[metric] for metric in _SAID if metric in pair.differences]
    parts = [f"{cells.label(one.name)} {amount(one)}".rstrip() + f": {change(one).value}" for one in there]
    heads = ", with their temperatures" if pair.after else ", without temperatures"
    return f"{pair.candidate} against {pair.base} on {shown_rows(found)}{heads}: {'; '.join(parts)}."


def legend(found: Finetuned, certain: str, best: str) -> list[str]:
    """What the marks mean, in a line; empty for one head. certain, best: how a medium shows them."""
    if len(found.rows()) == 1:
        return []
    words = "best or tied" if _ties(found) else "best"
    if found.pairs and len(found.losses[0].seeds) == 1:
        there = {cell.mark for half in parts(found) for _, line in half.rows for cell in line}
        sure = f"{certain}: certainly better than every other head, by paired tests" if Mark.CERTAIN in there else ""
        rest = f"{best}: {words}, but not certainly" if Mark.BEST in there else ""
        return ["; ".join(part for part in (sure, rest) if part) + ("" if sure else ", by paired tests")]
    tested = "means over seeds are not tested" if len(found.losses[0].seeds) > 1 else "not tested"
    return [f"{best}: {words} ({tested})"]


def _ties(found: Finetuned) -> bool:
    """Whether several losses share the best number of a column."""
    columns = (column for half in parts(found) for column in zip(*(line for _, line in half.rows), strict=True))
    return any(sum(cell.mark is Mark.BEST for cell in column) > 1 for column in columns)


def notes(found: Finetuned) -> list[str]:
    """What the numbers mean."""
    lines = [f"metrics of {found.shown.upper()}; accuracy, ECE and AECE of the top label, and CWCE, in %; NLL in nats"]
    seeds = len(found.losses[0].seeds)
    if seeds > 1:
        lines.append(f"mean ± standard deviation of {seeds} seeds")
    if overlap(found) is not None:
        lines.append(
            "Dice and IoU: means over classes in %, of all pixels and as means over images; no temperature changes "
            "them, and they are not tested"
        )
    lines += how_rows_count(found)
    if found.deployed is not None:
        lines.append(f"{DEPLOYED}: not trained here; its temperature is fitted on VAL, as those of the other heads")
    lines += [f"{loss.name}: trained with {_parameters(loss)}" for loss in found.losses]
    lines += [*_tuning(found), *_same_heads(found)]
    return [*lines, *found.warnings]


def _tuning(found: Finetuned) -> list[str]:
    """How the parameters were chosen, in a line; nothing without trials."""
    settings = found.settings
    if not settings.trials:
        return []
    text = f"tuned: the best of {settings.trials} candidates per loss on VAL, with {settings.epochs} epochs, as here"
    early = halving_epoch(settings.epochs)
    stopped = early and that_go_on(settings.trials) < settings.trials
    latest = "" if settings.patience is None or settings.patience >= early else " at the latest"
    return [text + (f"; the worse half stopped after {early}{latest}" if stopped else "")]


def how_rows_count(found: Finetuned) -> list[str]:
    """Which splits have weights or soft labels; empty where every row counts once, with one class."""
    lines = []
    for split, source in found.sources.items():
        weights, n = source.get("weights"), source.get("n")
        if weights:
            count, zero = f"{n:,} rows count as {round(weights['effective']):,}", weights["zero"]
            left = f"; {zero:,} of weight 0 are left out" if zero else ""
            lines.append(f'{split.upper()} is weighted by "{weights["column"]}": {count}{left}')
        if source.get("soft_labels"):
            lines.append(f"{split.upper()} has soft labels: the probability of every class")
    return lines


def _same_heads(found: Finetuned) -> list[str]:
    """Which losses trained the head of cross entropy, or nearly that, and what to do."""
    plain = next((loss for loss in found.losses if loss.name == "ce"), None)
    lines = []
    for loss in found.losses:
        same = plain is not None and loss is not plain and _alike(loss, plain, _equal)
        if plain is None or loss is plain or not (same or _alike(loss, plain, _as_shown)):
            continue
        text = f"{loss.name} trained {'the same' if same else 'nearly the same'} head as ce"
        margin, exceeds = loss.parameters.get("margin"), _EXCEEDS.get(loss.name.partition("(")[0])
        if exceeds and margin and loss.parameters.get("alpha"):
            text += f": {'no' if same else 'hardly any'} {exceeds} exceeded its margin {margin:g}"
            text += "; try a smaller margin or --tune"
        lines.append(text)
    return lines


def _alike(loss: LossResult, other: LossResult, equal: Callable[[str, float, float], bool]) -> bool:
    """Whether the metrics of every seed are equal, before and after the temperature."""
    pairs = [
        (name, one.get(name), two.get(name))
        for ours, theirs in zip(loss.seeds, other.seeds, strict=False)
        for one, two in ((ours.before, theirs.before), (ours.after, theirs.after))
        for name in SHOWN
    ]
    return bool(pairs) and all(a is not None and b is not None and equal(name, a, b) for name, a, b in pairs)


def _equal(_: str, one: float, other: float) -> bool:
    """Whether two values are equal up to rounding."""
    return isclose(one, other, rel_tol=1e-6)


def _as_shown(name: str, one: float, other: float) -> bool:
    """Whether two values differ by less than half of the last digit of the table; accuracies do not differ at all."""
    if name == "accuracy":
        return _equal(name, one, other)
    return abs(other - one) < half_digit(Difference(name, one, other, other - one))


def _half(found: Finetuned, *, after: bool) -> Half:
    names = [name for name in SHOWN if not (after and name == "accuracy")]
    marks = {name: _marks(found, name, after=after) for name in names}
    rows = []
    for i, loss in enumerate(found.rows()):
        line = [MarkedCell(_cell(loss, name, after=after), marks[name][i]) for name in names]
        if after:
            line.insert(0, MarkedCell(_temperature(loss)))
        rows.append((loss.name, tuple(line)))
    headings = [*(["T"] if after else []), *(cells.label(name) for name in names)]
    return Half("after temperature" if after else "before", tuple(headings), tuple(rows))


def _marks(found: Finetuned, name: str, *, after: bool) -> list[Mark]:
    """The mark of every loss in one column; what looks like the best is marked, too, unless the best is certain."""
    losses = found.rows()
    best = best_of(losses, name, after=after)
    if best is None or len(losses) == 1:
        return [Mark.NONE] * len(losses)
    if _is_certain(found, best, name, after=after):
        return [Mark.CERTAIN if i == best else Mark.NONE for i in range(len(losses))]
    texts = [cells.value(MetricResult(_shape(name), loss.mean(name, after=after))) for loss in losses]
    return [Mark.BEST if text == texts[best] else Mark.NONE for text in texts]


def _is_certain(found: Finetuned, best: int, name: str, *, after: bool) -> bool:
    """Whether every other loss with a head is certainly worse; accuracies are compared before the temperature."""
    if len(found.losses[0].seeds) > 1 or name in OVERLAP:
        return False
    rows = found.rows()
    own = rows[best]
    found_worse = {
        pair.candidate: change(pair.differences[name]) is Change.WORSE
        for pair in found.pairs
        if pair.base == own.name and pair.after == after and name in pair.differences
    }
    others = [one.name for one in rows if one is not own and one.mean(name, after=after) is not None]
    return bool(others) and all(found_worse.get(one, False) for one in others)


def _cell(loss: LossResult, name: str, *, after: bool) -> str:
    mean, deviation = loss.mean(name, after=after), loss.deviation(name, after=after)
    text = cells.value(MetricResult(_shape(name), mean))
    if deviation is None or mean is None:
        return text
    places = len(text.partition(".")[2])
    scaled = 100 * deviation if cells.unit(_shape(name)) == "%" else deviation
    return f"{text} ± {scaled:.{places}f}"


def _shape(name: str) -> str:
    """A metric that is written alike."""
    return "accuracy" if name in OVERLAP else name


def _mean(loss: LossResult, name: str) -> str:
    """The mean after temperature scaling, which does not change the accuracy."""
    return cells.value(MetricResult(name, loss.mean(name, after=True)))


def _temperature(loss: LossResult) -> str:
    mean = loss.temperature()
    return cells.NULL if mean is None else f"{mean:.3g}"


def _parameters(loss: LossResult) -> str:
    shown = [(name, value) for name, value in loss.parameters.items() if not isinstance(value, bool)]
    return ", ".join(f"{name} {value:g}" for name, value in shown if isinstance(value, float | int))
