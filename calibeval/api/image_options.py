"""How images are read and counted where models are compared or judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from calibeval.readers.cases.names import as_spacing

if TYPE_CHECKING:
    from calibeval.readers.meaning.read_options import ReadOptions


class ImageOptions(NamedTuple):
    """layout: who wrote a folder of cases. background: what is left out of class 0. spacing: the size of a voxel."""

    layout: str | None = None
    background: str | None = None
    spacing: str | Sequence[float] | None = None

    def reading(self, options: ReadOptions) -> ReadOptions:
        """The options of a folder of cases. Raises: UsageError for a spacing that cannot be."""
        return options if self.spacing is None else replace(options, spacing=as_spacing(self.spacing))

    def over(self, usual: ImageOptions) -> ImageOptions:
        """With those of a file of rules where none is given.

        >>> ImageOptions(background="include").over(ImageOptions("monai", "exclude-label"))
        ImageOptions(layout='monai', background='include', spacing=None)
        """
        return ImageOptions(
            self.layout or usual.layout,
            self.background or usual.background,
            usual.spacing if self.spacing is None else self.spacing,
        )

    def refuse(self) -> None:
        """Refuse what is said of a folder of cases where there is none. Raises: UsageError."""
        from calibeval.api.cases import no_cases

        no_cases(self.layout, self.spacing)
