"""A folder with separate files for the features and the targets of each split, as CLIP benchmarks write it.

`features_train.pt`, `targets_train.pt`, `features_val.pt`, `targets_val.pt`, ...; the files may have any format, and
their names may begin with any usual name of features or labels.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from calibeval.core.errors import InputError
from calibeval.readers.features.columns import SPLIT_LAST
from calibeval.readers.load import load, suffix_of
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.labels_file import labels_file
from calibeval.readers.opened import Opened
from calibeval.readers.remote.of_shards import shards_sha256
from calibeval.readers.stored.digest import Background
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.names import FEATURE_KEYS, show
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored


def open_feature_folder(path: Path, split: str | None, limits: Limits) -> Opened | None:
    """The splits of a folder as one input, whose arrays are called train_features, train_labels, ...

    split: if its files exist, only they are opened. Returns None unless some split has both features and labels.
    The hash is computed as for shards: over a line "name NUL sha256" for each opened file.
    Raises: InputError if two files have the same role; otherwise as `load`.
    """
    files = _files(path) if path.is_dir() else {}
    if not any(len(roles) == 2 for roles in files.values()):
        return None
    parts = [] if split is None else split.split("+")
    wanted = parts if parts and all(part in files for part in parts) else files
    chosen = [(name, role, file) for name, roles in files.items() if name in wanted for role, file in roles.items()]
    each = replace(limits, max_memory=limits.max_memory // len(chosen))
    opened = [SteadyFile.of(file) for _, _, file in chosen]
    contents = [load(file, each) for file in opened]
    arrays = {
        f"{name}_{role}": _only_array(content, role, file)
        for (name, role, file), content in zip(chosen, contents, strict=True)
    }
    return Opened(
        path,
        Contents(arrays),
        "+".join(sorted({suffix_of(file.path).lstrip(".") for file in opened})),
        sum(file.size for file in opened),
        functools.cache(lambda: Background(lambda: shards_sha256(opened, contents)).result),
    )


def _files(folder: Path) -> dict[str, dict[str, Path]]:
    """By split, the file of each role."""
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        suffix = suffix_of(file)
        match = SPLIT_LAST.match(file.name[: len(file.name) - len(suffix)]) if suffix and file.is_file() else None
        if match is None:
            continue
        role = "features" if match[1].lower() in FEATURE_KEYS else "labels"
        other = found.setdefault(match[2], {}).setdefault(role, file)
        if other != file:
            raise InputError(f"{folder}: the {role} of {match[2]} could be {other.name} or {file.name}")
    return found


def _only_array(content: Contents, role: str, file: Path) -> Stored:
    arrays: Mapping[str, Stored] = content.arrays
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    if role == "labels":
        found = labels_file(arrays, file.name, Keys())
        return arrays[found.labels]
    named = [key for key in arrays if key.lower() in FEATURE_KEYS]
    if len(named) != 1:
        raise InputError(f"{file.name}: {len(named)} arrays have a usual name for features; found {show(arrays)}")
    return arrays[named[0]]
