"""What a dump gives under the conventions of tools that measure image by image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calibeval.core.conventions.images import ImageConvention
from calibeval.core.data.notices import Notice
from calibeval.core.data.row_source import Kind
from calibeval.core.data.source import Source


@dataclass(frozen=True, slots=True)
class ImageMean:
    """A number averaged over images. std: over images, divided by their count; None where the tool has none.

    reason: why there is no number; None if there is.
    """

    name: str
    mean: float | None
    std: float | None = None
    reason: Notice | None = None


@dataclass(frozen=True, slots=True)
class ImagesExplained:
    """The images of one dump under one convention."""

    convention: ImageConvention
    bins: int
    images: int
    numbers: Mapping[str, ImageMean]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CasesFacts:
    """What is known of cases that were measured: as of predictions. n: labelled pixels. ignored: the others."""

    source: Source
    kind: Kind
    n: int
    k: int
    ignored: int
    warnings: tuple[Notice, ...] = ()

    def settled_source(self) -> Source:
        """Where they came from."""
        return self.source
