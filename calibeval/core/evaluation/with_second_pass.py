"""Sums with what metrics on request need of another pass over the scores."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.engine import chunk_rows, edges_of
from calibeval.core.sums.second_pass import Wanted, second_pass
from calibeval.core.sums.sums import Sums


def with_second_pass(sums: Sums, predictions: Predictions, bins: int, wanted: Wanted) -> Sums:
    """The finished sums of all rows with those of a second pass; unchanged if nothing is wanted, or can be had."""
    if not wanted:
        return sums
    found = second_pass(predictions, wanted, edges_of(predictions, bins)[1], chunk_rows(predictions))
    if found is None:
        return sums
    return replace(sums, second=found if sums.top.squared is None else found.scaled(sums.scale))
