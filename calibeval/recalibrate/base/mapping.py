"""The base class of maps: their classes, how they were fitted, how they are applied to predictions, and their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, overload

import numpy as np
import numpy.typing as npt

from calibeval.core.data.amended import with_warnings
from calibeval.core.data.arguments import choice
from calibeval.core.data.arrays import Floats
from calibeval.core.data.documents import json_text
from calibeval.core.data.elsewhere import elsewhere
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.records import to_plain
from calibeval.core.data.row_source import KINDS, Kind, as_array, show_shape
from calibeval.core.errors import InputError, UsageError
from calibeval.recalibrate.base.facts import Fitted
from calibeval.recalibrate.base.mapped_rows import MappedRows
from calibeval.recalibrate.base.prior import Prior, prior_of
from calibeval.recalibrate.base.seen import seen_rows

SCHEMA = "calibeval.map/1"
LARGEST = 1e150  # of a mapped score, so that squares of differences are numbers, too


@dataclass(frozen=True, slots=True)
class Map:
    """A fitted recalibration map: calling it maps predictions to recalibrated predictions.

    k, class_names: of the dump that it was fitted on; k is None if only the top label was known. fitted: how it was
    fitted. clip: probabilities below it are first raised to it; None: no clipping. prior: shares of classes where it is
    used; None: those of the fitted rows.
    Logits stay logits; probabilities and log-probabilities become log-probabilities, which cannot underflow.

    >>> from calibeval.recalibrate.fitting.fit import fit
    >>> recalibration = fit(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1]))
    >>> recalibration(np.array([[6.0, 0.0]])).round(3).tolist()
    [[2.197, 0.0]]
    """

    method: ClassVar[str]
    keeps_top: ClassVar[bool] = False
    top_label_only: ClassVar[bool] = False  # whether it maps the confidence of the predicted class
    takes_confidence: ClassVar[bool] = False  # whether the confidence of the predicted class is all that it needs

    k: int | None
    class_names: tuple[str, ...] | None
    fitted: Fitted
    clip: float | None = field(default=None, kw_only=True)
    prior: Prior | None = field(default=None, kw_only=True)

    if TYPE_CHECKING:

        @property
        def temperature(self) -> float:
            """What logits are divided by, of the maps that have it: those of method "temperature"."""

    @overload
    def __call__(self, scores: Predictions | str | PathLike[str]) -> Predictions: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, scores: npt.ArrayLike, kind: Kind = ...) -> Floats: ...
    def __call__(
        self, scores: Predictions | str | PathLike[str] | npt.ArrayLike, kind: Kind = "logits"
    ) -> Predictions | Floats:
        """The predictions with mapped scores, which are computed when read; labels, ids, columns and source stay.

        A path is read first. Predictions that the map was fitted on get a warning with the code "leak".
        An array or tensor (n, k) gives an array of the same kind: logits, or probabilities. kind: of an array:
        "logits", "probs" or "log_probs"; for maps of the top label also "confidence", (n,).
        Raises: InputError if the classes differ from those of the map, or only the top label is known and the map needs
        the scores of every class.
        """
        choice("kind", kind, KINDS if self.takes_confidence else KINDS[:3])
        if isinstance(scores, str | PathLike):
            scores = elsewhere("calibeval.api.read", "read")(scores)
        if isinstance(scores, Predictions):
            found = mapped(scores, self)
            notice = seen_rows(scores, self.fitted)
            return found if notice is None else with_warnings(found, [notice])
        rows = as_array(scores, kind)
        if not 0 < rows.ndim < 3:
            images = "; calibeval.Predictions takes images" if rows.ndim else ""
            raise InputError(f"{kind} have shape {show_shape(rows.shape)}, but (n, {self.k or 'k'}) is needed{images}")
        given: dict[str, Any] = {kind: rows}
        source = mapped(Predictions(**given), self)
        values = np.asarray(source.scores[0 : source.rows])
        return np.exp(values) if kind == "probs" else values

    def __repr__(self) -> str:
        """One short line: method, scalar parameters, classes and number of fitted rows, without arrays."""
        single = (f"{name}={value:.4g}" for name, value in self.parameters().items() if isinstance(value, float))
        return f"<{type(self).__name__}: {', '.join((*single, *self._classes(), f'fitted on {self.fitted.n:,} rows'))}>"

    def _classes(self) -> list[str]:
        return [] if self.k is None else [f"k={self.k}"]

    def save(self, path: str | PurePath) -> None:
        """Write the map to a JSON file for `calibeval.read_map` and `calibeval apply`.

        Raises: FileProblem if it cannot be written.
        """
        elsewhere("calibeval.api.save", "save_map")(self, path)

    def apply_to_folder(
        self, folder: str | PathLike[str], out: str | PathLike[str], *, layout: str | None = None, **reading: Any
    ) -> PurePath:
        """Write every case of a folder to another one with mapped scores, as `calibeval apply` does; return its path.

        folder: may be a pattern, such as "fold_*/validation". layout, reading: as for `evaluate`.
        Raises: InputError for scores that do not fit the map, naming the case; UsageError; FileProblem.
        """
        made: PurePath = elsewhere("calibeval.api.case_maps", "apply_to_folder")(self, folder, out, layout, reading)
        return made

    def with_prior(self, prior: float | Sequence[float] | Mapping[str, float]) -> Map:
        """The map for another prior: the share of class 1 of two, a share for each class, or shares by class.

        Raises: UsageError for shares that cannot be, and for a map that was fitted without a prior.
        """
        if self.prior is None:
            raise UsageError("the map does not know the shares of the classes in the fitted rows: fit it with a prior")
        return replace(self, prior=prior_of(prior, self.prior.fitted, self.class_names))

    def parameters(self) -> dict[str, Any]:
        """The parameters as JSON values, without the clip and the prior."""
        raise NotImplementedError

    def apply(self, z: Floats) -> Floats:
        """The mapped log-scores (b, k) of log-scores z (b, k); -inf marks a class of probability 0."""
        raise NotImplementedError

    def of_two(self, pairs: Floats) -> Floats:
        """The mapped log-scores (b, 2) of a prediction that is wrong, or right, of maps of the top label."""
        raise NotImplementedError

    @classmethod
    def of_temperature(cls, temperature: float, k: int) -> tuple[Any, ...] | None:
        """The parameters, in the order of the fields, that make such a map a temperature; None if none do."""
        del temperature, k
        return None

    def check(self) -> None:
        """Check the parameters.

        Raises: InputError naming an invalid parameter.
        """

    def to_dict(self) -> dict[str, Any]:
        """The map as a JSON object."""
        facts = self.fitted
        more: dict[str, Any] = {} if self.clip is None else {"clip": self.clip}
        more |= {} if self.prior is None else {"prior": to_plain(self.prior)}
        fitted_on = {name: getattr(facts, name) for name in ("sha256", "split", "n", "sketch")}
        fitted_on |= {} if facts.cases is None else {"cases": [*facts.cases]}
        return {
            "schema": SCHEMA,
            "method": self.method,
            "top_label_only": self.top_label_only,
            "parameters": {**self.parameters(), **more},
            "k": self.k,
            "class_names": None if self.class_names is None else list(self.class_names),
            "fitted_on": fitted_on,
            "objective": facts.objective,
            "nll_before": facts.nll_before,
            "nll_after": facts.nll_after,
            "bound": facts.bound,
            "note": facts.note,
            "clipped": facts.clipped,
            "search": None if facts.search is None else to_plain(facts.search),
            "selection": [to_plain(score) for score in facts.selection],
        }

    def to_json(self) -> str:
        """The map as JSON; numbers round-trip exactly, and it never contains NaN."""
        return json_text(self.to_dict(), ascii_only=False)


def mapped(predictions: Predictions, recalibration: Map) -> Predictions:
    """The predictions with mapped scores, whatever rows the map was fitted on.

    Raises: InputError if the classes differ from those of the map, or only the top label is known and the map needs the
    scores of every class.
    """
    k, name = predictions.k, predictions.source.name
    names, known = predictions.class_names, recalibration.class_names
    if k is None and (not recalibration.takes_confidence or recalibration.prior is not None):
        prior = "" if recalibration.prior is None else " with a prior"
        raise InputError(
            f"{name}: only the top label is known, but a {recalibration.method} map{prior} needs the scores of every "
            "class; fit a map of the top label, such as top-platt"
        )
    if None not in (k, recalibration.k) and k != recalibration.k:
        raise InputError(f"{name}: there are {k} classes, but the map was fitted on {recalibration.k}")
    if names is not None and known is not None and names != known:
        i = next(i for i in range(len(known)) if names[i] != known[i])
        raise InputError(f'{name}: class {i} is "{names[i]}", but "{known[i]}" in the map')
    return predictions.with_scores(*mapped_rows(predictions, recalibration))


def mapped_rows(predictions: Predictions, recalibration: Map) -> tuple[MappedRows, Kind]:
    """The mapped scores of predictions and their kind: logits and confidences stay, others become log-probabilities."""
    kind: Kind = predictions.kind if predictions.kind in ("logits", "confidence") else "log_probs"
    origin = None if predictions.ignored else predictions  # ignored rows may hold anything
    return MappedRows(predictions.scores, predictions.kind, recalibration, origin), kind
