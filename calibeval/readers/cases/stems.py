"""Which files of two folders belong together, by their names without suffixes."""

from __future__ import annotations

import glob
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.shards import natural

NIFTI = (".nii.gz", ".nii")
MASKS = (".png", ".tif", ".tiff")
ARRAYS = (".npz", ".npy")
SUFFIXES = (*NIFTI, *ARRAYS, *MASKS)
LISTED = 3
KEEP_ONE = "keep one"


@dataclass(frozen=True, slots=True)
class Pairs:
    """The cases of two folders.

    files: by name, in natural order, the files of scores and of labels. unlabelled: cases without labels.
    unpredicted: labels without a prediction. postfix: what names of predictions have behind those of labels.
    """

    files: dict[str, tuple[Path, Path]]
    unlabelled: tuple[str, ...]
    unpredicted: tuple[str, ...]
    postfix: str = ""


def suffix_of_case(name: str) -> str | None:
    """The suffix of a file that can hold a case or its labels; None for another file.

    >>> suffix_of_case("case_01.nii.gz"), suffix_of_case("Case.NPZ"), suffix_of_case("plans.json")
    ('.nii.gz', '.npz', None)
    """
    return next((one for one in SUFFIXES if name.lower().endswith(one) and len(name) > len(one)), None)


def folders_of(place: Path) -> list[Path]:
    """The folders of a pattern such as fold_*/validation; a folder alone."""
    if place.exists() or not glob.has_magic(str(place)):
        return [place]
    found = [Path(one) for one in glob.glob(str(place))]  # noqa: PTH207 - it may be absolute
    return sorted((one for one in found if one.is_dir()), key=lambda one: natural(one.as_posix()))


def is_folder(place: Path) -> bool:
    """Whether it is a folder, or a pattern of folders."""
    found = folders_of(place)
    return bool(found) and all(one.is_dir() for one in found)


def root_of(place: Path) -> Path:
    """The folder, or what is above the first folder that a pattern leaves open.

    >>> root_of(Path("results/fold_*/validation")).as_posix()
    'results'
    """
    if is_folder(place) and folders_of(place) == [place]:
        return place
    return Path(*itertools.takewhile(lambda part: not glob.has_magic(part), place.parts))


def files_by_stem(folder: Path, suffixes: Sequence[str], remedy: str = KEEP_ONE) -> dict[str, Path]:
    """The files of a folder with such a suffix, by their names without it; of a folder of folders, those in these.

    folder: may be a pattern of several, such as fold_*/validation. remedy: for two files of one case.
    Raises: FileProblem if the folder cannot be read; InputError if two files have the same stem.
    """
    found: list[Path] = []
    try:
        for one in folders_of(folder):
            there = sorted(one.iterdir(), key=lambda file: natural(file.name))
            own = _of_cases(there, suffixes)
            if not own:
                own = _of_cases([file for part in there if part.is_dir() for file in sorted(part.iterdir())], suffixes)
            found += own
    except OSError as error:
        raise FileProblem(f"{folder}: cannot be read ({error.strerror})") from None
    stems: dict[str, Path] = {}
    for file in found:
        stem = stem_of(file)
        if stem in stems and stems[stem].parent != file.parent:
            raise InputError(
                f'{folder}: the case "{stem}" comes twice, in {stems[stem].parent} and {file.parent}: name folders '
                "that have no case in common, as the folds of a cross-validation"
            )
        if stem in stems:
            raise InputError(
                f'{folder}: two files are of the case "{stem}", {stems[stem].name} and {file.name}: {remedy}'
            )
        stems[stem] = file
    return stems


def stem_of(file: Path) -> str:
    """The name of a file without the suffix of a case."""
    return file.name[: -len(suffix_of_case(file.name) or "")]


def beside(file: Path, suffixes: Sequence[str]) -> Path | None:
    """The first file beside another one that has its name with one of these suffixes; None if there is none."""
    stem = stem_of(file)
    return next((one for one in (file.with_name(f"{stem}{end}") for end in suffixes) if one.is_file()), None)


def paired(scores: dict[str, Path], labels: dict[str, Path], folders: tuple[Path, Path]) -> Pairs:
    """The cases that have scores and labels. folders: of both, for messages. Raises: InputError if there is none."""
    postfix = _postfix(scores, labels)
    own = {stem.removesuffix(postfix): file for stem, file in scores.items()} if postfix else scores
    both = {stem: (file, labels[stem]) for stem, file in own.items() if stem in labels}
    if not both:
        one, other = (", ".join(list(stems)[:LISTED]) or "none" for stems in (scores, labels))
        raise InputError(
            f"no case of {folders[0]} has labels in {folders[1]}: files belong together if their names are the same "
            f"without the suffix; here are {one}, and there {other}"
        )
    return Pairs(
        {stem: both[stem] for stem in sorted(both, key=natural)},
        tuple(stem for stem in own if stem not in labels),
        tuple(stem for stem in labels if stem not in own),
        postfix,
    )


def _of_cases(files: Sequence[Path], suffixes: Sequence[str]) -> list[Path]:
    """The files, not links to folders or hidden ones, with one of the suffixes."""
    every = [file for file in files if not file.name.startswith(".") and suffix_of_case(file.name) in suffixes]
    return [file for file in every if not file.is_dir()]


def _postfix(scores: dict[str, Path], labels: dict[str, Path]) -> str:
    """What all names of scores have behind those of labels, such as _trans; nothing if some names are the same."""
    if not scores or any(stem in labels for stem in scores):
        return ""
    first = next(iter(scores))
    lengths = [len(label) for label in labels if first.startswith(f"{label}_")]
    postfix = first[max(lengths) :] if lengths else ""
    return postfix if postfix and all(stem.endswith(postfix) for stem in scores) else ""
