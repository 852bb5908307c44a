"""Records by the types of their fields: what may be left out, what stands elsewhere, what there is no reader for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import pytest

from calibeval.core.data.documents import Place, Wrong
from calibeval.core.data.records import Layout, read_as, read_record, to_plain


@dataclass(frozen=True)
class Inner:
    name: str
    size: int | None
    note: str | None = None


@dataclass(frozen=True)
class Outer:
    LAYOUT: ClassVar = Layout(
        rare=("mark",), optional=("tags",), inside={"left": "sides", "right": "sides"}, earlier={"share": "part"},
        read={"odd": lambda place: -place.number()},
    )  # fmt: skip

    left: float
    right: bool
    share: float
    odd: float
    by_name: Mapping[str, Inner]
    values: Mapping[str, float | None]
    anything: Mapping[str, Any]
    told: str | None = None
    tags: tuple[str, ...] = ()
    word: Literal["a", "b"] | None = None
    mark: int | None = None


@dataclass(frozen=True)
class Open:
    LAYOUT: ClassVar = Layout(open=True)

    name: str
    size: int


@dataclass(frozen=True)
class Beside:
    LAYOUT: ClassVar = Layout(flat=("inner",), open=True)

    inner: Open
    more: int


JSON = {
    "sides": {"left": 1, "right": False},
    "share": 0.5,
    "odd": 2,
    "by_name": {"x": {"size": None}},
    "values": {"y": None, "z": 3},
    "anything": {"w": [1, {"v": "u"}]},
    "told": None,
}
RECORD = Outer(1.0, False, 0.5, -2.0, {"x": Inner("x", None)}, {"y": None, "z": 3.0}, {"w": [1, {"v": "u"}]})


def outer(document):
    return read_record(Place(document, "", "the thing"), Outer)


def test_a_record_is_read_by_its_types_and_layout():
    assert outer(JSON) == RECORD
    full = outer({**JSON, "told": "t", "tags": ["s"], "word": "b"})
    assert (full.told, full.tags, full.word) == ("t", ("s",), "b")
    assert outer({**{key: value for key, value in JSON.items() if key != "share"}, "part": 0.5}) == RECORD
    assert isinstance(outer(JSON).left, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"word": "c"}, 'word is "c", but one of "a", "b" is needed'),
        ({"share": ...}, 'the thing has no "share"'),
        ({"told": 3}, "told is 3, but a string is needed"),
        ({"tags": None}, "tags is null, but a list is needed"),
        ({"left": 1}, 'the thing has an unknown field "left"; known fields are sides, share, odd'),
        ({"sides": {"left": 1}}, 'sides has no "right"'),
        ({"sides": None}, "sides is null, but an object is needed"),
        ({"by_name": {"x": {"size": 1, "name": "x"}}}, 'by_name.x has an unknown field "name"'),
        ({"by_name": {"x": {"size": 1, "note": 2}}}, "by_name.x.note is 2, but a string is needed"),
        ({"odd": "2"}, 'odd is "2", but a finite number is needed'),
    ],
)
def test_what_is_missing_or_too_much_is_named(change, message):
    document = {key: value for key, value in {**JSON, **change}.items() if value is not ...}
    with pytest.raises(Wrong) as error:
        outer(document)
    assert str(error.value).startswith(message)


def test_fields_of_another_record_may_stand_beside():
    place = Place({"name": "x", "size": 3, "more": 4, "later": 5}, "", "the thing")
    assert read_record(place, Beside) == Beside(Open("x", 3), 4)


def test_what_is_known_already_must_not_stand_there():
    assert read_record(Place({"size": 3}, "", "it"), Inner, name="n") == Inner("n", 3)
    with pytest.raises(Wrong, match='unknown field "name"'):
        read_record(Place({"size": 3, "name": "n"}, "", "it"), Inner, name="n")


@dataclass(frozen=True)
class Cut:
    lower: float
    size: int


@dataclass(frozen=True)
class Either:
    one: Inner | Cut
    other: Inner | Cut | None = None


def test_records_of_a_union_are_told_apart_by_their_keys():
    inner, cut = {"name": "n", "size": 3}, {"lower": 0.5, "size": 3}
    found = read_record(Place({"one": inner}, "", "it"), Either)
    assert found == Either(Inner("n", 3))
    assert to_plain(found) == {"one": {**inner, "note": None}, "other": None}
    assert read_record(Place({"one": inner, "other": inner}, "", "it"), Either) == Either(Inner("n", 3), Inner("n", 3))
    assert read_record(Place({"one": inner, "other": cut}, "", "it"), Either) == Either(Inner("n", 3), Cut(0.5, 3))
    with pytest.raises(Wrong, match='one has no "name"'):
        read_record(Place({"one": {}}, "", "it"), Either)
    with pytest.raises(Wrong, match='one has an unknown field "more"; known fields are lower, size'):
        read_record(Place({"one": {**cut, "more": 1}}, "", "it"), Either)
    assert read_record(Place({"one": inner, "other": None}, "", "it"), Either) == Either(Inner("n", 3))
    with pytest.raises(Wrong, match="one is null, but an object is needed"):
        read_record(Place({"one": None}, "", "it"), Either)
    assert read_as(Place(None, "", "it"), Inner | Cut | None) is None


def test_types_that_no_document_holds_are_a_bug():
    with pytest.raises(TypeError, match="there is no reader for"):
        read_as(Place(1, "", "it"), complex)
    with pytest.raises(TypeError, match="cannot be read"):
        read_as(Place(1, "", "it"), int | str)


@pytest.mark.parametrize("name", ["told", "word", "mark"])
def test_an_absent_fact_is_read_as_null_is(name):
    without = {key: value for key, value in JSON.items() if key != name}
    assert outer(without) == outer({**without, name: None}) == RECORD


def test_what_a_record_lacks_is_written_as_null_unless_it_is_rare():
    assert to_plain(Inner("x", None)) == {"name": "x", "size": None, "note": None}
    assert to_plain(Inner("x", 1, "n"), "name") == {"size": 1, "note": "n"}
    assert to_plain(Beside(Open("x", 1), 2)) == {"inner": {"name": "x", "size": 1}, "more": 2}
    found = to_plain(RECORD)
    assert (found["told"], found["word"]) == (None, None)
    assert "mark" not in found
    assert to_plain(replace(RECORD, mark=0))["mark"] == 0
    assert found["tags"] == []
