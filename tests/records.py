"""Records with every fact that they can have, or as few as possible: made from the types of their fields."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib import resources
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from calibeval.core.data.notices import Notice
from calibeval.core.data.records import layout_of

CHOICES = 20  # words that a field may have at most
NOTICE = Notice("x", "y")
SCALARS = {float: 0.25, int: 3, bool: True, str: "x", Notice: NOTICE, Any: 1}


@dataclass(frozen=True)
class Filling:
    """How records are filled. lacking: without what may be left out. null: None where that may be; deep:
    but for what may be left out. choice: of Literals.

    known: values, or other types, of fields by record and name, where the types do not say all. needed: fields, by
    record and name, that are never left out.
    """

    lacking: bool = False
    null: bool = False
    deep: bool = False
    choice: int = 0
    known: Mapping[tuple[type, str], Any] | None = None
    needed: Collection[tuple[type, str]] = ()

    def record(self, kind, **given):
        """A record of that class."""
        layout, hints = layout_of(kind), get_type_hints(kind)
        for one in fields(kind):
            optional = layout.may_lack(one.name, one.default)
            if one.name in given or (optional and self.lacking and (kind, one.name) not in self.needed):
                continue
            known = (self.known or {}).get((kind, one.name), hints[one.name])
            given[one.name] = self.value(known, never_null=one.name in layout.rare or (optional and self.deep))
        return kind(**given)

    def value(self, kind, *, never_null=False):
        """A value of that type; a value, of its own."""
        origin, parts = get_origin(kind), get_args(kind)
        if isinstance(kind, dict):
            return kind
        if self.null and (kind is Notice or isinstance(kind, Notice)):
            return Notice("x")
        if kind in SCALARS:
            return SCALARS[kind]
        if origin in (Union, UnionType):
            inner = [part for part in parts if part is not NoneType]
            nothing = self.null and not never_null and NoneType in parts
            return None if nothing else self.value(inner[self.choice % len(inner)])
        if origin is Literal:
            assert len(parts) <= CHOICES
            return parts[self.choice % len(parts)]
        if origin is tuple:
            return tuple(self.value(part) for part in parts if part is not ...)
        if origin is Mapping:
            named = is_dataclass(parts[1]) and "name" in {one.name for one in fields(parts[1])}
            return {"x": self.record(parts[1], name="x") if named else self.value(parts[1])}
        return self.record(kind) if isinstance(kind, type) and is_dataclass(kind) else kind


def every_filling(known=None, needed=()):
    """Records with everything, for every choice; with nulls; with as little as possible."""
    return [
        *(Filling(choice=i, known=known) for i in range(CHOICES)),
        Filling(null=True, known=known),
        Filling(null=True, deep=True, known=known),
        Filling(lacking=True, known=known, needed=needed),
    ]


def schema(name):
    """The shipped schema of that name."""
    return json.loads(resources.files("calibeval").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8"))
