"""The sums of probabilities of options, where only the largest of them is measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from calibeval.core.data.precision import Tolerance
from calibeval.core.data.rounding import decimals_of, in_words, wrong_sums
from calibeval.core.errors import InputError

DOUBLE = 2.0**-52


def check_sums(rows: Sequence[tuple[str, Sequence[float]]]) -> None:
    """Check that the probabilities of each answer add up to 1, but for their rounding. rows: places and probabilities.

    Raises: InputError for the first that do not.
    """
    of_number: defaultdict[int, list[int]] = defaultdict(list)
    for at, (_, probs) in enumerate(rows):
        of_number[len(probs)].append(at)
    values = {k: np.array([rows[at][1] for at in numbers], np.float64) for k, numbers in of_number.items()}
    decimals: int | None = 0
    for block in values.values():
        decimals = None if decimals is None else decimals_of(block, DOUBLE, decimals)
    wrong = [
        of_number[k][at]
        for k, block in values.items()
        for at in np.flatnonzero(wrong_sums(block, decimals or None, Tolerance.of(DOUBLE))).tolist()
    ]
    if wrong:
        place, probs = rows[min(wrong)]
        printed = f" (rounded to {in_words(decimals)})" if decimals else ""
        raise InputError(
            f"{place}: the probabilities sum to {sum(probs):.6g}, not to 1{printed} ({len(wrong):,} such answers)"
        )
