"""Losses in the notation of the command line: "mbls(margin=6,alpha=0.1)"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calibeval.core.data.ranges import MOST_COUNT
from calibeval.core.errors import UnknownMetric, UsageError, nearest
from calibeval.losses.table import LOSS_TABLE, LossEntry

Value = float | str | bool

_WORDS: dict[str, bool] = {"true": True, "false": False}

LONGEST = 10_000  # characters of a list of losses


@dataclass(frozen=True, slots=True)
class LossSpec:
    """A loss by name, with the parameters that the user set; the others have their defaults.

    >>> str(LossSpec("mbls", {"margin": 6.0})), LossSpec("mbls", {"margin": 6.0})["alpha"]
    ('mbls(margin=6)', 0.1)
    """

    name: str
    parameters: Mapping[str, Value] = field(default_factory=dict)

    @property
    def entry(self) -> LossEntry:
        """The entry of the loss in the table."""
        return LOSS_TABLE[self.name]

    def __getitem__(self, parameter: str) -> Any:
        """The value of a parameter, set or default."""
        return self.parameters[parameter] if parameter in self.parameters else self.entry.defaults()[parameter]

    def __str__(self) -> str:
        """The loss in the notation of the command line."""
        said = ",".join(f"{name}={_shown(value)}" for name, value in self.parameters.items())
        return f"{self.name}({said})" if said else self.name

    def to_dict(self) -> dict[str, Any]:
        """The loss with all its parameters, for saved results."""
        return {"loss": self.name, **self.entry.defaults(), **self.parameters}


def parse_losses(text: str, *, tuned: bool = False) -> tuple[LossSpec, ...]:
    """The losses of a list such as "ce,mbls(margin=6,alpha=0.1)".

    tuned: whether parameters that are not named are searched; otherwise they have their defaults.
    Raises: UsageError for an unknown loss or parameter, with the nearest name; for a value that cannot work; for a loss
    named twice, even with a default written out or in another order.

    >>> [str(loss) for loss in parse_losses("ce, mbls(margin=6)")]
    ['ce', 'mbls(margin=6)']
    """
    if len(text) > LONGEST:
        raise UsageError(f'--loss "{text}": has {len(text):,} characters, but at most {LONGEST:,} are read')
    losses = tuple(_parse(part.strip()) for part in _parts(text))
    for first, second in itertools.combinations(losses, 2):
        if str(first) == str(second):
            raise UsageError(f"loss {first} is named twice")
        same = first.parameters == second.parameters if tuned else first.to_dict() == second.to_dict()
        if first.name == second.name and same:
            raise UsageError(f"losses {first} and {second} are the same{_by_default(first, second)}; name only one")
    return losses


def _by_default(first: LossSpec, second: LossSpec) -> str:
    """Which parameters that only one of two equal losses names are as by default."""
    unequal = sorted(first.parameters.keys() ^ second.parameters.keys())
    return f": by default, {', '.join(f'{name} is {_shown(first[name])}' for name in unequal)}" if unequal else ""


def _parts(text: str) -> list[str]:
    """The text split at its commas outside parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth not in (0, 1):
            break
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if depth:
        raise UsageError(f'loss "{text}": parentheses do not match; write mbls(margin=6,alpha=0.1)')
    return parts


def _parse(text: str) -> LossSpec:
    match = re.fullmatch(r"([^()]*)(?:\(([^()]*)\))?", text)
    if match is None:
        raise UsageError(f'loss "{text}" cannot be read; write it as mbls(margin=6,alpha=0.1)')
    name, inside = match[1].strip().lower(), match[2] or ""
    if name not in LOSS_TABLE:
        hint, known_losses = nearest(name, LOSS_TABLE), ", ".join(LOSS_TABLE)
        raise UnknownMetric(f'loss "{match[1]}" is unknown{hint}; losses are {known_losses}')
    known = LOSS_TABLE[name].defaults()
    parameters: dict[str, Value] = {}
    for item in inside.split(",") if inside.strip() else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if key not in known:
            there = f"it has {', '.join(known)}" if known else "it has none"
            raise UsageError(f'{name} has no parameter "{key}"{nearest(key, known)}; {there}')
        if not equals or key in parameters:
            raise UsageError(f"{name}: {key} needs one value; write {key}=...")
        parameters[key] = _value(value)
    spec = LossSpec(name, parameters)
    try:
        spec.entry.make(2, **parameters)
    except (ValueError, TypeError) as error:
        raise UsageError(f"loss {spec}: {error}") from None
    return spec


def _value(text: str) -> Value:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if abs(value) < MOST_COUNT else float(text)  # inf, where float64 does not hold it
    return text.strip("\"'")


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else f"{value:g}"
