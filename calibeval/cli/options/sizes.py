"""Sizes of memory and files, such as 8G or 1.5MB."""

from __future__ import annotations

import re

import typer

_SIZE = r"(?i)(?P<number>\d+(?:\.\d+)?)\s*(?:(?P<prefix>[KMGTP])(?P<unit>iB|B)?|B)?"
_PREFIXES = "KMGTP"
LARGEST = 2**63 - 1


def size(text: str) -> int:
    """A number of bytes: plain, with K, M, G, T or P (powers of 1024, as KiB, MiB, ...), or with KB, MB, ... (of 1000).

    Raises: BadParameter for anything else.

    >>> size("8G") == size("8GiB") == 8 * 2**30, size("1.5MB"), size("512")
    (True, 1500000, 512)
    """
    found = re.fullmatch(_SIZE, text.strip())
    if found is None:
        raise typer.BadParameter(f'"{text}" is not a size; write 8G, 512M, 1.5GiB or a number of bytes.')
    base = 1000 if (found["unit"] or "").upper() == "B" else 1024
    exponent = 0 if found["prefix"] is None else _PREFIXES.index(found["prefix"].upper()) + 1
    whole, _, decimals = found["number"].partition(".")
    tenths = int(10 ** len(decimals))
    bytes_: int = int(whole + decimals) * base**exponent // tenths  # exact, whatever the number of digits
    if bytes_ > LARGEST:
        raise typer.BadParameter(f'"{text}" is more than any machine has.')
    return bytes_


def size_above_zero(text: str) -> int:
    """A size of at least one byte.

    Raises: BadParameter.
    """
    bytes_ = size(text)
    if bytes_ < 1:
        raise typer.BadParameter(f'"{text}" is not in the range x>=1: at least one byte is needed.')
    return bytes_
