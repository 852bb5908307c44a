"""`.pt` and `.pth` files of tensors, read without torch: the archive by its members, its pickle by its opcodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import InputError
from calibeval.readers.formats.archive import Member, read_members
from calibeval.readers.formats.described import Tensor, Unread
from calibeval.readers.formats.pickled import unpickled
from calibeval.readers.stored.bfloat16 import BFLOAT16_PRECISION, widened_source
from calibeval.readers.stored.digest import Extent
from calibeval.readers.stored.header import Header, checked_shape
from calibeval.readers.stored.joined import JoinedRows
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.rows import values_in_file
from calibeval.readers.stored.steady import SteadyFile
from calibeval.readers.stored.stored import Contents, Stored

PICKLE = "data.pkl"
BYTE_ORDERS: dict[bytes, Literal["<", ">"]] = {b"little": "<", b"big": ">"}
UNCHECKED = (
    " If the file was written with checksums switched off (torch.serialization.set_crc32_options(False)), say --no-crc."
)


def read_pt(file: SteadyFile, limits: Limits) -> Contents:
    """The tensors of a `torch.save` file, by name.

    The file holds a dict of tensors, a (logits, labels) pair, one tensor (under the empty key ""), or batches: a list
    of dicts or of pairs, or a list of tensors in place of one tensor. A dict inside the dict is a split: {"val":
    {"logits": ...}} becomes val_logits. Numbers and lists of numbers or texts are read as well.
    Raises: InputError for anything but tensors, or tensors that the file cannot hold.
    """
    content, extents = load_pt(file, limits)
    return Contents(tensors(content, file.name), extents)


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """The members of a file by the keys of their storages, and the byte order of its numbers."""

    file: SteadyFile
    limits: Limits
    members: dict[str, Member]
    order: Literal["<", ">"]

    def stored(self, tensor: Tensor, place: str) -> Stored:
        """A tensor, after checking that its storage has all of its values.

        Raises: InputError for a tensor with more values than its storage, as an expanded tensor has.
        """
        member = self.members.get(tensor.storage.key)
        half = tensor.dtype == "bfloat16"
        dtype = np.dtype("u2" if half else tensor.dtype).newbyteorder(self.order)
        own = 1 if tensor.storage.dtype is None else dtype.itemsize
        if member is None or tensor.storage.entries * own > member.info.file_size:
            raise InputError(f"{place}: damaged, or not written by torch.save (its values are not in the file)")
        shape, strides = checked_shape(tensor.shape, dtype, place), tensor.strides
        if type(tensor.offset) is not int or tensor.offset < 0 or not isinstance(strides, tuple):
            raise InputError(f"{place}: damaged, or not written by torch.save (offset or strides)")
        if len(strides) != len(shape) or not all(type(step) is int and step >= 0 for step in strides):
            raise InputError(f"{place}: damaged, or not written by torch.save (strides)")
        steps = tuple(step * dtype.itemsize if size > 1 else 0 for step, size in zip(strides, shape, strict=True))
        header = Header(shape, dtype, steps if any(steps) else Header.checked(shape, dtype, place).strides)
        room = member.info.file_size // dtype.itemsize - tensor.offset
        last = sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
        if header.count and (last >= room or header.count > room):
            raise InputError(
                f"{place}: shape {str(shape)[:80]} needs {header.count} numbers, but the file holds {max(room, 0)} of "
                "them. An expanded tensor repeats what it has: save x.clone()."
            )
        start = member.start + tensor.offset * dtype.itemsize
        load: Callable[[], RowSource] = lambda: values_in_file(self.file, start, header, self.limits)  # noqa: E731
        if half:
            return Stored(shape, np.dtype(np.float32), lambda: widened_source(load()), BFLOAT16_PRECISION)
        return Stored(shape, dtype, load)


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """The content of a `torch.save` file, and the archive that holds the values of its tensors."""

    content: Any
    archive: Archive


def load_pt(file: SteadyFile, limits: Limits) -> tuple[Saved, tuple[Extent, ...]]:
    """The content of a `torch.save` file, and the extents to verify in the background.

    Raises: InputError for an old pickled file, a damaged one, or one that would run code.
    """
    with file.open() as stream:
        if stream.read(4) != b"PK\x03\x04":
            raise InputError(
                f"{file.name}: not in the zip format of torch.save. An old pickled file is never opened: "
                "if you trust it, load it yourself and save it again with torch.save."
            )
    members = read_members(file)
    if not all(member.stored for member in members):
        raise InputError(f"{file.name}: the archive has compressed members, which torch.save never writes")
    limits.check_expansion(file.name, sum(member.info.file_size for member in members), size=file.size)
    pickle = next((member for member in members if member.info.filename.rpartition("/")[2] == PICKLE), None)
    if pickle is None:
        raise InputError(f"{file.name}: damaged, or not written by torch.save (no {PICKLE} in it)")
    folder = pickle.info.filename.removesuffix(PICKLE)
    data = {m.info.filename.removeprefix(f"{folder}data/"): m for m in members if _is_data(m.info.filename, folder)}
    order = next((m for m in members if m.info.filename == f"{folder}byteorder"), None)
    archive = Archive(file, limits, data, "<" if order is None else _order(_bytes(file, order), file.name))
    content = unpickled(_bytes(file, pickle), file.name)
    extents = tuple(member.extent(UNCHECKED) for member in members) if limits.checksums else ()
    return Saved(content, archive), extents


def _is_data(name: str, folder: str) -> bool:
    return name.startswith(f"{folder}data/")


def _order(text: bytes, name: str) -> Literal["<", ">"]:
    if text not in BYTE_ORDERS:
        raise InputError(f"{name}: damaged, or not written by torch.save (byte order)")
    return BYTE_ORDERS[text]


def _bytes(file: SteadyFile, member: Member) -> bytes:
    data = bytearray(member.info.file_size)
    file.fill([memoryview(data)], [member.start])
    return bytes(data)


def tensors(saved: Saved, name: str) -> dict[str, Stored]:
    """The content as arrays by name; anything but tensors, numbers and lists of them is left out.

    name: of the file, for messages.
    Raises: InputError if nothing is left.
    """
    content, archive = saved.content, saved.archive
    if isinstance(content, Unread):
        raise InputError(f"{name}: holds {content.why}")
    if isinstance(content, Tensor):
        content = {"": content}
    elif _is_pair(content):
        content = {"logits": content[0], "labels": content[1]}
    elif isinstance(content, list) and content and all(map(_is_pair, content)):
        content = {"logits": [pair[0] for pair in content], "labels": [pair[1] for pair in content]}
    elif isinstance(content, list) and content and all(isinstance(one, Tensor) for one in content):
        content = {"": content}
    elif isinstance(content, list) and content and all(isinstance(one, dict) for one in content):
        content = _by_key(content, name)
    if not isinstance(content, dict):
        raise InputError(
            f"{name}: holds {_in_words(content)}, but a tensor, a dict of tensors, a (logits, labels) pair "
            "or a list of such batches is needed"
        )
    arrays: dict[str, Stored] = {}
    for key, value in _flat(content):
        stored = _stored(archive, value, f'{name}: "{key}"' if key else name)
        if stored is None:
            continue
        if key in arrays:
            raise InputError(f'{name}: two entries are called "{key}"')
        arrays[key] = stored
    if not arrays:
        raise InputError(f"{name}: holds no tensors")
    return arrays


def _is_pair(value: Any) -> bool:
    """Whether something is a (logits, labels) pair, each one tensor, or the batches of one."""
    return (
        isinstance(value, tuple | list)
        and len(value) == 2
        and (all(isinstance(part, Tensor) for part in value) or all(map(_are_batches, value)))
    )


def _are_batches(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Tensor) for one in value)


def _by_key(batches: Sequence[dict[Any, Any]], name: str) -> dict[Any, list[Any]]:
    """A list of dicts as a dict of lists."""
    for i, batch in enumerate(batches):
        differing = sorted(str(key) for key in batch.keys() ^ batches[0].keys())
        if differing:
            raise InputError(f'{name}: batch {i} and batch 0 differ in "{differing[0][:80]}": all need the same keys')
    return {key: [batch[key] for batch in batches] for key in batches[0]}


def _flat(content: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The entries by name; for a dict that holds tensors, its own entries, with its name before theirs."""
    for key, value in content.items():
        if isinstance(value, dict) and any(isinstance(one, Tensor) or _are_batches(one) for one in value.values()):
            yield from ((f"{key}_{inner}", one) for inner, one in value.items())
        else:
            yield str(key), value


def _stored(archive: Archive, value: Any, place: str) -> Stored | None:
    """A tensor, the batches of one, a number, or a list of numbers or texts, as an array; None for anything else."""
    if isinstance(value, Tensor):
        return archive.stored(value, place)
    if isinstance(value, Unread):
        return Stored.refused(value.shape, np.dtype("V1"), place, value.why)
    if _are_batches(value):
        return _joined(archive, [archive.stored(one, f"{place}, batch {i}") for i, one in enumerate(value)], place)
    if isinstance(value, bool | int | float):
        return _numbers(value)
    if isinstance(value, list | tuple) and value:
        if all(isinstance(item, str) for item in value):
            texts = np.empty(len(value), object)
            texts[:] = value
            widest = max(map(len, value))
            return Stored.of(texts.astype(str) if widest * len(value) <= 2**24 else texts)
        if all(type(item) in (bool, int, float) for item in value):
            return _numbers(value)
    return None


def _numbers(value: Any) -> Stored | None:
    try:
        array = np.asarray(value)
    except OverflowError:
        return None
    return None if array.dtype.hasobject else Stored.of(array)


def _joined(archive: Archive, parts: Sequence[Stored], place: str) -> Stored:
    """Batches as one array; single numbers become a column."""
    first = parts[0]
    for i, part in enumerate(parts):
        if part.shape[1:] != first.shape[1:] or len(part.shape) != len(first.shape) or part.dtype != first.dtype:
            raise InputError(f"{place}: batch {i} is {part.describe()}, but batch 0 is {first.describe()}")
    total = sum(max(part.shape[0], 0) if part.shape else 1 for part in parts)
    shape = (total, *first.shape[1:])
    nbytes = Header.checked(shape, first.dtype, place).nbytes
    if nbytes > 2 * archive.file.size:
        raise InputError(f"{place}: {nbytes} bytes in batches that overlap: save x.clone() of each")
    if not first.shape or nbytes <= archive.limits.max_memory // 4:
        return Stored(
            shape, first.dtype, lambda: np.concatenate([np.atleast_1d(p.array()) for p in parts]), first.precision
        )
    return Stored(shape, first.dtype, lambda: JoinedRows([part.load() for part in parts]), first.precision)


def _in_words(content: Any) -> str:
    return "nothing (None)" if content is None else f"a {type(content).__name__}"
