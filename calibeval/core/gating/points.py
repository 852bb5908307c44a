"""Axes and points of a survey as rules write them: "corruption,severity", and "corruption=fog,severity=3"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from calibeval.core.errors import UsageError
from calibeval.core.gating.values import as_text

_NEXT = re.compile(r",\s*(?=[^\W\d][\w-]*\s*=)")


def axes_in(text: object) -> tuple[str, ...]:
    """The axes that a rule is taken over, each once.

    >>> axes_in("corruption, severity")
    ('corruption', 'severity')

    Raises: UsageError for other values, and for an axis that is there twice.
    """
    names = tuple(name.strip() for name in as_text(text, "over").split(","))
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f'over is "{text}", but it must name axes, each once, such as "corruption,severity"')
    return names


def point_in(text: object) -> dict[str, str]:
    """The values of axes at which a rule is; a value may hold commas.

    >>> point_in("severity=3, corruption=a,b")
    {'severity': '3', 'corruption': 'a,b'}

    Raises: UsageError for other values, and for an axis that is there twice.
    """
    found: dict[str, str] = {}
    for part in _NEXT.split(as_text(text, "where")):
        name, sign, value = (one.strip() for one in part.partition("="))
        if not (name and sign and value) or name in found:
            raise UsageError(f'where is "{text}", but it must be "axis=value", such as "severity=3", each axis once')
        found[name] = value
    return found


def said_point(point: Mapping[str, object]) -> str:
    """A point as a rule writes it.

    >>> said_point({"corruption": "fog", "severity": 3})
    'corruption=fog, severity=3'
    """
    return ", ".join(f"{name}={value}" for name, value in point.items())
