"""What a ranking of models holds: the models in their order with their ranks, and the tests of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calibeval.core.data.notices import Notice
from calibeval.core.data.records import Layout
from calibeval.core.survey.axes import Value, read_value


@dataclass(frozen=True, slots=True)
class RankedModel:
    """A model with its NLL after the map, in nats, and the ranks that the sample leaves open, from 1, the best.

    nll: the mean over its cells, each with the same weight; low, high: its interval. first, last: the ranks, which hold
    for all models together. best: whether no model is certainly better. reason: why it is not ranked; else None.
    """

    LAYOUT: ClassVar = Layout(read={"model": read_value}, open=True)

    model: Value
    nll: float | None
    low: float | None = None
    high: float | None = None
    first: int | None = None
    last: int | None = None
    best: bool = False
    reason: Notice | None = None


@dataclass(frozen=True, slots=True)
class RankedPair:
    """Two models on the same rows: difference is the NLL of `other` minus that of `model`, with its own interval.

    p: of the test that there is no difference; p_holm: after Holm's correction over all pairs. Both are None, and the
    pair counts as undecided, where a model has fewer than 10 wrong units, or right ones (fewer count where its cells
    are of unequal sizes), or a cell has fewer than 10 units.
    """

    LAYOUT: ClassVar = Layout(read={"model": read_value, "other": read_value}, open=True)

    model: Value
    other: Value
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """The models of an axis in the order of their NLL, those that cannot be ranked at the end.

    axis: of the models. over: the other axes. cells: of each model. units: rows, or groups. folds: of the temperature
    that is fitted to other rows of each cell; None for the maps of the survey. level: with which all ranks hold.
    pairs: the tests of all pairs.
    """

    LAYOUT: ClassVar = Layout(open=True)

    axis: str
    over: tuple[str, ...]
    cells: int
    units: int
    folds: int | None
    level: float
    models: tuple[RankedModel, ...]
    pairs: tuple[RankedPair, ...]

    @property
    def ranked(self) -> tuple[RankedModel, ...]:
        """The models that have ranks."""
        return tuple(one for one in self.models if one.first is not None)

    @property
    def best(self) -> tuple[Value, ...]:
        """The models that no other is certainly better than."""
        return tuple(one.model for one in self.models if one.best)
