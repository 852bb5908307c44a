"""The pictures of a report: which cases are shown, and what is read of them again."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calibeval.core.data.predictions import Predictions
    from calibeval.core.dense.case import Cases
    from calibeval.core.dense.maps import CaseMaps
    from calibeval.core.report.report import DumpReport
    from calibeval.readers.cases.photos import Photos
    from calibeval.readers.stored.limits import Limits


class Pictures:
    """Collects the maps of cases, dump by dump.

    show: names or numbers of cases; the three with the largest error are shown, too. images: the folder of the images.
    wanted: whether anything is shown at all.
    Raises: FileProblem, InputError for a folder that holds no images.
    """

    def __init__(
        self, show: Sequence[str] = (), images: Path | None = None, limits: Limits | None = None, *, wanted: bool = True
    ) -> None:
        self._show, self._wanted = tuple(show), wanted
        self._maps: list[tuple[CaseMaps, ...]] = []
        self._photos: Photos | None = None
        if images is not None and limits is not None:
            from calibeval.readers.cases.photos import Photos

            self._photos = Photos(images, limits)

    def check(self, cases: Cases) -> None:
        """Refuse names that no case has, before anything is measured. Raises: UsageError; InputError for images."""
        from calibeval.core.dense.shown import found_case

        if self._photos is not None:
            self._photos.check(cases.facts.names)

        for word in self._show:
            found_case(word, cases.facts.names)

    def check_dump(self, predictions: Predictions) -> None:
        """The same for one array. Raises: UsageError, also for predictions that are no images."""
        if not self._show and self._photos is None:
            return
        from calibeval.core.dense.of_dump import has_images
        from calibeval.core.dense.shown import DumpCases
        from calibeval.core.errors import UsageError

        if has_images(predictions):
            self.check(DumpCases(predictions))
        else:
            flag = "--show" if self._show else "--images"
            raise UsageError(f"{predictions.source.name}: {flag} is for segmentations, but its rows are no pixels")

    def checked(self, predictions: Predictions) -> Predictions:
        """The predictions, whose images can be shown. Raises: as `check_dump`."""
        self.check_dump(predictions)
        return predictions

    def add(self, dump: DumpReport, cases: Cases) -> None:
        """The maps of the cases of one dump."""
        if not self._wanted:
            return
        from calibeval.core.dense.shown import shown_maps

        self._maps.append(shown_maps(dump, cases, self._show, self._photos))

    def add_dump(self, dump: DumpReport, predictions: Predictions) -> None:
        """The maps of the images in one array; none for other rows."""
        if dump.per_image is None or not self._wanted:
            self._maps.append(())
            return
        from calibeval.core.dense.shown import DumpCases

        self.add(dump, DumpCases(predictions))

    def by_name(self, dumps: Sequence[DumpReport]) -> dict[str, tuple[CaseMaps, ...]]:
        """The maps by the names of dumps, which were added in this order."""
        return {dump.name: maps for dump, maps in zip(dumps, self._maps, strict=False) if maps}


def asked_pictures(
    show: str | int | Sequence[str | int] | None,
    images: str | PathLike[str] | None,
    *,
    max_bytes: int | None = None,
    max_memory: int | None = None,
) -> Pictures:
    """The pictures that a caller in Python asks for; none without `show` and `images`. Raises: as `Pictures`."""
    from calibeval.api.dumps import as_classes
    from calibeval.readers.said import options_of

    limits = options_of(max_bytes=max_bytes, max_memory=max_memory).limits
    named, wanted = as_classes(() if show is None else show), show is not None or images is not None
    return Pictures(named, None if images is None else Path(images), limits, wanted=wanted)
