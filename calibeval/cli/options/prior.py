"""`--prior`: the shares of classes where a map is used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import typer

from calibeval.cli.options.shared import MAP
from calibeval.core.errors import UsageError

Prior = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SHARE",
        help="Share of class 1 (or CLASS=SHARE) where the map is used.",
        rich_help_panel=MAP,
    ),
]


def shares(texts: Sequence[str] | None) -> float | dict[str, float] | None:
    """The shares: of class 1, or by class; None if none was given.

    Raises: UsageError for text that is neither, and for two shares of one class.

    >>> shares(["0.03"]), shares(["cat=0.2", "dog=0.8"]), shares(None)
    (0.03, {'cat': 0.2, 'dog': 0.8}, None)
    """
    found: dict[str, float] = {}
    for text in texts or ():
        name, sign, value = (part.strip() for part in text.rpartition("="))
        try:
            share = float(value)
        except ValueError:
            share = math.nan
        if math.isnan(share) or (bool(sign) != bool(name)) or (not sign and len(texts or ()) > 1) or name in found:
            wanted = "the share of class 1, such as 0.03, or CLASS=SHARE, once for each class"
            raise UsageError(f'--prior "{text}" must be {wanted}')
        if not sign:
            return share
        found[name] = share
    return found or None
