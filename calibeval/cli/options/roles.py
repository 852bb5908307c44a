"""Roles of arrays and columns, which `--key ROLE=NAME` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from calibeval.cli.options.choices import pairs
from calibeval.readers.meaning.named import ROLES, named_roles


def named_keys(
    texts: Sequence[str], short: Mapping[str, str | None], readable: Sequence[str]
) -> tuple[dict[str, str], frozenset[str]]:
    """The key of each role that was named, by --key or by a short form such as --labels-key, and the roles after --key.

    short: what the short forms say, by role. readable: the roles that the command reads.
    Raises: UsageError as `named_roles`, and for a text that is not ROLE=NAME.
    """
    found = pairs("--key", texts, ROLES, "ROLE=NAME")
    return named_roles(found, short, readable), frozenset(found)
