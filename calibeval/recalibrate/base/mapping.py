"""What every map has: its classes, what it was fitted on, how it is applied to predictions, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import Kind, RowSource
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.scores import Floats, log_scores, log_softmax, number_of_classes

SCHEMA = "calibeval.map/1"


@dataclass(frozen=True, slots=True)
class MethodScore:
    """One row of the table from which `method="auto"` chose.

    nll: cross-validated, None where the method could not be fitted (reason says why). excess: nll less the best;
    standard_error: of that difference, paired by rows. chosen: the first, from simple to rich, whose excess is within
    one standard error.
    """

    method: str
    nll: float | None
    excess: float | None
    standard_error: float | None
    chosen: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """Where a map comes from.

    sha256, split, n: the dump and its rows. objective: what was minimised. nll_before, nll_after: mean NLL in nats of
    the fitted rows; with a clip, before counts the raised probabilities. bound: "low" or "high" where the best
    temperature is a limit, not a value, "flat" where every temperature is as good. note: says so in words.
    clipped: rows whose label's probability was raised to the clip. selection: the table of `method="auto"`.
    """

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


@dataclass(frozen=True, slots=True)
class Map:
    """A fitted recalibration: calling it maps predictions to predictions.

    k, class_names: of the dump it was fitted on. clip: probabilities below it are raised to it first; None: never.
    Logits become logits; probabilities and log-probabilities become log-probabilities, which lose nothing to underflow.
    """

    method: ClassVar[str]
    keeps_top: ClassVar[bool] = False

    k: int
    class_names: tuple[str, ...] | None
    fitted: Fitted
    clip: float | None = field(default=None, kw_only=True)

    def __call__(self, predictions: Predictions) -> Predictions:
        """The predictions with mapped scores; labels, ids, columns and source stay. Scores are mapped when read.

        Raises: InputError if the classes are not those of the map, or only the top label is known.
        """
        k = number_of_classes(predictions)
        name, names = predictions.source.name, predictions.class_names
        if k != self.k:
            raise InputError(f"{name}: has {k} classes, but the map was fitted on {self.k}")
        if names is not None and self.class_names is not None and names != self.class_names:
            i = next(i for i in range(k) if names[i] != self.class_names[i])
            raise InputError(f'{name}: class {i} is "{names[i]}", but "{self.class_names[i]}" in the map')
        return predictions.with_scores(*mapped_rows(predictions, self))

    def parameters(self) -> dict[str, Any]:
        """The parameters as JSON values, without the clip."""
        raise NotImplementedError

    def apply(self, z: Floats) -> Floats:
        """New log-scores (b, k) for log-scores z (b, k), in which -inf marks an impossible class."""
        raise NotImplementedError

    @classmethod
    def from_parameters(
        cls,
        parameters: Parameters,
        k: int,
        class_names: tuple[str, ...] | None,
        fitted: Fitted,
        clip: float | None,
    ) -> Self:
        """The map with the parameters of its JSON.

        Raises: InputError for a parameter that is missing or cannot be.
        """
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The map as a JSON object."""
        facts = self.fitted
        clip = {} if self.clip is None else {"clip": self.clip}
        optional: dict[str, Any] = {"bound": facts.bound, "note": facts.note, "clipped": facts.clipped}
        optional["selection"] = [_without_none(candidate) for candidate in facts.selection]
        return {
            "schema": SCHEMA,
            "method": self.method,
            "parameters": {**self.parameters(), **clip},
            "k": self.k,
            "class_names": None if self.class_names is None else list(self.class_names),
            "fitted_on": {"sha256": facts.sha256, "split": facts.split, "n": facts.n},
            "objective": facts.objective,
            "nll_before": facts.nll_before,
            "nll_after": facts.nll_after,
            **{key: value for key, value in optional.items() if value},
        }

    def to_json(self) -> str:
        """The map as JSON: numbers round-trip exactly, and there is never a NaN in it."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _without_none(candidate: MethodScore) -> dict[str, Any]:
    facts = {name: getattr(candidate, name) for name in MethodScore.__slots__}
    return {name: value for name, value in facts.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a map's JSON, with the checks that every map needs."""

    method: str
    values: Mapping[str, Any]

    def number(self, name: str, *, positive: bool = False) -> float:
        """One finite number.

        Raises: InputError if it is missing, no number, or not positive where it must be.
        """
        return float(self.numbers(name, None, positive=positive))

    def need_two(self, k: int) -> None:
        """Refuse a map for two classes that says it has another number of them.

        Raises: InputError unless k is 2.
        """
        if k != 2:
            raise InputError(f"{self.method} is for 2 classes, but the map says k is {k}")

    def numbers(self, name: str, length: int | None, *, positive: bool = False) -> Floats:
        """An array of `length` finite numbers; None: a single number.

        Raises: InputError, as `number`.
        """
        if name not in self.values:
            raise InputError(f'the map has no parameter "{name}", which {self.method} needs')
        came = self.values[name]
        entries = came if isinstance(came, list) else [came]
        if length is None and isinstance(came, list):
            raise InputError(f'parameter "{name}" holds {len(came)} numbers, but one is needed')
        if length is not None and (not isinstance(came, list) or len(came) != length):
            what = f"{len(came)} numbers" if isinstance(came, list) else "one number"
            raise InputError(f'parameter "{name}" holds {what}, but {length} are needed')
        for entry in entries:
            if not is_number(entry):
                raise InputError(f'parameter "{name}" holds {entry!r}, but finite numbers are needed')
            if positive and not entry > 0:
                raise InputError(f'parameter "{name}" is {entry:g}, but it must be positive')
        return np.asarray(entries if length is not None else entries[0], np.float64)


def is_number(value: object) -> bool:
    """Whether a JSON value is a number that a float64 holds.

    >>> is_number(1.5), is_number(True), is_number(10**400), is_number("1")
    (True, False, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return bool(np.isfinite(float(value)))
    except OverflowError:
        return False


def mapped_rows(predictions: Predictions, recalibration: Map) -> tuple[MappedRows, Kind]:
    """The mapped scores of predictions and their kind: logits stay logits, all else becomes log-probabilities."""
    kind: Kind = "logits" if predictions.kind == "logits" else "log_probs"
    return MappedRows(predictions.scores, predictions.kind, recalibration), kind


@dataclass(frozen=True, slots=True)
class MappedRows:
    """Rows of scores that are mapped when they are read, so that no copy of all of them ever exists."""

    scores: RowSource
    kind: Kind
    recalibration: Map

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and of classes."""
        return self.scores.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Mapped scores are float64, whatever the stored type."""
        return np.dtype(np.float64)

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        return self.map(np.asarray(self.scores[rows]))

    def map(self, scores: npt.NDArray[Any]) -> Floats:
        """The mapped scores of some rows (b, k)."""
        recalibration = self.recalibration
        if not len(scores):
            return np.empty(scores.shape)
        z = log_scores(scores, self.kind, clip=recalibration.clip).z
        with np.errstate(all="ignore"):
            result = recalibration.apply(z)
            if self.kind != "logits":
                result = log_softmax(result)
            if recalibration.keeps_top:
                _keep_top(scores, result)
        return result


def _keep_top(scores: npt.NDArray[Any], result: Floats) -> None:
    """Where rounding has made two scores equal that were not, the one that was larger becomes it again."""
    before, after = scores.argmax(axis=1), result.argmax(axis=1)
    rows = np.flatnonzero(before != after)
    if len(rows):
        result[rows, before[rows]] = np.nextafter(result[rows, after[rows]], np.inf)
