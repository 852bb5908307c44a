"""Slices whose words stand for more than a column of the dump: bands of training images."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.shot_names import SHOT_COLUMNS, SHOTS
from calibeval.core.data.shots import BANDS, Shots, TrainingCounts, shots_word
from calibeval.core.errors import UsageError
from calibeval.core.report.report import DumpReport
from calibeval.core.report.shots import ShotBand


def with_shots(
    predictions: Predictions, slices: tuple[str, ...], cut: tuple[str, ...] = SHOT_COLUMNS
) -> tuple[Predictions, tuple[str, ...], Shots | None]:
    """The predictions with the columns that shots:FILE stands for, and slices by these columns in its place.

    cut: those of the columns by which slices are made.
    Raises: UsageError for two of them, and for a dump without classes; InputError for a file that does not fit it.
    """
    words = {name: word for name in slices if name not in predictions.columns and (word := shots_word(name))}
    if not words:
        return predictions, slices, None
    if len(words) > 1:
        raise UsageError(f"slices by training images are made once: {' and '.join(words)} exclude each other")
    ((name, word),) = words.items()
    if predictions.k is None:
        raise UsageError(
            f'{predictions.source.name}: there are no slices by "{SHOTS}": the dump has the top label only'
        )
    classes = predictions.class_names or tuple(map(str, range(predictions.k)))
    found: TrainingCounts = elsewhere("calibeval.readers.shots", "read_shots")(word.file, classes)
    shots = Shots(word, found.of_classes(predictions))
    place = slices.index(name)
    columns = tuple(dict.fromkeys((*slices[:place], *cut, *slices[place + 1 :])))
    return shots.columns(predictions), columns, shots


def with_bands(report: DumpReport, shots: Shots) -> DumpReport:
    """The report with the class-wise errors of many, medium and few, each over all rows."""
    found = []
    for code, name in enumerate(BANDS):
        chosen = [one for one, own in zip(report.per_class, shots.codes.tolist(), strict=False) if own == code]
        counts = shots.counts[shots.codes == code]
        if not chosen:
            continue
        floors = [one.floor for one in chosen if one.floor is not None]
        band = ShotBand(
            name=name,
            classes=len(chosen),
            least=int(counts.min()),
            most=int(counts.max()),
            support=sum(one.support for one in chosen),
            cwce=sum(one.calibration_error for one in chosen) / len(chosen),
            floor=sum(floors) / len(chosen) if len(floors) == len(chosen) else None,
            gap=sum(one.gap for one in chosen),
        )
        found.append(band)
    return replace(report, shots=tuple(found))
