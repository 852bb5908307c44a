"""The numbers of images as metrics, which rules, comparisons and slices name."""

from __future__ import annotations

from calibeval.core.data.notices import reason
from calibeval.core.metrics.image_names import OF_POSITIVE, OF_ROWS, Spelled
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.per_image import ImageNumber, PerImage
from calibeval.core.report.report import DumpReport


def of_report(dump: DumpReport) -> dict[str, MetricResult]:
    """The numbers of images of a report as metrics, by their names."""
    return of_block(dump.per_image, None if dump.positive is None else dump.positive.index)


def of_block(block: PerImage | None, positive: int | None) -> dict[str, MetricResult]:
    """The numbers of images as metrics, by their names; those that rows have are left out.

    positive: the number of the positive class of two.
    """
    found: dict[str, MetricResult] = {}
    if block is None:
        return found
    every: list[tuple[str | None, ImageNumber]] = [(None, number) for number in block.numbers.values()]
    every += [(one.name, number) for one in block.structures for number in one.numbers.values()]
    for structure, number in every:
        for mean in (False, True):
            if mean or structure is not None or number.name not in OF_ROWS:
                name = Spelled(number.name, mean, structure).name
                found[name] = _as_metric(name, number, mean=mean)
    place = -1 if positive is None else positive - (2 - len(block.structures))  # one without the background
    for called, own in OF_POSITIVE.items() if place >= 0 else ():
        for mean in (False, True) if own not in OF_ROWS else (True,):
            name = Spelled(called, mean).name
            found[name] = _as_metric(name, block.structures[place].numbers[own], mean=mean)
    return found


def _as_metric(name: str, number: ImageNumber, *, mean: bool) -> MetricResult:
    value, low, high = (
        (number.mean, number.mean_low, number.mean_high)
        if mean
        else (number.pooled, number.pooled_low, number.pooled_high)
    )
    why = number.reason
    if value is None and (why is None or why.code != "infinite"):
        why = reason("no_rows", "no image has such pixels")
    elif value is not None and low is not None:
        why = None
    elif value is not None and why is not None:
        why = why.reworded(f"no interval: {why}")
    return MetricResult(name, value, reason=why, low=low, high=high)
