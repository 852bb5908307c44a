"""What may be answered without a person at some limits of the error, as the report of a log has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout


@dataclass(frozen=True, slots=True)
class CertifiedLimit:
    """The lowest confidence above which the error is certified to be at most `limit`, with a probability of 1 - delta.

    threshold, coverage: this confidence, and the share of answers of at least it; None and 0 without one.
    rows, errors: these answers and the wrong ones among them; without a threshold, those of the first test, which
    failed. bound: exact upper bound of the error of units. needed: the units that could certify a threshold without an
    error. units: what is independent: rows, or groups. reason: why there is no threshold.
    """

    LAYOUT: ClassVar = Layout(open=True)

    limit: float
    delta: float
    threshold: float | None
    coverage: float | None
    rows: int | None
    errors: int | None
    bound: float | None
    needed: int
    units: Literal["rows", "groups"]
    reason: Notice | None = None
