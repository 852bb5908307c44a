"""What is asked of a file of scores before it is mapped: how many channels it has, and whether the map has seen it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from calibeval.core.data.source import case_hash
from calibeval.core.errors import InputError
from calibeval.readers.cases.pictures import read_mask, read_nifti
from calibeval.readers.cases.stems import MASKS, NIFTI, SUFFIXES, files_by_stem, suffix_of_case
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.digest import checked_sha256
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.recalibrate.base.mapping import Map

TWO = 2
VOLUME = 3


def labels_of(options: ReadOptions) -> dict[str, Path]:
    """The files of labels by the names of their cases; none without a folder of them. Raises: FileProblem."""
    if options.labels is None or not Path(str(options.labels)).is_dir():
        return {}
    return files_by_stem(Path(str(options.labels)), SUFFIXES)


def one_channel(values: npt.NDArray[Any], k: int | None, labels: Path | None, limits: Limits) -> bool:
    """Whether a NIfTI file holds one channel, (x, y, z) or (x, y), and no axis of channels.

    k: the classes of the map. labels: the file of the labels, which tell by their axes.
    Raises: InputError for two slices, or two channels: without labels, nothing tells them apart.
    """
    if values.ndim > VOLUME or k not in (None, TWO):
        return False
    if labels is not None and suffix_of_case(labels.name) in NIFTI:
        return bool(read_nifti(SteadyFile.of(labels), limits).values.ndim == values.ndim)
    if labels is not None and values.ndim == VOLUME and suffix_of_case(labels.name) in MASKS:
        return bool(read_mask(SteadyFile.of(labels), limits).values.ndim == values.ndim)
    if values.ndim == VOLUME and values.shape[-1] == TWO:
        raise InputError(
            f"shape {values.shape} is two classes of a plane, or two slices of a volume with one channel: name the "
            "folder of labels, --labels FOLDER, whose axes tell"
        )
    return True


def was_seen(found: Map, file: Path, region: str | None) -> bool:
    """Whether the map was fitted on this file of scores; regions of a file have no scores in common."""
    facts = found.fitted
    if not facts.cases or (None not in (region, facts.split) and region != facts.split):
        return False
    return case_hash(checked_sha256(SteadyFile.of(file))) in facts.cases
