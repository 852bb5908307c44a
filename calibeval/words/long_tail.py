"""Many, medium and few training images a class, in words."""

from __future__ import annotations

from pathlib import PurePath

from calibeval.core.data.shot_names import SHOTS_PREDICTED, SHOTS_TRUE
from calibeval.core.data.shots import ShotsWord, shots_word
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.report.shots import ShotBand
from calibeval.words import cells
from calibeval.words.signs import signed
from calibeval.words.tabled import Tabled


def tail_table(dump: DumpReport, settings: Settings) -> Tabled | None:
    """The bands of training images; None without them."""
    if dump.shots is None:
        return None
    word = next((word for text in settings.slices if (word := shots_word(text)) is not None), None)
    title = "classes by training images"
    return Tabled(
        title=title if word is None else f"{title} in {PurePath(word.file).name}",
        said="" if word is None else _limits(word),
        heads=("images", "classes", "rows", "accuracy %", "NLL", "gap", "CWCE %", "if calibrated", "share"),
        rows=tuple((band.name, _cells(dump, band)) for band in dump.shots),
        notes=(
            "rows, accuracy and NLL: by true class, within which no model is calibrated; gap: by predicted class",
            "CWCE: mean over these classes, of all rows; share: their mean probability minus their frequency",
        ),
    )


def _limits(word: ShotsWord) -> str:
    return f"many > {word.many:,}, medium {word.few:,}–{word.many:,}, few < {word.few:,}"


def _cells(dump: DumpReport, band: ShotBand) -> tuple[str, ...]:
    accuracy, nll = (_value(dump, SHOTS_TRUE, band, name) for name in ("accuracy", "nll"))
    images = f"{band.least:,}" if band.least == band.most else f"{band.least:,}–{band.most:,}"
    return (
        images,
        f"{band.classes:,}",
        f"{band.support:,}",
        accuracy,
        nll,
        _value(dump, SHOTS_PREDICTED, band, "confidence_gap"),
        cells.value(MetricResult("cwce", band.cwce)),
        cells.NULL if band.floor is None else cells.value(MetricResult("cwce", band.floor)),
        signed(100 * band.gap, 2),
    )


def _value(dump: DumpReport, column: str, band: ShotBand, metric: str) -> str:
    """A metric of the rows of a band, by true or predicted class; a dash for too few rows."""
    for one in dump.slices or ():
        if (one.column, one.value) == (column, band.name) and metric in one.metrics:
            return cells.value(one.metrics[metric])
    return cells.NULL
