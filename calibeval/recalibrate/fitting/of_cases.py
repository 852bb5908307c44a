"""Folders of cases after a map that was fitted on other cases: on another folder, or out of fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_source import Kind
from calibeval.core.data.source import Source
from calibeval.core.dense.as_metrics import of_report
from calibeval.core.dense.case import Case, Cases, Facts
from calibeval.core.dense.sampled import CASE, sampled
from calibeval.core.errors import InputError
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.report import DumpReport, Recalibrated
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.seen import same_cases, same_file, some_of
from calibeval.recalibrate.fitting.before_after import Plan
from calibeval.recalibrate.fitting.cross_fit import cross_fit
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.saved import results_of, tried_by

Evaluate = Callable[[Cases], DumpReport]


class MappedCases:
    """Cases with mapped scores. maps, of_case: the map of each case, by its number among these."""

    def __init__(self, cases: Cases, maps: Sequence[Map], of_case: Sequence[int]) -> None:
        self._cases, self._maps, self._of_case = cases, maps, of_case

    @property
    def facts(self) -> Facts:
        """Those of the cases: scores keep their kind."""
        return self._cases.facts

    def read(self, number: int) -> Case:
        """A case, mapped. Raises: as of the cases; InputError for scores that do not fit the map."""
        case, found = self._cases.read(number), self._maps[self._of_case[number]]
        try:
            return case._replace(scores=mapped_scores(found, case.scores, self.facts.kind))
        except InputError as error:
            raise InputError(f"{case.name}: {error}") from None

    def source(self, found: Sequence[str]) -> Source:
        """Where the cases came from."""
        return self._cases.source(found)


def mapped_scores(found: Map, scores: npt.NDArray[Any], kind: Kind) -> npt.NDArray[Any]:
    """Scores (k, ...), mapped; one channel is of the second of two classes. Raises: InputError for other classes."""
    k = len(scores)
    if found.k is not None and max(k, 2) != found.k:
        raise InputError(f"{k} channel{'s' * (k > 1)}, but the map is for {found.k} classes")
    mapped = np.asarray(found(scores.reshape(k, -1).T, kind))
    if k == 1 and mapped.ndim > 1 and mapped.shape[1] > 1:
        mapped = mapped[:, 1:] - mapped[:, :1] if kind == "logits" else mapped[:, 1:]
    return mapped.T.reshape(scores.shape)


class Fold(NamedTuple):
    """The maps of folds, and which of them each case gets. n: the pixels that they were fitted on."""

    maps: tuple[Map, ...]
    of_case: tuple[int, ...]
    n: int


def recalibrated_cases(
    cases: Cases, other: Cases | None, plan: Plan, evaluate: Evaluate, units: Sequence[str] | None = None
) -> tuple[Recalibrated, list[Notice]]:
    """The results of cases after a map, with the warnings. other: the cases to fit on; None: out of fold.

    units: what names the unit of each case; all of its cases are in one fold.
    Raises: InputError for cases that are in both and were not allowed; as `fit` and `sampled`.
    """
    if other is None:
        folds = _out_of_fold(cases, plan, units)
        after = evaluate(MappedCases(cases, folds.maps, folds.of_case))
        facts = OutOfFold(plan.folds or 5, plan.seed, folds.n)
        method = folds.maps[0].method if len({one.method for one in folds.maps}) == 1 else plan.method
        found = results_of(method, {}, facts, after, tried_by(folds.maps))
        return _with_images(found, after), []
    leak = shared(cases, other)
    if leak is not None and not plan.allow_leak:
        instead = "Fit on other cases, say --cross-fit 5, or use --allow-leak to see them anyway."
        raise InputError(f"{leak}: that would make results too optimistic. {instead}")
    pixels = sampled(other)
    groups = pixels.columns[CASE]
    one = fit(pixels, plan.method, objective=plan.objective, clip=plan.clip, seed=plan.seed, groups=groups)
    warnings = [] if leak is None else [warning("leak", leak)]
    told = (text for text in pixels.warnings if text.code == "sampled_pixels")
    warnings += [text.reworded(f"the map is {text}") for text in told]
    if one.fitted.note is not None:
        warnings.append(warning("map_note", one.fitted.note))
    after = evaluate(MappedCases(cases, (one,), (0,) * len(cases.facts.names)))
    fitted_on = FittedOn.of(pixels.settled_source(), pixels.n, leak)
    found = results_of(one.method, one.parameters(), fitted_on, after, tried_by([one]))
    return _with_images(found, after), warnings


def by_map(
    cases: Cases, found: Map, evaluate: Evaluate, *, allow_leak: bool = False
) -> tuple[Recalibrated, list[Notice]]:
    """The results of cases after a saved map, with the warnings. Raises: InputError if it was fitted on these cases."""
    source, facts = cases.source(()), found.fitted
    leak = same_file(source, facts) or same_cases(source, facts, cases.facts.names)
    if leak is not None and not allow_leak:
        raise InputError(f"{leak}: that would make results too optimistic. Use --allow-leak to see them anyway.")
    warnings = [] if leak is None else [warning("leak", leak)]
    if facts.note is not None:
        warnings.append(warning("map_note", facts.note))
    after = evaluate(MappedCases(cases, (found,), (0,) * len(cases.facts.names)))
    fitted_on = FittedOn(None, facts.split, facts.sha256, facts.n, leak)
    return _with_images(
        results_of(found.method, found.parameters(), fitted_on, after, tried_by([found])), after
    ), warnings


def shared(cases: Cases, other: Cases) -> str | None:
    """Which cases are in both, by their names or their files of scores, in words; None if there are none."""
    ours, theirs = cases.facts.names, {*other.facts.names}
    files, known = cases.source(()).cases or ("",) * len(ours), {*(other.source(()).cases or ())}
    both = [name for name, file in zip(ours, files, strict=True) if name in theirs or file in known]
    if not both:
        return None
    verb = "case is" if len(both) == 1 else "cases are"
    return f"{len(both):,} {verb} among those that the map is fitted on ({some_of(both)})"


def _with_images(found: Recalibrated, after: DumpReport) -> Recalibrated:
    """The results with the numbers of images."""
    return replace(found, metrics={**found.metrics, **of_report(after)})


def _out_of_fold(cases: Cases, plan: Plan, units: Sequence[str] | None) -> Fold:
    """The map of each case, fitted on the cases of the other folds."""
    pixels, folds = sampled(cases), plan.folds or 5
    of_case = pixels.columns[CASE]
    groups = of_case if units is None else np.unique(np.array(units), return_inverse=True)[1][of_case]
    crossed = cross_fit(
        pixels, folds, plan.method, seed=plan.seed, groups=groups, objective=plan.objective, clip=plan.clip
    )
    own = np.zeros(len(cases.facts.names), np.intp)  # a case without labelled pixels gets any map
    own[of_case] = crossed.folds
    return Fold(crossed.maps, tuple(own.tolist()), pixels.n)
