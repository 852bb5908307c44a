"""Cases under the conventions of tools that measure image by image, one case in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.conventions.explained import CasesFacts, ImagesExplained
from calibeval.core.data.check_values import check_values
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import Kind
from calibeval.core.dense.as_tools import ToolImage, tool_image
from calibeval.core.dense.case import Case, Cases
from calibeval.core.dense.tool_sums import averaged
from calibeval.core.errors import InputError


class OfCases(NamedTuple):
    """What tools print for cases, and what is known of these."""

    facts: CasesFacts
    images: tuple[ImagesExplained, ...]


class _Counts:
    """What is counted on the way: labelled and ignored pixels, and classes."""

    n = ignored = k = 0


def explain_cases(cases: Cases, *, bins: int | None = None, renormalize: bool = False) -> OfCases:
    """The cases under every convention of tools for segmentations. bins: for all; None: the default of each.

    renormalize: divide probabilities by their sums.

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
        image = tool_image_of(case, cases.facts.kind, cases.facts.ignore_index, renormalize=renormalize)
        if counts.k and len(image.p) != counts.k:
            raise InputError(f"{case.name}: {len(image.p)} classes, but the case before has {counts.k}")
        there = int(image.keep.sum())
        counts.n, counts.ignored, counts.k = counts.n + there, counts.ignored + case.labels.size - there, len(image.p)
        yield image


def tool_image_of(case: Case, kind: Kind, ignore: int | None, *, renormalize: bool = False) -> ToolImage:
    """A case as tools see it. Raises: InputError for labels or scores that cannot be."""
    scores, labels = case.scores.reshape(len(case.scores), -1), case.labels
    if len(scores) == 1:
        scores, kind = _two(scores, kind)
    keep = np.ones(labels.size, np.bool_) if ignore is None else labels.ravel() != ignore
    there = labels.ravel()[keep]
    if len(there) and not (there.min() >= 0 and there.max() < len(scores)):
        odd = there.max() if there.max() >= len(scores) else there.min()
        raise InputError(
            f"{case.name}: a label is {odd}, but labels of {len(scores)} classes are 0 to {len(scores) - 1}; "
            "--ignore-index leaves out pixels that nobody labelled"
        )
    whole = _checked(case, scores, kind, renormalize=renormalize)
    return tool_image(np.ascontiguousarray(whole), kind, labels, keep)


def _checked(case: Case, scores: npt.NDArray[Any], kind: Kind, *, renormalize: bool) -> npt.NDArray[Any]:
    """Scores (k, n), if they are of this kind in every pixel. renormalize: of probabilities, divided by their sums.

    Raises: InputError naming the case and its first wrong pixel.
    """
    _, *space = case.scores.shape
    every = scores.reshape(1, len(scores), -1, space[-1]) if scores.size else scores
    given: dict[str, Any] = {kind: every, "labels": np.zeros((1, *every.shape[2:]), np.intp)}
    try:
        found = Predictions(**given, renormalize=renormalize and kind == "probs")
        check_values(found)
    except InputError as error:
        text = str(error).removeprefix("predictions: ").removeprefix("image 0, ")
        raise InputError(f"{case.name}: {text}") from None
    return np.asarray(found.scores[0 : found.rows]).T


def _two(scores: npt.NDArray[Any], kind: Kind) -> tuple[npt.NDArray[Any], Kind]:
    """The scores of two classes from the one channel of class 1."""
    if kind == "logits":
        return np.concatenate([np.zeros_like(scores), scores]), kind
    p = np.exp(scores) if kind == "log_probs" else scores
    return np.concatenate([1 - p, p]), "probs"
