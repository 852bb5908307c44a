"""The smooth calibration error: no bins, and a width that follows from the error itself."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.floors import Floor
from calibeval.core.uncertainty.heat import heat, smoothed_error
from calibeval.core.uncertainty.isotonic_pairs import Drawn, drawn_floor

# Cells and accuracy for drawn outcomes: fewer than for the value, since a floor needs three digits. With more rows,
# floors are smaller, and so must be the cells.
FEW_CELLS, MANY_CELLS, MANY_ROWS, ACCURACY = 2**11, 2**12, 50_000, 1e-7
DRAWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothError(OfPairs):
    """The integral of |residuals smoothed over the confidence|, by a kernel as wide as the integral itself."""

    def of_pairs(self, pairs: Pairs) -> float:
        """The error."""
        return float(smoothed_error(heat(pairs.confidence, pairs.surplus / pairs.total)))

    def floor_of(self, pairs: Pairs) -> Floor | None:
        """From drawn outcomes."""
        cells = MANY_CELLS if pairs.rows > MANY_ROWS else FEW_CELLS
        return drawn_floor(pairs, lambda one: _of_drawn(one, cells))


def _of_drawn(drawn: Drawn, cells: int) -> Floats:
    residual = drawn.rows * (drawn.share[:DRAWS] - drawn.confidence) / drawn.rows.sum()
    return smoothed_error(heat(drawn.confidence, residual, cells), ACCURACY)
