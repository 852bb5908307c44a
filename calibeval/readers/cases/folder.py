"""Cases in a folder, with labels in another one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_source import Kind
from calibeval.core.data.source import Source, case_hash
from calibeval.core.dense.case import Case, Facts
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.cases.axes import channels_first, matched, reversed_axes
from calibeval.readers.cases.beside import place_told
from calibeval.readers.cases.labels import Masks, numbers_in, read_labels
from calibeval.readers.cases.names import Layout
from calibeval.readers.cases.nnunet import Described, described
from calibeval.readers.cases.pictures import Picture, read_mask, read_nifti
from calibeval.readers.cases.stems import (
    ARRAYS,
    NIFTI,
    SUFFIXES,
    Pairs,
    files_by_stem,
    folders_of,
    paired,
    suffix_of_case,
)
from calibeval.readers.cases.without_effect import refuse_unused
from calibeval.readers.formats.npz import read_npy, read_npz
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.stored.digest import checked_sha256
from calibeval.readers.stored.names import SCORE_KEYS
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Stored

KINDS: tuple[Kind, ...] = ("logits", "probs", "log_probs")
FOLDS = "fold_*/validation"  # where nnU-Net writes the cases that a fold was not trained on
LISTED = 3
HALF = 2
WHICH = "keep one, or say which with --layout nnunet (.npz) or --layout monai (.nii.gz)"
OF_LAYOUTS: dict[Layout, tuple[str, ...]] = {"nnunet": (".npz",), "monai": NIFTI, "arrays": ARRAYS}


class Read(NamedTuple):
    """Scores as their file has them, and their kind."""

    picture: Picture
    kind: Kind

    @property
    def values(self) -> npt.NDArray[Any]:
        """The scores."""
        return self.picture.values


class Keyed(NamedTuple):
    """The arrays of a file, and which of them holds the scores; a file without names has one, called "".

    kind: of the scores.
    """

    arrays: Mapping[str, Stored]
    key: str
    kind: Kind


class Folder:
    """The cases of two folders.

    layout: None: by the files. Raises: FileProblem, InputError, UsageError for folders that hold no cases.
    """

    def __init__(self, scores: Path, labels: Path, options: ReadOptions, layout: Layout | None = None) -> None:
        refuse_unused(options, scores.as_posix())
        self._options, self._limits = options, options.limits
        self._layout, files = files_of(scores, layout)
        if not files:
            folds = any(scores.glob(FOLDS))
            where = f"; its folds have some: name them all by adding /{FOLDS}, in quotes" if folds else ""
            known, why = (OF_LAYOUTS[layout], f", as layout {layout} has") if layout else (SUFFIXES, "")
            other = layout and next((one for one, has in OF_LAYOUTS.items() if files_by_stem(scores, has)), None)
            why += f"; its files are those of --layout {other}" if other else ""
            raise InputError(f"{scores}: holds no cases: none of {', '.join(known)}{why}{where}")
        self.pairs: Pairs = paired(files, files_by_stem(labels, SUFFIXES), (scores, labels))
        self._places = tuple(self.pairs.files.items())
        first_folder = folders_of(scores)[0]
        told = _format(files) == "npz" and layout != "arrays"
        self._about = described(first_folder, labels, first_folder.parent) if told else Described()
        self._hashes: dict[int, list[str]] = {}
        first, ignore = self._scores(SteadyFile.of(self._places[0][1][0])), options.ignore_index
        told = ignore is None and self._about.ignore is not None
        self._facts = Facts(
            names=tuple(self.pairs.files),
            kind=first.kind,
            class_names=options.class_names or self._about.class_names,
            ignore_index=self._about.ignore if told else ignore,
            regions=self._about.regions,
            source=Source(scores.as_posix(), format=f"{_format(files)} cases", labels_path=labels.as_posix()),
            warnings=(*_left_out(self.pairs), *(_ignored(self._about.ignore) if told else ())),
            recognised=self._recognised(),
        )

        self._masks = Masks(plain=self._facts.ignore_index is None and self._facts.regions is None)

    @property
    def facts(self) -> Facts:
        """What is the same for all cases."""
        return self._facts

    def read(self, number: int) -> Case:
        """A case. Raises: InputError, FileProblem naming its file."""
        name, places = self._places[number]
        file, labels_file = (SteadyFile.of(one) for one in places)
        scores = self._scores(file)
        if scores.kind != self._facts.kind:
            raise InputError(
                f"{file.name}: its scores are {scores.kind}, but those of {self._places[0][1][0].name} are "
                f"{self._facts.kind}: name the array of all files with --logits-key or --probs-key"
            )
        labels = read_labels(labels_file, self._options)
        self._hash(number, (file, labels_file))
        values, marks, spacing = scores.values, labels.values, labels.spacing or scores.picture.spacing
        nifti = [suffix_of_case(one.name) in NIFTI for one in (file, labels_file)]
        if all(nifti):
            values = channels_first(file.name, values, marks)
        elif nifti[1]:
            marks, spacing = reversed_axes(marks, spacing)
        given = self._options.spacing
        if given is not None:
            spacing = given[::-1] if all(nifti) else given  # NIfTI files count from x
        fit = matched(f"{file.name} with {labels_file.name}", values, marks, spacing)
        if given is not None and fit.spacing is None:
            raise UsageError(
                f"a spacing of {len(given)} numbers is not for the images of {file.name}, which have {marks.ndim} axes"
            )
        own, told = self._masks.classes(labels_file.name, fit.labels, len(fit.scores))
        told = (*told, *place_told(file, scores.picture, labels, self._limits))
        return Case(name, divided(fit.scores, scores.kind), own, fit.spacing, told, from_x=all(nifti))

    def source(self, found: Sequence[str] = ()) -> Source:
        """Where the cases came from, with a SHA-256 of "name NUL sha256" for each file."""
        del found
        for number, (_, places) in enumerate(self._places):
            if number not in self._hashes:
                self._hash(number, [SteadyFile.of(one) for one in places])
        whole = [hashlib.sha256(), hashlib.sha256()]
        for number, (_, places) in enumerate(self._places):
            for one, file, own in zip(whole, places, self._hashes[number], strict=True):
                one.update(f"{file.name}\0{own}\n".encode(errors="surrogateescape"))
        of_cases = tuple(case_hash(self._hashes[number][0]) for number in range(len(self._places)))
        ours, theirs = (one.hexdigest() for one in whole)
        return replace(self._facts.source, sha256=ours, labels_sha256=theirs, cases=of_cases)

    def _hash(self, number: int, files: Sequence[SteadyFile]) -> None:
        """Note the SHA-256 of the files of a case, which are in the system's cache while they are read."""
        if number not in self._hashes:
            self._hashes[number] = [checked_sha256(one) for one in files]

    def _scores(self, file: SteadyFile) -> Read:
        suffix = suffix_of_case(file.name)
        asked = self._options.kind
        if asked == "confidence":
            raise UsageError("--kind confidence: cases need the scores of every class")
        if suffix in NIFTI:
            picture = read_nifti(file, self._limits)
            if picture.values.dtype.kind in "iub":
                raise InputError(
                    f"{file.name}: holds whole numbers, as a segmentation does, but the probabilities of classes are "
                    "needed: nnU-Net writes them as .npz with --save_probabilities (not read under --layout monai); "
                    "from MONAI, save the softmax without AsDiscrete(argmax=True)"
                )
            return Read(picture, asked or "probs")
        if suffix in ARRAYS:
            found = scores_in(file, suffix or "", self._options)
            return Read(Picture(numbers_in(found.arrays[found.key], file.name)), found.kind)
        picture = read_mask(file, self._limits)
        if asked is None:
            raise UsageError(f"{file.name}: a picture could hold anything: say --kind probs, or save .npz")
        return Read(Picture(picture.values[np.newaxis]), asked)

    def _recognised(self) -> tuple[str, ...]:
        said = [f"layout {self._layout}"] if self._layout else []
        said += [f'names of predictions end in "{self.pairs.postfix}"'] if self.pairs.postfix else []
        return tuple(said)


def files_of(folder: Path, layout: Layout | None) -> tuple[Layout | None, dict[str, Path]]:
    """The files of scores, and what wrote them: nnU-Net writes its segmentations beside them."""
    if layout is not None:
        return layout, files_by_stem(folder, OF_LAYOUTS[layout])
    there = files_by_stem(folder, (".npz",), WHICH)
    if there:
        beside = {"dataset.json", "plans.json"} & {one.name for one in folders_of(folder)[0].iterdir()}
        pickles = next(iter(there.values())).with_suffix(".pkl").exists()
        return ("nnunet" if beside or pickles else None), there
    nifti = files_by_stem(folder, NIFTI, WHICH)
    return ("monai", nifti) if nifti else (None, files_by_stem(folder, SUFFIXES, WHICH))


def scores_in(file: SteadyFile, suffix: str, options: ReadOptions) -> Keyed:
    """The scores in a file of arrays, and their kind. Raises: InputError if they are not clear."""
    arrays = (read_npz if suffix == ".npz" else read_npy)(file, options.limits).arrays
    if suffix == ".npy":
        if options.kind is None:
            raise InputError(f"{file.name}: say whether it holds --kind logits or --kind probs")
        return Keyed(arrays, "", options.kind)
    named = {getattr(options.keys, kind): kind for kind in KINDS if getattr(options.keys, kind) is not None}
    usual = {key: kind for kind in KINDS for key in SCORE_KEYS[kind]}
    found = {key: kind for key, kind in (named or usual).items() if key in arrays}
    logits = {key: kind for key, kind in found.items() if kind == "logits"}
    chosen = logits or found
    if len(chosen) != 1:
        there = ", ".join(f'"{key}" {one.describe()}' for key, one in list(arrays.items())[:LISTED])
        what = "no array has a usual name of scores" if not chosen else f"{len(chosen)} arrays could be the scores"
        raise InputError(f"{file.name}: {what} ({there}): name one with --probs-key or --logits-key")
    ((key, kind),) = chosen.items()
    return Keyed(arrays, key, options.kind or kind)


def divided(scores: npt.NDArray[Any], kind: Kind) -> npt.NDArray[Any]:
    """Probabilities in half precision divided by their sums; other scores as they are."""
    if kind != "probs" or scores.dtype.itemsize != HALF or scores.dtype.kind != "f":
        return scores
    wide = scores.astype(np.float64)
    total = wide.sum(axis=0)
    near = np.abs(total - 1.0) <= len(wide) * 2.0**-11
    return wide / np.where(near & (total > 0.0), total, 1.0) if len(wide) > 1 else wide


def _left_out(pairs: Pairs) -> list[Notice]:
    found = []
    for names, what in ((pairs.unlabelled, "have no labels"), (pairs.unpredicted, "have labels but no prediction")):
        if names:
            some = ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
            which = f"{len(names):,} case{'s' if len(names) > 1 else ''}"
            verb = what if len(names) > 1 else what.replace("have", "has", 1)
            text = f"{which} {verb} and {'are' if len(names) > 1 else 'is'} left out: {some}"
            found.append(warning("cases_left_out", text))
    return found


def _ignored(label: int | None) -> list[Notice]:
    return [warning("ignored_label", f'pixels with label {label} are ignored: dataset.json calls it "ignore"')]


def _format(files: dict[str, Path]) -> str:
    return (suffix_of_case(next(iter(files.values())).name) or "").lstrip(".")
