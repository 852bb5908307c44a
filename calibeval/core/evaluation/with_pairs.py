"""Sums with the confidence and correctness of every row, for metrics that are computed on request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.engine import tie_slack
from calibeval.core.sums.pair_keys import pairs_of_rows
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import Sums

if TYPE_CHECKING:
    from calibeval.core.evaluation.groups import Groups


def with_pairs(sums: Sums, predictions: Predictions, groups: Groups | None = None) -> Sums:
    """The sums with the pairs of their rows; unchanged if they have them, or results of single rows were not kept.

    groups: of exactly these rows; None if rows are independent.
    """
    if sums.rows is None or sums.pairs is not None:
        return sums
    codes = None if groups is None else groups.codes
    if codes is None and sums.rows.weights is None:
        return replace(sums, pairs=pairs_of_rows(sums.rows, tie_slack(predictions)))
    pairs = Pairs.of(sums.rows.confidence, sums.rows.correct, sums.row_weights, codes, tie_slack(predictions))
    return replace(sums, pairs=pairs)
