"""What is said beside pictures of single cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibeval.core.dense.maps import MOST_SIDE, CaseMaps
from calibeval.core.report.report import DumpReport
from calibeval.words.images import points

MOST_SAID = 4  # classes in the description of a picture


def case_said(dump: DumpReport, case: CaseMaps) -> str:
    """The numbers of a case, and which slice of it is shown."""
    parts = []
    known = () if dump.per_image is None else dump.per_image.ece_of_images
    own = [one.value for one in known if one.image == case.name]
    if own:
        parts.append(f"ECE {100 * own[0]:.1f} %")
    if case.accuracy is not None and case.mean_confidence is not None:
        parts.append(f"confidence {100 * case.mean_confidence:.1f} %, accuracy {100 * case.accuracy:.1f} %")
        parts.append(f"gap {points(case.mean_confidence - case.accuracy)} points")
    parts.append(f"{case.n:,} pixels")
    if case.slice is not None:
        number, of, wrong = case.slice
        parts.append(f"slice {number} (of 0 to {of - 1}), the one with the most wrong pixels: {100 * wrong:.1f} %")
    return " · ".join(parts)


def how_said(cases: Sequence[CaseMaps]) -> str:
    """How the gap was smoothed, and pictures made smaller."""
    widths = sorted({round(one.width, 1) for one in cases})
    wide = f"{widths[0]:g}" if len(widths) == 1 else f"{widths[0]:g} to {widths[-1]:g}"
    said = (
        "Confidence − accuracy nearby: the mean over the pixels around each one, with weights of a normal density "
        f"whose standard deviation is {wide} pixel{'' if wide == '1' else 's'} (a fortieth of the longer side)."
    )
    steps = sorted({one.step for one in cases if one.step > 1})
    if steps:
        kept = " or ".join(f"every {_ordinal(step)}" for step in steps)
        said += f" Pictures have at most {MOST_SIDE} pixels a side: of larger images, {kept} row and column is shown."
    return said


def picture_said(name: str, case: CaseMaps, names: Sequence[str]) -> str:
    """What a picture shows, in words.

    name: of the picture. names: of the classes.
    """
    if name == "image":
        return "The image"
    if name in ("label", "prediction"):
        shares = _shares(case, name, names)
        return f"{'Labels' if name == 'label' else 'Predictions'}: {shares}" if shares else "No pixel counts"
    there = case.counts
    if not there.any():
        return "No pixel counts"
    if name == "confidence":
        low, middle, high = np.quantile(case.confidence[there], [0.05, 0.5, 0.95]) * 100
        return f"Confidence: median {middle:.0f} %, 90 % of pixels from {low:.0f} to {high:.0f} %"
    if name == "error":
        wrong = case.wrong
        if not wrong.any():
            return "Errors: none"
        sure = 100 * case.confidence[wrong].mean()
        return f"Errors: {100 * wrong.sum() / there.sum():.1f} % of pixels, with a mean confidence of {sure:.0f} %"
    gap = case.gap[there]
    over, under = 100 * (gap > 0.1).mean(), 100 * (gap < -0.1).mean()
    return f"More than 10 points over-confident around {over:.0f} % of pixels, under-confident around {under:.0f} %"


def _shares(case: CaseMaps, name: str, names: Sequence[str]) -> str:
    values = (case.labels if name == "label" else case.predicted)[case.counts]
    if not len(values):
        return ""
    counts = np.bincount(values)
    largest = np.argsort(-counts, kind="stable")[:MOST_SAID]
    said = [
        f"{names[one] if one < len(names) else f'class {one}'} {100 * counts[one] / len(values):.0f} %"
        for one in map(int, largest)
        if counts[one]
    ]
    more = int(np.count_nonzero(counts)) - len(said)
    return ", ".join(said) + (f" and {more} more" if more else "")


def _ordinal(step: int) -> str:
    """A number as in "every 2nd".

    >>> [_ordinal(step) for step in (2, 3, 4, 11, 22)]
    ['2nd', '3rd', '4th', '11th', '22nd']
    """
    ending = "th" if step % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th")
    return f"{step}{ending}"
