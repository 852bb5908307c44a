"""The training curves of every loss on the same axes: small panels, and their numbers as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calibeval.core.heads.history import EpochFacts
from calibeval.core.heads.results import LossResult
from calibeval.render.page.marks import Tick, pct
from calibeval.words import digits
from calibeval.words.marks import plain, round_ticks

_NAME, _ROOM = 60, 0.06
# Of all losses together; of more epochs, every second is shown, or every third, and so on.
MOST_EPOCHS = 600

Value = Callable[[EpochFacts], float | None]


@dataclass(frozen=True, slots=True)
class Stroke:
    """One curve. kind: its look. lines: coordinates from 0 to 100, in pieces where epochs are missing; dots: alone."""

    kind: str
    lines: tuple[str, ...]
    dots: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One quantity over the epochs."""

    title: str
    strokes: tuple[Stroke, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """The curves of one loss. chosen: the place of the epoch that was kept; rows: the numbers of the curves."""

    name: str
    chosen: str
    epoch: int
    description: str
    panels: tuple[Panel, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """All losses. ticks: epochs. step: of the epochs that are shown. cut: whether a training loss leaves its axis."""

    curves: tuple[Curve, ...]
    ticks: tuple[Tick, ...]
    step: int
    cut: bool


_PANELS: tuple[tuple[str, tuple[tuple[str, Value], ...]], ...] = (
    (
        "loss, nats",
        (
            ("train", lambda epoch: epoch.train_loss),
            ("val", lambda epoch: epoch.val_nll),
            ("after", lambda epoch: epoch.val_nll_after),
        ),
    ),
    ("accuracy, %", (("val", lambda epoch: _percent(epoch.val_accuracy)),)),
    ("ECE, %", (("val", lambda epoch: _percent(epoch.val_ece)),)),
)


def curves(losses: Sequence[LossResult], epochs: Sequence[tuple[EpochFacts, ...]]) -> Curves | None:
    """The curves of the saved heads; None if the history has none.

    Axes are the same for all losses. That of the loss is for NLLs on VAL, up to half of its length more for training
    losses, which may be of another size.
    """
    last = max((epoch.number for own in epochs for epoch in own), default=0)
    if not last:
        return None
    step = -(-sum(map(len, epochs)) // MOST_EPOCHS)
    kept = [0 if loss.kept is None else loss.kept.epoch for loss in losses]
    shown = [
        tuple(e for e in own if (e.number - 1) % step == 0 or e.number in (one, own[-1].number))
        for own, one in zip(epochs, kept, strict=True)
    ]
    loss, accuracy, ece = (_range(values, shown) for _, values in _PANELS)
    ranges, (least, most) = (loss, accuracy, (0.0, ece[1])), loss
    return Curves(
        curves=tuple(
            _curve(loss, own, one, last, ranges) for loss, own, one in zip(losses, shown, kept, strict=True) if own
        ),
        ticks=tuple(Tick(pct(_place(t, last)), f"{t:g}") for t in _epoch_ticks(last)),
        step=step,
        cut=any(e.train_loss is not None and not least <= e.train_loss <= most for own in shown for e in own),
    )


def _epoch_ticks(last: int) -> list[float]:
    """Whole numbers: the first epoch, round ones, and the last unless it is close to one of these."""
    between = [t for t in round_ticks(0.0, float(last), 4) if 1 < t < last and t == int(t)]
    return [1.0, *(t for t in between if 0.12 * last < t < 0.86 * last), *([float(last)] if last > 1 else [])]


def _range(values: Sequence[tuple[str, Value]], every: Sequence[Sequence[EpochFacts]]) -> tuple[float, float]:
    """From the least to the most, with some room; training losses may add half of that."""
    of_val = [y for kind, value in values if kind != "train" for y in _numbers(value, every)]
    of_train = [y for kind, value in values if kind == "train" for y in _numbers(value, every)]
    low, high = min(of_val, default=0.0), max(of_val, default=1.0)
    half = 0.5 * (high - low)
    low, high = (
        f((end, *(y for y in of_train if low - half <= y <= high + half))) for f, end in ((min, low), (max, high))
    )
    room = _ROOM * (high - low) or 0.1 * abs(high) or 0.1
    return low - room, high + room


def _numbers(value: Value, every: Sequence[Sequence[EpochFacts]]) -> list[float]:
    return [y for own in every for epoch in own if (y := value(epoch)) is not None]


def _curve(
    loss: LossResult, own: Sequence[EpochFacts], kept: int, last: int, ranges: Sequence[tuple[float, float]]
) -> Curve:
    panels = tuple(
        Panel(title, tuple(_stroke(kind, value, own, last, low, high) for kind, value in values), _ticks(low, high))
        for (title, values), (low, high) in zip(_PANELS, ranges, strict=True)
    )
    first, best = own[0], next((epoch for epoch in own if epoch.number == kept), own[-1])
    said = (
        f"{len(own)} epochs, {kept} kept: NLL on VAL {_nats(first.val_nll)} in the first, {_nats(best.val_nll)} in that"
    )
    name = plain(loss.name, _NAME)
    return Curve(name, pct(_place(kept, last)) if kept else "", kept, said, panels, tuple(map(_row, own)))


def _stroke(kind: str, value: Value, own: Sequence[EpochFacts], last: int, low: float, high: float) -> Stroke:
    pieces: list[list[tuple[float, float]]] = [[]]
    for epoch in own:
        y = value(epoch)
        if y is None:
            pieces.append([])
        else:
            pieces[-1].append((_place(epoch.number, last), 1.0 - (y - low) / (high - low)))
    lines = tuple(" ".join(f"{100 * x:.2f},{100 * y:.2f}" for x, y in piece) for piece in pieces if len(piece) > 1)
    return Stroke(kind, lines, tuple(Tick(pct(p[0][0]), pct(p[0][1])) for p in pieces if len(p) == 1))


def _ticks(low: float, high: float) -> tuple[Tick, ...]:
    return tuple(Tick(pct(1.0 - (t - low) / (high - low)), f"{t:g}") for t in round_ticks(low, high, 4))


def _place(epoch: float, last: int) -> float:
    return (epoch - 1) / (last - 1) if last > 1 else 0.5


def _row(epoch: EpochFacts) -> tuple[str, ...]:
    percents = (_percent(epoch.val_accuracy), _percent(epoch.val_ece))
    return (
        f"{epoch.number}",
        *(_nats(value) for value in (epoch.train_loss, epoch.val_nll, epoch.val_nll_after)),
        *(digits.NULL if value is None else f"{value:.2f}" for value in percents),
    )


def _nats(value: float | None) -> str:
    return digits.NULL if value is None else f"{value:.4g}"


def _percent(value: float | None) -> float | None:
    return None if value is None else 100.0 * value
