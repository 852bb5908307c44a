"""How a map was fitted, and how a method was chosen, as maps record it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout

LEAST_ROWS = 10  # of a class: with fewer, parameters of its own are mostly noise


@dataclass(frozen=True, slots=True)
class MethodScore:
    """One row of the table from which `method="auto"` chose.

    nll: cross-validated mean NLL in nats; None if the method could not be fitted (reason says why). excess: nll minus
    the best nll; standard_error: of that difference, paired by rows. chosen: whether this is the chosen method: the
    simplest one whose excess is within one standard error.
    """

    LAYOUT: ClassVar = Layout(optional=("chosen",))

    method: str
    nll: float | None = None
    excess: float | None = None
    standard_error: float | None = None
    chosen: bool = False
    reason: Notice | None = None


NO_END = "the search did not converge"


@dataclass(frozen=True, slots=True)
class Search:
    """How the search for a map's parameters ended.

    converged: whether the gradient is so small that no further step could lower the objective noticeably. gradient: the
    largest absolute entry of the gradient of the mean objective, in nats, with respect to parameters that are scaled so
    that a change by 1 changes scores (or a penalty, if it changes more) by the order of 1. iterations: steps that were
    taken.
    """

    converged: bool
    gradient: float
    iterations: int

    @property
    def failure(self) -> str | None:
        """That the search did not converge, in a sentence; None if it did.

        >>> Search(False, 0.002, 300).failure
        'the search did not converge: after 300 steps, the gradient is still 2.0e-03'
        """
        if self.converged:
            return None
        steps = f"after {self.iterations:,} step{'s' * (self.iterations != 1)}"
        return f"{NO_END}: {steps}, the gradient is still {self.gradient:.1e}"


class Solution(NamedTuple):
    """The parameters of a map in the order of its fields, a note if one is needed, and the search, if there was one."""

    values: tuple[Any, ...]
    note: str | None = None
    search: Search | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """How a map was fitted.

    sha256, split, n: the dump and its number of rows. objective: what was optimised. nll_before, nll_after: mean NLL in
    nats of the fitted rows; with a clip, nll_before is that of the clipped probabilities. bound: "low" or "high" if the
    best temperature is a limit, not a value; "flat" if all temperatures are equally good. note: a sentence about that.
    clipped: number of rows whose label's probability was raised to the clip. selection: the table of `method="auto"`.
    sketch: hashes of some rows, which identify the rows in a file of another format; see `sketch_of`. search: how the
    search for the parameters ended; None for methods that compute them directly, and in maps of earlier versions.
    cases: hashes of the files of scores of a folder of cases, of which any is known again in another folder; else None.
    """

    LAYOUT: ClassVar = Layout(
        inside=dict.fromkeys(("sha256", "split", "n", "sketch", "cases"), "fitted_on"),
        optional=("clipped", "selection", "sketch", "search", "cases"),
        open=True,
    )

    sha256: str | None
    split: str | None
    n: int
    objective: str
    nll_before: float
    nll_after: float
    bound: str | None = None
    note: str | None = None
    clipped: int = 0
    selection: tuple[MethodScore, ...] = ()
    sketch: str | None = None
    search: Search | None = None
    cases: tuple[str, ...] | None = None
