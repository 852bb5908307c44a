"""Closed forms where the logits lie in another order in memory, or beside rows that another head has spoilt."""

from __future__ import annotations

import math

import pytest
import torch

from tests.losses.cases import CASES, rows

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
OF_ROWS = [name for name, case in CASES.items() if not case.entry.batchwise]


@EVERY
def test_logits_may_lie_class_by_class(case):
    logits, labels = rows()
    turned = logits.T.contiguous().T.unsqueeze(1)
    assert turned.stride(0) == 1
    expected, found = (
        case.gradient(logits.unsqueeze(1), labels.unsqueeze(1)),
        case.gradient(turned, labels.unsqueeze(1)),
    )
    torch.testing.assert_close(found.gradient, expected.gradient, rtol=1e-13, atol=1e-15)
    torch.testing.assert_close(found.terms.total, expected.terms.total, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", OF_ROWS)
def test_a_row_with_ties_is_the_same_beside_rows_that_are_not_numbers(name):
    case, tied = CASES[name], torch.tensor([[9.0, 9.0, 0.0, 0.0]], dtype=torch.float64)
    spoilt, labels = torch.full((1, 4), math.nan, dtype=torch.float64), torch.tensor([1, 2])
    found = case.gradient(torch.cat([tied, spoilt]), labels).gradient
    assert torch.equal(found[:1], case.gradient(tied, labels[:1]).gradient)
    assert found[1].isnan().any()
