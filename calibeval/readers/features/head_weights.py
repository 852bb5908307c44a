"""The weights of an existing head: `linear` (one layer) or `mlp` (two layers with a ReLU between them)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Source
from calibeval.core.data.row_source import show_shape
from calibeval.core.errors import FileProblem, InputError
from calibeval.core.heads.layers import PlainLayer
from calibeval.readers.formats.pt import load_pt, tensors
from calibeval.readers.load import load, suffix_of
from calibeval.readers.open import split_name
from calibeval.readers.shards import natural
from calibeval.readers.stored.digest import checked_sha256
from calibeval.readers.stored.limits import Limits, quarter_of_memory
from calibeval.readers.stored.names import show
from calibeval.readers.stored.place import Url
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored

SUFFIXES = (".safetensors", ".npz", ".pt", ".pth")
WEIGHT = re.compile(r"^(|.*[._])weight$")
# Names of parameters; a parameter outside the linear layers means that the head has other layers, too.
PARAMETER = re.compile(r"(^|[._])(weight|bias|gamma|beta|running_mean|running_var|weight_[gv])$")
NESTED = ("state_dict", "model_state_dict", "model", "head")
RUN_FILE = "head.safetensors"

Weights = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class HeadWeights:
    """The layers from features to logits: one, or two with a ReLU between them.

    keys: the key of each layer's weight in the file. source: the file, with its hash.
    """

    layers: tuple[PlainLayer, ...]
    keys: tuple[str, ...]
    source: Source
    warnings: tuple[Notice, ...] = ()

    @property
    def d(self) -> int:
        """Number of input features."""
        return len(self.layers[0].weight[0])

    @property
    def k(self) -> int:
        """Number of classes."""
        return len(self.layers[-1].weight)


def read_head(
    name: str | Path, *, max_bytes: int | None = None, max_memory: int | None = None, checksums: bool = True
) -> HeadWeights:
    """The head in a `.safetensors`, `.npz`, `.pt` or `.pth` file, or in the folder of a run.

    Layers are found by their names: `weight` and `bias`, alone or after a dot or underscore, as in `fc.weight`,
    `head_bias`, `0.weight`. `file.npz#head` takes only the arrays whose names begin with `head_` or `head.`. All
    parameters must belong to linear layers. max_bytes, max_memory, checksums: as in `read`.
    Raises: InputError if the arrays are not a head, or could be several; FileProblem if the file cannot be read.
    """
    path, prefix = split_name(str(name))
    if isinstance(path, Url):
        raise FileProblem(f"{path}: head weights must be a file on this machine: copy it here")
    if path.is_dir() and (path / RUN_FILE).exists():
        path = path / RUN_FILE
    elif path.is_dir():
        raise FileProblem(f"{path}: the folder has no {RUN_FILE}, so calibeval finetune did not write it")
    limits = Limits(max_bytes, quarter_of_memory() if max_memory is None else max_memory, checksums)
    file = SteadyFile.of(path)
    contents = _contents(file, limits)
    arrays = contents.arrays if prefix is None else _under(contents.arrays, prefix, path.name)
    stems = _stems(arrays, path.name, everything=prefix is not None)
    layers = {stem: _layer(arrays, stem, path.name) for stem in stems}
    stems = _in_order(layers, path.name)
    warnings = tuple(
        warning("no_bias", f'{path.name}: there is no bias for "{stem}weight", so zeros are used')
        for stem in stems
        if f"{stem}bias" not in arrays
    )
    source = Source(
        path=path.as_posix(),
        split=prefix,
        sha256=checked_sha256(file, contents.extents),
        format=suffix_of(path).lstrip("."),
    )
    return HeadWeights(
        tuple(layers[stem] for stem in stems), tuple(f"{stem}weight" for stem in stems), source, warnings
    )


def _contents(file: SteadyFile, limits: Limits) -> Contents:
    """The arrays of the file; for a checkpoint, those of its model."""
    suffix = suffix_of(file.path)
    if suffix in SUFFIXES[:2] or file.size == 0:
        return load(file, limits)
    if suffix not in SUFFIXES:
        raise InputError(f"{file.name}: the weights of a head are read from {', '.join(SUFFIXES)} files only")
    saved, extents = load_pt(file, limits)
    content = saved.content
    if isinstance(content, dict):
        nested = [key for key in NESTED if isinstance(content.get(key), dict)]
        if len(nested) == 1:
            content = content[nested[0]]
        return Contents(tensors(replace(saved, content=content), file.name), extents)
    raise InputError(
        f"{file.name}: holds a {type(content).__name__}, but a state dict is needed: torch.save(head.state_dict(), ...)"
    )


def _under(arrays: Mapping[str, Stored], prefix: str, file: str) -> dict[str, Stored]:
    """The arrays whose names begin with the prefix and a dot or underscore."""
    found = {key: stored for key, stored in arrays.items() if key.startswith((f"{prefix}_", f"{prefix}."))}
    if not found:
        raise InputError(f'{file}: no array is named "{prefix}.weight" or "{prefix}_weight"; found {show(arrays)}')
    return found


def _stems(arrays: Mapping[str, Stored], file: str, *, everything: bool) -> list[str]:
    """The parts of the layers' names before `weight`, in natural order.

    everything: whether every other array, even one that is not named like a parameter, is refused.
    """
    stems = sorted(
        (match[1] for key, stored in arrays.items() if (match := WEIGHT.match(key)) and _is_linear(stored.shape)),
        key=natural,
    )
    if not stems:
        raise InputError(
            f'{file}: no array of shape (out, in) has a name such as "weight" or "fc.weight"; found {show(arrays)}'
        )
    if len(stems) > 2:
        listed = [f"{stem}weight" for stem in stems]
        raise InputError(
            f"{file}: there are {len(stems)} layers ({show(arrays, listed)}), but a head has one or two. "
            f"Name the prefix of the head's arrays, as in {file}#{stems[-1].rstrip('._') or 'head'}"
        )
    used = {f"{stem}{part}" for stem in stems for part in ("weight", "bias")}
    rest = [key for key in arrays if key not in used and (everything or PARAMETER.search(key))]
    if rest:
        raise InputError(
            f"{file}: in addition to the linear layers ({show(arrays, [f'{stem}weight' for stem in stems])}) there are "
            f"{show(arrays, rest)}, but a head is one linear layer, or two with a ReLU between them. "
            "If they do not belong to the head, name the prefix of the head's arrays, as in FILE#head."
        )
    return stems


def _is_linear(shape: tuple[int, ...]) -> bool:
    """Whether a weight is that of a linear layer, (out, in), or of a 1 x 1 convolution, (out, in, 1, 1)."""
    return len(shape) >= 2 and all(size == 1 for size in shape[2:])


def _layer(arrays: Mapping[str, Stored], stem: str, file: str) -> PlainLayer:
    key = f"{stem}weight"
    weight = _numbers(arrays[key], key, file)
    out, width = weight.shape[:2]
    weight = weight.reshape(out, width)
    if not out or not width:
        raise InputError(f'{file}: "{key}" {arrays[key].describe()} is empty')
    stored = arrays.get(f"{stem}bias")
    if stored is None:
        return PlainLayer(weight, np.zeros(out, weight.dtype))
    if stored.shape != (out,):
        turned = " It seems to be stored as (in, out): save its transpose." if stored.shape == (width,) else ""
        raise InputError(
            f'{file}: "{key}" {arrays[key].describe()} needs a bias of shape ({out}), '
            f'but "{stem}bias" is {stored.describe()}.{turned}'
        )
    bias = _numbers(stored, f"{stem}bias", file)
    dtype = np.result_type(weight, bias)
    return PlainLayer(weight.astype(dtype), bias.astype(dtype))


def _numbers(stored: Stored, key: str, file: str) -> Weights:
    """The values as float32 or float64, checked to be finite."""
    if stored.dtype.kind == "V":
        stored.array()  # raises an error that names the type that numpy lacks
    if stored.dtype.kind != "f":
        raise InputError(f'{file}: "{key}" is {stored.describe()}, but weights are floating-point numbers')
    values = stored.array()
    if not np.isfinite(values).all():
        place = ", ".join(str(i) for i in np.argwhere(~np.isfinite(values))[0].tolist())
        raise InputError(f'{file}: "{key}" holds NaN or infinity, first at ({place}), but weights must be finite')
    return np.array(values, np.float64 if values.dtype.itemsize > 4 else np.float32, order="C")


def _in_order(layers: Mapping[str, PlainLayer], file: str) -> list[str]:
    """The stems of one layer, or of two layers in the order in which they are applied.

    The numbers in their names decide which is the first, or else their shapes.
    Raises: InputError if neither order fits, or both do.
    """
    stems = [*layers]
    if len(stems) == 1:
        return stems
    numbered = len({re.sub("[0-9]+", "0", stem) for stem in stems}) == 1
    orders = [stems] if numbered else [stems, stems[::-1]]
    fitting = [order for order in orders if layers[order[0]].weight.shape[0] == layers[order[1]].weight.shape[1]]
    if len(fitting) == 1:
        return fitting[0]
    shapes = " and ".join(f'"{stem}weight" {show_shape(layers[stem].weight.shape)}' for stem in stems)
    why = "could follow each other in either order" if fitting else "do not follow each other as (h, d) and (k, h)"
    remedy = "Call them 0.weight and 2.weight" if fitting else "If they are two heads, name one"
    prefix = next((stem.rstrip("._") for stem in stems if stem), "head")
    raise InputError(f"{file}: {shapes} {why}. {remedy}" + ("." if fitting else f", as in {file}#{prefix}"))
