"""The confidence and correctness of all rows from one pass over the scores."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.pair_keys import PairKeys
from calibeval.core.sums.pairs import Pairs
from tests.data import logits_and_labels


def test_they_are_those_of_kept_rows():
    logits, labels = logits_and_labels(3000, 4)
    dump = Predictions(logits=logits, labels=labels)
    rows = summarise(dump, keep_rows=True).rows
    found = summarise(dump, ordered=PairKeys())
    expected = Pairs.of(rows.confidence, rows.correct)
    assert found.rows is None
    assert found.pairs.confidence.tolist() == expected.confidence.tolist()
    assert found.pairs.correct.tolist() == expected.correct.tolist()
    assert found.pairs.slack == 2.0**-45  # that of probabilities that are computed


@pytest.mark.parametrize("blocks", [1, 2, 7])
def test_the_blocks_and_their_order_change_nothing(blocks):
    rng = np.random.default_rng(3)
    keys = rng.integers(0, 2**40, 1000).astype(np.uint64)
    expected = Pairs.of_keys(keys)
    found = PairKeys()
    for block in np.array_split(keys, blocks)[::-1]:
        found.add(block)
    assert (found.pairs().confidence == expected.confidence).all()
    assert (found.pairs().correct == expected.correct).all()
