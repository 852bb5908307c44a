"""Records and JSON: frozen dataclasses are read and written by the types of their fields.

float is a finite number, and int a count; bool, str, Notice, Literal, X | None, tuple[X, ...], Mapping[str, X], Any and
other records have their usual meaning. From a union of records, the one with the most fields present is read (the
first, if tied). In a mapping of records that have a name, the key is the name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from calibeval.core.data.documents import Place
from calibeval.core.data.notices import Notice, read_notice

T = TypeVar("T")
Reader = Callable[[Place], Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a record's JSON differs from one key per field; given by the class variable LAYOUT of a record.

    Every field is written, as null if it is None. Fields with the default None may be missing when read. rare: fields
    that few records have, and that are not written if None. optional: other fields that may be missing when read.
    inside: fields that are in a nested object of that name. flat: record fields whose own fields are written at the
    level of the others; then both records must be open. earlier: names of fields in earlier versions. read: readers for
    fields whose types do not describe their content. check: refuses, at its place, a record whose fields contradict one
    another. open: whether unknown fields are ignored, since they may come from a later version.
    """

    rare: Sequence[str] = ()
    optional: Sequence[str] = ()
    inside: Mapping[str, str] = field(default_factory=dict)
    flat: Sequence[str] = ()
    earlier: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, Reader] = field(default_factory=dict)
    check: Callable[[Place, Any], None] | None = None
    open: bool = False

    def may_lack(self, name: str, default: object) -> bool:
        """Whether the field may be missing when read."""
        return default is None or name in self.optional


def read_record(place: Place, kind: type[T], **given: Any) -> T:
    """Read a record. given: fields whose values are known, and which must not be in the document.

    Raises: Wrong for a missing, unknown or invalid field.

    >>> @dataclass
    ... class Point:
    ...     x: float
    ...     label: str | None = None
    >>> read_record(Place({"x": 3}, "", "the point"), Point)
    Point(x=3.0, label=None)
    """
    layout, every = layout_of(kind), _rows(kind)  # type: ignore[arg-type]
    rows = [row for row in every if row.name not in given]
    if not layout.open:
        place.only([*dict.fromkeys(layout.inside.get(row.name, row.name) for row in rows), *layout.earlier.values()])
    found = {row.name: value for row in rows if (value := _read_field(place, row, layout)) is not MISSING}
    record = kind(**found, **given)
    if layout.check is not None:
        layout.check(place, record)
    return record


def read_as(place: Place, kind: Any) -> Any:
    """Read a value of a type, as described at the top of this module.

    Raises: Wrong if it is not of that type.
    """
    return _reader(kind)(place)


def to_plain(record: Any, *without: str) -> dict[str, Any]:
    """A record as a JSON object, with the fields in their order; fields that are None are null, or left out if rare.

    without: fields that are left out. Nested records are written by their own `to_dict`, if they have one.
    """
    kind: Any = type(record)
    rare = layout_of(kind).rare
    values = {name: getattr(record, name) for name in _names(kind) if name not in without}
    return {name: _plain(value) for name, value in values.items() if value is not None or name not in rare}


@cache
def layout_of(kind: type) -> Layout:
    """The layout of a record."""
    found: Layout = getattr(kind, "LAYOUT", Layout())
    return found


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


class _Row(NamedTuple):
    """A field of a record: its name, how it is read, and whether it may be missing."""

    name: str
    read: Reader
    optional: bool


@cache
def _rows(kind: Any) -> tuple[_Row, ...]:
    """The fields of a record."""
    layout, hints = layout_of(kind), get_type_hints(kind)
    rows = []
    for one in fields(kind):
        read = layout.read.get(one.name) or _reader(hints[one.name])
        rows.append(_Row(one.name, read, layout.may_lack(one.name, one.default)))
    return tuple(rows)


def _read_field(place: Place, row: _Row, layout: Layout) -> Any:
    """The value of a field; MISSING if it is absent and may be."""
    if row.name in layout.flat:
        return row.read(place)
    holder = place[layout.inside[row.name]] if row.name in layout.inside else place
    found = holder.get(row.name) or holder.get(layout.earlier.get(row.name, row.name))
    if found is None:
        return MISSING if row.optional else holder.fail(f'has no "{row.name}"')
    return row.read(found)


@cache
def _reader(kind: Any) -> Reader:
    """A reader for values of that type."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if is_dataclass(kind):
        return _record_reader(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _union_reader(parts)
    if origin is Literal:
        return lambda place: place.one_of(parts)
    if origin is tuple and parts[1:] == (...,):
        entry = _reader(parts[0])
        return Place.numbers if parts[0] is float else lambda place: place.each(entry)
    if origin is Mapping and parts[0] is str:
        return _mapping_reader(parts[1])
    raise TypeError(f"there is no reader for {kind}")


_PLAIN: dict[Any, Reader] = {
    float: Place.number,
    int: Place.count,
    bool: Place.truth,
    str: Place.text,
    Notice: read_notice,
    Any: Place.anything,
}


def _union_reader(parts: Sequence[Any]) -> Reader:
    """A reader for a value that may be None, or one of several records.

    It reads the record with the most fields present (the first, if tied).
    """
    kinds = [part for part in parts if part is not NoneType]
    if len(kinds) > 1 and not all(map(is_dataclass, kinds)):
        raise TypeError(f"a union of {kinds} cannot be read")
    readers = [_reader(kind) for kind in kinds]
    names = [{one.name for one in fields(kind)} if is_dataclass(kind) else set() for kind in kinds]

    def read(place: Place) -> Any:
        if place.value is None and NoneType in parts:
            return None
        if len(kinds) == 1:
            return readers[0](place)
        there = place.object().keys()
        return max(zip(names, readers, strict=True), key=lambda pair: len(pair[0] & there))[1](place)

    return read


def _record_reader(kind: Any) -> Reader:
    """A reader for a record."""
    return lambda place: read_record(place, kind)


def _named_reader(kind: Any) -> Reader:
    """A reader for an object whose values are records, and whose keys are their names."""
    return lambda place: {key: read_record(inner, kind, name=key) for key, inner in place.items()}


def _mapping_reader(kind: Any) -> Reader:
    """A reader for an object whose values all have one type."""
    if is_dataclass(kind) and "name" in {one.name for one in fields(kind)}:
        return _named_reader(kind)
    read = _reader(kind)
    return lambda place: {key: read(inner) for key, inner in place.items()}


def _plain(value: Any) -> Any:
    if type(value) in (float, str, int, NoneType):  # as nearly all values of a large report are
        return value
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Notice):
        return value.to_dict()
    if not is_dataclass(value):
        return value
    return value.to_dict() if hasattr(value, "to_dict") else to_plain(value)
