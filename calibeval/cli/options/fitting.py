"""The options of maps: which go together, which would change nothing, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.options.choices import DEFAULT_METHOD, OBJECTIVES, exclude, needed
from calibeval.cli.options.shared import AUTO

if TYPE_CHECKING:
    from calibeval.api.cases import CaseFitting
    from calibeval.core.data.notices import Notice
    from calibeval.core.data.predictions import Predictions
    from calibeval.core.report.report import DumpReport, Recalibrated
    from calibeval.readers.meaning.read_options import ReadOptions
    from calibeval.recalibrate.fitting.before_after import Plan

    Recalibrate = Callable[[Predictions], tuple[Recalibrated, list[Notice]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """What a command line says of maps; None and False stand for what was not given."""

    method: str | None
    objective: str | None
    clip: float | None
    seed: int | None
    group: str | None
    fit_on: str | None = None
    saved_map: Path | None = None
    cross_fit: int | None = None
    allow_leak: bool = False
    slices: Sequence[str] = ()

    def check(self) -> None:
        """Refuse options that exclude each other, or that would change nothing, and a clip that no k allows.

        Raises: UsageError.
        """
        exclude({"--fit-on": self.fit_on, "--map": self.saved_map, "--cross-fit": self.cross_fit})
        given = {"--method": self.method, "--objective": self.objective, "--clip": self.clip, "--seed": self.seed}
        fits = self.fit_on is not None or self.cross_fit is not None
        if self.searches:
            del given["--seed"]
        needed(given, "--fit-on or --cross-fit", there=fits)
        leaks = self.fit_on is not None or self.saved_map is not None
        needed({"--allow-leak": self.allow_leak or None}, "--fit-on or --map", there=leaks)
        from calibeval.recalibrate.base.scores import check_clip

        check_clip(self.clip, 2)

    @property
    def searches(self) -> bool:
        """Whether worst segments are searched, with a seed of its own."""
        from calibeval.core.data.search import search_of

        return any(search_of(word) is not None for word in self.slices)

    def of_rows(self) -> dict[str, object]:
        """The options that need rows, by their names."""
        return {
            "--group": self.group,
            "--fit-on": self.fit_on,
            "--map": self.saved_map,
            "--cross-fit": self.cross_fit,
        }

    def notes(self) -> list[str]:
        """That a seed was given where nothing is random.

        >>> Fitting(method="auto", objective=None, clip=None, seed=7, group=None).notes()
        []
        """
        if self.seed is None or self.searches or self.cross_fit is not None or self.method == AUTO:
            return []
        return [f"note: --seed {self.seed} changes nothing: only --cross-fit and --method {AUTO} assign rows to folds"]

    def plan(self, fitted: Predictions | None = None) -> Plan:
        """How a map is fitted. fitted: on which predictions, where it is not out of fold."""
        from calibeval.recalibrate.fitting.before_after import Plan

        method, objective = self.method or DEFAULT_METHOD, self.objective or OBJECTIVES[0]
        seed = 0 if self.seed is None else self.seed
        return Plan(method, objective, self.clip, seed, self.group, fitted, self.cross_fit, self.allow_leak)

    def of_cases(self) -> CaseFitting | None:
        """What a folder of cases is recalibrated with; None where no map is asked for."""
        if self.saved_map is None and self.fit_on is None and self.cross_fit is None:
            return None
        from calibeval.api.cases import CaseFitting
        from calibeval.api.save import read_map

        saved = None if self.saved_map is None else read_map(self.saved_map)
        return CaseFitting(self.plan(), None if self.fit_on is None else Path(self.fit_on), saved)

    def recalibrate(self, reading: ReadOptions, evaluate: Callable[..., DumpReport]) -> Recalibrate | None:
        """What makes before and after of a dump; None where no map is asked for."""
        if self.saved_map is not None:
            from calibeval.api.save import read_map
            from calibeval.recalibrate.fitting.saved import by_saved_map

            return partial(by_saved_map, found=read_map(self.saved_map), evaluate=evaluate, allow_leak=self.allow_leak)
        if self.fit_on is None and self.cross_fit is None:
            return None
        from calibeval.readers.open import open_dump
        from calibeval.recalibrate.fitting.before_after import recalibrated

        fitted = None if self.fit_on is None else open_dump(self.fit_on, reading)
        return partial(recalibrated, plan=self.plan(fitted), evaluate=evaluate)
