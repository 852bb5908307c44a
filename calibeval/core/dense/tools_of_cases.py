"""Cases under the conventions of tools that measure image by image, one case in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from calibeval.core.conventions.explained import CasesFacts, ImagesExplained
from calibeval.core.data.check_values import check_values
from calibeval.core.data.predictions import Predictions
from calibeval.core.dense.as_tools import ToolImage, tool_image
from calibeval.core.dense.case import OF_CASES, Case, Cases, Facts
from calibeval.core.dense.tool_sums import averaged
from calibeval.core.errors import InputError

_PLACE = re.compile(r"^predictions: (?:image 0, )?")


class OfCases(NamedTuple):
    """What tools print for cases, and what is known of these."""

    facts: CasesFacts
    images: tuple[ImagesExplained, ...]


class _Counts:
    """What is counted on the way: labelled and ignored pixels, and classes."""

    n = ignored = k = 0


def explain_cases(cases: Cases, *, bins: int | None = None, renormalize: bool = False) -> OfCases:
    """The cases under every convention of tools for segmentations. bins: for all; None: the default of each.

    renormalize: as for `Predictions`.

    Raises: InputError for channels that are regions, and for labels or scores that cannot be; as `Cases.read`.
    """
    facts, counts = cases.facts, _Counts()
    check_classes(cases)
    found = averaged(_images(cases, counts, renormalize=renormalize), bins)
    about = CasesFacts(cases.source(()), facts.kind, counts.n, counts.k, counts.ignored, facts.warnings)
    return OfCases(about, found)


def check_classes(cases: Cases) -> None:
    """Refuse channels that are regions. Raises: InputError."""
    if cases.facts.regions is not None:
        names = ", ".join(cases.facts.regions)
        raise InputError(
            f"{cases.facts.source.name}: its channels are regions that may overlap ({names}), and these tools measure "
            "classes of which every pixel has one: `calibeval report` measures each region"
        )


def _images(cases: Cases, counts: _Counts, *, renormalize: bool) -> Iterator[ToolImage]:
    for number in range(len(cases.facts.names)):
        case = cases.read(number)
        image = tool_image_of(case, cases.facts, renormalize=renormalize)
        if counts.k and len(image.p) != counts.k:
            raise InputError(f"{case.name}: {len(image.p)} classes, but the case before has {counts.k}")
        there = int(image.keep.sum())
        counts.n, counts.ignored, counts.k = counts.n + there, counts.ignored + case.labels.size - there, len(image.p)
        yield image


def tool_image_of(case: Case, facts: Facts, *, renormalize: bool = False) -> ToolImage:
    """A case as tools see it, once its scores and labels are known to be right. renormalize: as for `Predictions`.

    Raises: InputError naming the case for labels or scores that cannot be.
    """
    labels, k = case.labels, len(case.scores)
    keep = np.ones(labels.size, np.bool_) if facts.ignore_index is None else labels.ravel() != facts.ignore_index
    there = bool(keep.any())  # without any, predictions are refused
    shape = (1, labels.size // labels.shape[-1], labels.shape[-1])
    try:
        rows = Predictions(
            **{facts.kind: case.scores.reshape(1, k, *shape[1:])},  # type: ignore[arg-type]  # kinds are keywords
            labels=(labels if there else np.zeros_like(labels)).reshape(shape),
            class_names=facts.class_names,
            ignore_index=facts.ignore_index if there else None,
            labels_are="positions",
            renormalize=renormalize,
            source=OF_CASES,
        )
        if there:
            check_values(rows)
    except InputError as error:
        raise InputError(f"{case.name}: {_PLACE.sub('', str(error))}") from None
    scores = np.asarray(rows.scores[0 : rows.rows]).T
    return tool_image(np.ascontiguousarray(scores), rows.kind, labels, keep)
