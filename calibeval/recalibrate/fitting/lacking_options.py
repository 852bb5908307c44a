"""Maps that cannot be fitted to logs whose answers have options of differing number."""

from __future__ import annotations

import numpy as np

from calibeval.core.data.predictions import Predictions

# They give every class a probability, also an option that an answer does not have.
FILLING = ("ets", "isotonic")


def lacking_options(predictions: Predictions, method: str) -> str | None:
    """Why a log has no map of this method: some answers lack options, and it would give these a probability.

    None if it has. An answer that lacks options lacks the last one.
    """
    if method not in FILLING or predictions.source.log is None or predictions.k is None or predictions.k == 2:
        return None
    nothing = 0.0 if predictions.kind == "probs" else -np.inf
    if not any((block.scores[:, -1] == nothing).any() for block in predictions.blocks(2**16)):
        return None
    return (
        f"some answers have fewer than {predictions.k} options, and {method} would give the lacking ones a probability"
    )
