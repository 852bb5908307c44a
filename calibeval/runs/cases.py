"""Folders of cases with mapped scores: written file by file, in the layout and with the headers of the ones read."""

from __future__ import annotations

import math
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_source import Kind
from calibeval.core.dense.divided import divided_by_sums
from calibeval.core.errors import FileProblem, InputError, UsageError, nearest
from calibeval.readers.cases.folder import divided, files_of, scores_in
from calibeval.readers.cases.names import Layout
from calibeval.readers.cases.nnunet import described
from calibeval.readers.cases.pictures import read_mask, read_nifti
from calibeval.readers.cases.stems import ARRAYS, MASKS, NIFTI, beside, folders_of, root_of, stem_of, suffix_of_case
from calibeval.readers.cases.without_effect import refuse_unused
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.of_cases import mapped_scores
from calibeval.runs.case_files import labels_of, one_channel, was_seen
from calibeval.writers.atomic import filling, make_folder, replacing
from calibeval.writers.pictures import write_like, write_mask

SEGMENTATIONS = (*NIFTI, *MASKS)
BESIDE = (".pkl",)  # files of a case that are copied
ABOUT = ("dataset.json", "plans.json")  # files of all cases that are copied

Array = npt.NDArray[Any]


LISTED = 3


class WrittenCases(NamedTuple):
    """cases: how many were written. pixels: of all of them. changed: how many got another class.

    kept: cases whose segmentations beside the scores are not their arg-max, and were copied. seen: cases that the map
    was fitted on.
    """

    cases: int
    pixels: int
    changed: int
    kept: tuple[str, ...]
    seen: tuple[str, ...] = ()


def notices_of(written: WrittenCases) -> tuple[Notice, ...]:
    """Warnings: if segmentations were copied that the map cannot have changed, and if the map was fitted on cases."""
    found = []
    if written.kept:
        text = f"segmentations that are not those of the scores are copied as they are: {_some(written.kept)}"
        found.append(warning("segmentations_kept", text))
    if written.seen:
        text = f"the map was fitted on {len(written.seen):,} of these {written.cases:,} cases ({_some(written.seen)})"
        found.append(warning("leak", f"{text}, so the results are too optimistic"))
    return tuple(found)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")


def map_cases(
    found: Map,
    folder: Path,
    out: Path,
    options: ReadOptions,
    layout: Layout | None = None,
    region: str | None = None,
) -> WrittenCases:
    """Write every case of a folder to another one, with mapped scores; one case is in memory at a time.

    Scores keep their kind, their type, and the form of their file; a segmentation beside them, which nnU-Net writes, is
    that of the mapped scores. region: the one that the map is for; the other channels stay as they are.
    Raises: InputError for scores that do not fit the map, naming the case; UsageError; FileProblem.
    """
    root, folders = root_of(folder), folders_of(folder)
    if any(out.resolve() == one.resolve() or one.resolve() in out.resolve().parents for one in (root, *folders)):
        raise UsageError(f"{out}: is the folder that is read, or in it; name another one")
    refuse_unused(options, str(folder))
    if str(out) == "-":
        raise UsageError("-: cases are written to a folder, not to standard output; name one")
    if out.is_file():
        raise FileProblem(f"{out}: is a file, but cases are written to a folder")
    with filling(out) as place:
        return _map_all(found, folder, place, options, layout, region)


def _map_all(
    found: Map, folder: Path, out: Path, options: ReadOptions, layout: Layout | None, region: str | None
) -> WrittenCases:
    """Write every case. Raises: as `map_cases`."""
    root, folders = root_of(folder), folders_of(folder)
    # nnU-Net has dataset.json above the folds.
    regions = None if layout == "arrays" else described(folders[0], folders[0].parent).regions
    channel = channel_of(folder, regions, region)
    layout, files = files_of(folder, layout)
    if not files:
        raise InputError(f"{folder}: holds no cases")
    labels = labels_of(options)
    pixels, changed, kept, seen = 0, 0, list[str](), list[str]()
    for name, file in files.items():
        target = out / file.relative_to(root)
        make_folder(target.parent)
        try:
            before, after = _written(found, file, target, options, channel, labels.get(name))
        except InputError as error:
            text = str(error).removeprefix("predictions: ")
            raise InputError(text if text.startswith(file.name) else f"{file.name}: {text}") from None
        pixels, changed = pixels + before.size, changed + int(np.count_nonzero(before != after))
        if channel is not None:
            same = _copied_beside(file, target) is None or np.array_equal(before, after)
            kept += [] if same else [name]
        elif layout == "nnunet" and not _segmentation(file, target, before, after, options.limits):
            kept.append(name)
        if was_seen(found, file, region):
            seen.append(name)
        for suffix in BESIDE:
            _copied(file.with_name(f"{stem_of(file)}{suffix}"), target.parent)
    for one in dict.fromkeys((root, *folders)):
        for about in ABOUT:
            _copied(one / about, out / one.relative_to(root))
    return WrittenCases(len(files), pixels, changed, tuple(kept), tuple(seen))


def channel_of(folder: Path, regions: Mapping[str, object] | None, region: str | None) -> int | None:
    """The channel of a region; None if channels are classes. Raises: UsageError if it is not clear."""
    there = ", ".join(f"#{one}" for one in regions or ())
    if regions is None and region is not None:
        raise UsageError(f"{folder}: has no regions, but {region} was named")
    if regions is None:
        return None
    if region is None or region not in regions:
        came = "none was named" if region is None else f'there is no "{region}"{nearest(region, regions)}'
        raise UsageError(f"{folder}: its channels are regions that may overlap, and a map is for one: {there}; {came}")
    return list(regions).index(region)


def _written(
    found: Map, path: Path, target: Path, options: ReadOptions, channel: int | None, labels: Path | None
) -> tuple[Array, Array]:
    """Write one case; return the classes of its pixels before and after, in the order of the file's axes.

    channel: that is mapped alone; then the classes are outside and inside of its region. labels: their
    file.
    """
    file, suffix = SteadyFile.of(path), suffix_of_case(path.name)
    if suffix in NIFTI:
        values = read_nifti(file, options.limits).values
        alone = channel is None and one_channel(values, found.k, labels, options.limits)
        first = values[np.newaxis] if alone else np.moveaxis(values, -1, 0)
        kind: Kind = options.kind or "probs"
        mapped = _mapped(found, _divided(path.name, first, kind, options, channel), kind, channel)
        write_like(path, target, _narrowed(mapped[0] if alone else np.moveaxis(mapped, 0, -1), values.dtype, kind))
    elif suffix in ARRAYS:
        there = scores_in(file, suffix or "", options)
        first = there.arrays[there.key].array()
        kind = there.kind
        mapped = _mapped(found, _divided(path.name, first, kind, options, channel), kind, channel)
        scores = _narrowed(mapped, first.dtype, kind)
        with replacing(target) as stream:
            if suffix == ".npy":
                np.save(stream, scores)
            else:
                others: dict[str, Any] = {key: one.array() for key, one in there.arrays.items() if key != there.key}
                (np.savez_compressed if _packed(path) else np.savez)(stream, **{**others, there.key: scores})
    else:
        raise UsageError(f"{path.name}: a picture has no scores of classes; save .npz")
    if channel is not None or len(first) == 1:
        channel = channel or 0
        half = {"probs": 0.5, "logits": 0.0, "log_probs": math.log(0.5)}[kind]
        return first[channel] > half, mapped[channel] > half
    return first.argmax(axis=0), mapped.argmax(axis=0)


def _divided(name: str, scores: Array, kind: Kind, options: ReadOptions, channel: int | None) -> Array:
    """The scores of a case as its map takes them. channel: of a region, which no other one is summed with."""
    return divided_by_sums(name, scores, kind) if options.renormalize and channel is None else scores


def _mapped(found: Map, scores: Array, kind: Kind, channel: int | None) -> Array:
    """Scores (k, ...) of a case, mapped; channel: this one alone."""
    if channel is None:
        return mapped_scores(found, divided(scores, kind), kind)
    if len(scores) <= channel:
        raise InputError(f"{len(scores)} channels, but the region needs one more")
    whole = scores.astype(np.float64)
    whole[channel] = mapped_scores(found, divided(scores[channel : channel + 1], kind), kind)[0]
    return whole


def _narrowed(mapped: Array, dtype: np.dtype[Any], kind: Kind) -> Array:
    """Mapped scores in the type of the file. Raises: InputError for numbers that it cannot hold."""
    own = dtype if dtype.kind == "f" else np.dtype(np.float32)
    with np.errstate(over="ignore"):
        found = mapped.astype(own)
    lost = np.isinf(found) & np.isfinite(mapped)
    if lost.any():
        most = np.abs(mapped[lost]).max()
        raise InputError(
            f"{int(lost.sum()):,} mapped {kind}, up to {most:.3g} in size, are beyond {own}, which ends at "
            f"{np.finfo(own).max:.3g}: save the scores as float32 or float64, or fit a map that stretches them less"
        )
    return found


def _packed(path: Path) -> bool:
    """Whether an archive is compressed."""
    with zipfile.ZipFile(path) as archive:
        return any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist())


def _segmentation(file: Path, target: Path, before: Array, after: Array, limits: Limits) -> bool:
    """Write the segmentation beside the scores, if there is one; False if it was not their arg-max and was copied."""
    found = beside(file, SEGMENTATIONS)
    if found is None:
        return True
    out = target.with_name(found.name)
    if suffix_of_case(found.name) in NIFTI:
        own = read_nifti(SteadyFile.of(found), limits).values
        same = own.shape == before.T.shape and np.array_equal(own, before.T)
        if same and not np.array_equal(before, after):
            write_like(found, out, after.T.astype(own.dtype))
            return True
    else:
        own = read_mask(SteadyFile.of(found), limits).values
        same = np.array_equal(own, before.reshape(own.shape)) if own.size == before.size else False
        if same and not np.array_equal(before, after):
            write_mask(out, after.reshape(own.shape).astype(own.dtype))
            return True
    _copied(found, target.parent)
    return same


def _copied_beside(file: Path, target: Path) -> Path | None:
    """The segmentation, which was copied; None if there is none."""
    found = None if suffix_of_case(file.name) in NIFTI else beside(file, SEGMENTATIONS)
    if found is not None:
        _copied(found, target.parent)
    return found


def _copied(file: Path, folder: Path) -> None:
    if file.is_file():
        try:
            shutil.copyfile(file, folder / file.name)
        except OSError as error:
            raise FileProblem(f"{folder / file.name}: cannot be written ({error.strerror or error})") from None
