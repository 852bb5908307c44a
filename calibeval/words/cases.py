"""What is said beside pictures of single cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibeval.core.dense.maps import MOST_SIDE, CaseMaps
from calibeval.core.metrics.ranked import ordinal
from calibeval.core.report.report import DumpReport
from calibeval.core.report.views import by_image
from calibeval.words.images import lead_label, points

COUNTS = ("no", "one", "two", "three")
MOST_SAID = 4  # classes in the description of a picture


def case_said(dump: DumpReport, case: CaseMaps) -> list[str]:
    """Why a case is shown, its numbers, and which slice of it is shown."""
    parts = ["asked for"] if case.asked else []
    judged = by_image(dump)
    if judged is not None and dump.per_image is not None:
        own = [f"{lead_label(judged)} {100 * one.value:.1f} %" for one in judged.spread if one.image == case.name]
        if own and case.rank is not None and dump.per_image.images > 1:
            place = "" if case.rank == 1 else f"{ordinal(case.rank)} "
            own = [f"{own[0]}, the {place}largest of {dump.per_image.images:,}"]
        parts += own[:1]
    if case.accuracy is not None and case.mean_confidence is not None:
        parts.append(f"confidence {100 * case.mean_confidence:.1f} %, accuracy {100 * case.accuracy:.1f} %")
        parts.append(f"gap {points(case.mean_confidence - case.accuracy)} points")
    parts.append(f"{case.n:,} pixels")
    if case.slice is not None:
        number, of, wrong = case.slice
        parts.append(f"slice {number} (of 0 to {of - 1}), the one with the most wrong pixels: {100 * wrong:.1f} %")
    return parts


def which_said(dump: DumpReport, cases: Sequence[CaseMaps]) -> str:
    """Which cases are shown, as a heading."""
    asked, ranked = any(one.asked for one in cases), sum(one.rank is not None for one in cases)
    images = dump.per_image
    error = "ECE" if images is None or images.convention is None else lead_label(by_image(dump))
    worst = f"the {COUNTS[ranked] if ranked > 1 else 'one'} with the largest {error}"
    if asked:
        return "Images that were asked for" + (f", and {worst}" if ranked else "")
    return f"Single images: {worst}" if ranked else "Single images"


def class_named(names: Sequence[str], number: int) -> str:
    """A class in a legend: its name, or "class 3" where that is a number or not known.

    >>> class_named(["0", "organ"], 0), class_named(["0", "organ"], 1), class_named([], 7)
    ('class 0', 'organ', 'class 7')
    """
    name = names[number] if number < len(names) else str(number)
    return f"class {name}" if name.isdigit() else name


def how_said(cases: Sequence[CaseMaps]) -> str:
    """How the gap was smoothed, and pictures made smaller."""
    widths = sorted({round(one.width, 1) for one in cases})
    wide = f"{widths[0]:g}" if len(widths) == 1 else f"{widths[0]:g} to {widths[-1]:g}"
    said = (
        "Gap nearby: the mean of confidence − accuracy over the pixels around each one, with weights of a normal "
        f"density whose standard deviation is {wide} pixel{'' if wide == '1' else 's'} (a fortieth of the longer side)."
    )
    steps = sorted({one.step for one in cases if one.step > 1})
    if steps:
        kept = " or ".join(f"every {ordinal(step)}" for step in steps)
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
        f"{class_named(names, one)} {100 * counts[one] / len(values):.0f} %" for one in map(int, largest) if counts[one]
    ]
    more = int(np.count_nonzero(counts)) - len(said)
    return ", ".join(said) + (f" and {more} more" if more else "")
