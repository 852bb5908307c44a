"""Whole numbers within a range, whatever comes."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.data.ranges import check_whole
from calibeval.core.errors import UsageError


@pytest.mark.parametrize("value", [0, 7, np.int64(3), np.uint8(7)])
def test_numbers_within(value):
    check_whole("n", value, 0, 7)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "n is -1, but it must be a whole number, at least 0"),
        (8, "n is 8, but it can be 7 at most"),
        (True, "n is True, but it must be a whole number, at least 0"),
        (1.0, "n is 1.0, but it must be a whole number, at least 0"),
        (None, "n is None, but it must be a whole number, at least 0"),
        ("3", "n is '3', but it must be a whole number, at least 0"),
    ],
)
def test_others(value, message):
    with pytest.raises(UsageError) as error:
        check_whole("n", value, 0, 7)
    assert str(error.value) == message


def test_numbers_of_thousands_of_digits():
    with pytest.raises(UsageError, match="n is a whole number of thousands of digits, but it can be 7 at most"):
        check_whole("n", 10**5000, 0, 7)
    with pytest.raises(UsageError, match="n is a whole number of thousands of digits, but it must be a whole number"):
        check_whole("n", -(10**5000), 0, 7)
