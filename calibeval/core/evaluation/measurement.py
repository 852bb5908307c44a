"""A dump with all its sums, read once, and once more for each slice column; they give reports at any level."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from calibeval.core.conventions.table import CONVENTIONS, OWN
from calibeval.core.data.columns import group_of, kept_rows
from calibeval.core.data.distinct_names import name_of
from calibeval.core.data.positive import chosen_classes, with_positive
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import refuse_weights, row_weights
from calibeval.core.evaluation.bin_tables import bin_table, class_view, weights_of
from calibeval.core.evaluation.class_noise import per_class, with_class_spread
from calibeval.core.evaluation.doubts import doubted
from calibeval.core.evaluation.remarks import warnings_of
from calibeval.core.evaluation.with_second_pass import with_second_pass
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import all_metrics
from calibeval.core.report.report import ClassView, DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.pair_keys import PairKeys
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.second_pass import NOTHING, Wanted
from calibeval.core.sums.sums import Sums

# What groups, slices, other tools and metrics on request need is imported where one of them is asked for.
if TYPE_CHECKING:
    from calibeval.core.conventions.sums import ConventionSums
    from calibeval.core.evaluation.curves import CurveCells, Curves
    from calibeval.core.evaluation.groups import Groups
    from calibeval.core.evaluation.slices import SlicedColumn
    from calibeval.core.evaluation.stream_joints import StreamedGroups
    from calibeval.core.uncertainty.joints import Joints


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """A dump and the results of reading it: sums, groups and their joint variation, slices, and another tool's bins.

    support: (k,), the number of rows of each class; None: it is counted.
    """

    predictions: Predictions
    settings: Settings
    sums: Sums
    groups: Groups | None
    joints: Joints | None
    columns: tuple[SlicedColumn, ...]
    tool: ConventionSums | None
    curves: Curves | None = None
    support: npt.NDArray[np.int64] | None = None

    @classmethod
    def of(
        cls,
        predictions: Predictions,
        settings: Settings,
        resources: Resources = PLAIN,
        *,
        keep_rows: bool = False,
        sliced: bool = True,
        by_class: bool = True,
        curves: bool = False,
        pairs: bool = False,
        second: Wanted = NOTHING,
        gain: bool = False,
        fitted: bool = True,
    ) -> Measurement:
        """Measure: one pass over the scores, and one more for each slice column, groups, and another tool's bins.

        keep_rows: keep the results of every row (41 bytes each). sliced: whether to cut slices, if settings name
        columns.
        by_class: whether to include class-wise sums of slices, and class-wise bins for groups; without them, groups
        need no extra pass, and with keep_rows slices need none either. curves: whether to fit smooth curves.
        pairs: whether to keep what metrics of single rows need: 8 bytes of each, of many rows only cells; with
        weights, groups or slices 41 bytes of each, if they fit into memory.
        second: what to read the scores once more for. gain: whether to recalibrate the rows out of fold, if they fit
        into memory. fitted: as for `summarise`.
        Other arguments: as for `evaluate_dump`.
        Raises: InputError for values that contradict the kind of the scores; UsageError for columns that cannot be cut.
        """
        predictions = with_positive(predictions, settings.positive)
        chosen_classes(predictions, settings.classes or ())
        if settings.convention != OWN:
            refuse_weights(predictions, f"convention {settings.convention}")
        groups = _groups(predictions, settings, resources)
        by_groups = groups is not None and groups.refused is None
        streamed = None if groups is None or not by_groups else _streamed(predictions, groups, settings)
        own = settings.convention == OWN
        cells = _curve_cells() if curves and own else None
        in_memory = not resources.streams(predictions)
        single = keep_rows or (by_groups and streamed is None) or (gain and in_memory)
        weighted = row_weights(predictions) is not None
        of_rows = pairs and in_memory and (weighted or (sliced and bool(settings.slices)))
        sums = summarise(
            predictions,
            settings.bins,
            resources,
            keep_rows=single or of_rows,
            told=None if streamed is None else streamed.told,
            cells=None if cells is None else cells.add,
            slopes=by_groups,
            ordered=PairKeys() if pairs and not (single or of_rows or weighted) else None,
            fitted=fitted,
        )
        if own and by_class and groups is None and settings.level is not None:
            (sums,) = with_class_spread(predictions, [kept_rows(predictions)], [sums])
        if pairs:
            from calibeval.core.evaluation.with_pairs import with_pairs

            sums = with_pairs(sums, predictions, groups)
        sums = with_second_pass(sums, predictions, settings.bins, second)
        if gain:
            from calibeval.core.evaluation.with_gain import with_gain

            sums = with_gain(sums, predictions, settings.group if groups is None else groups.column, groups)
        return cls(
            predictions=doubted(predictions, sums),
            settings=settings,
            sums=sums,
            groups=groups,
            joints=None
            if groups is None
            else _joints(sums, groups, predictions, by_class=by_class)
            if streamed is None
            else streamed.joints(sums, resources.jobs, resources.memory, by_class=by_class),
            columns=()
            if not sliced
            else _cut(predictions, settings, resources, sums, groups, by_class=by_class, fitted=fitted),
            tool=None if own else _as_tool(predictions, settings, resources),
            curves=cells,
        )

    def metrics(self, level: float | None, only: Collection[str] | None = None) -> dict[str, MetricResult]:
        """The metrics of all rows, with intervals at that level. only: limits the metrics to these."""
        if self.groups is None:
            found = all_metrics(self.sums, level, only=only)
        else:
            from calibeval.core.evaluation.groups import grouped_metrics

            found = grouped_metrics(self.sums, self.groups, self.joints, level, only)[0]
        if only is None:
            return found
        from calibeval.core.metrics.coverage import with_curve

        return with_curve(found, self.sums)

    def report(self, level: float | None, only: Collection[str] | None = None) -> DumpReport:
        """The report with intervals at that level. only: limits the metrics to these."""
        predictions, sums = self.predictions, self.sums
        sliced = [column.results(level, only) for column in self.columns]
        dump = DumpReport(
            source=predictions.settled_source(),
            kind=predictions.kind,
            n=sums.rows_n,
            k=sums.k,
            ignored=predictions.ignored,
            metrics=self.metrics(level, only),
            equal_width=bin_table(sums.top, sums.edges),
            equal_mass=bin_table(sums.mass, sums.mass_edges),
            per_class=per_class(sums, predictions, alone=self.groups is None, support=self.support),
            warnings=(*predictions.warnings, *warnings_of(predictions, sums, self.groups, self.settings)),
            name=name_of(predictions),
            slices=tuple(one for column in sliced for one in column) if self.columns else None,
            small_slices=tuple(one for column in self.columns for one in column.small) if self.columns else None,
            groups=None if self.groups is None else self.groups.counted,
            weights=weights_of(predictions, sums),
            curve=None if self.curves is None else self.curves.top(),
            positive=self._positive(),
            class_views=self._class_views(),
        )
        return dump if self.tool is None else self._as_tool(dump, self.tool, level, only)

    def _positive(self) -> ClassView | None:
        """The positive class of two, with its smooth curve."""
        view = class_view(self.sums, self.predictions, self.sums.positive) if self.sums.k == 2 else None
        return view if view is None or self.curves is None else replace(view, curve=self.curves.positive())

    def _class_views(self) -> tuple[ClassView, ...] | None:
        """The chosen classes of more than two, each against the rest; None if none was chosen."""
        if self.settings.classes is None:
            return None
        chosen = chosen_classes(self.predictions, self.settings.classes)
        views = [view for one in chosen if (view := class_view(self.sums, self.predictions, one)) is not None]
        if self.curves is None or not views:
            return tuple(views)
        curves = self.curves.of_classes(self.predictions, [view.index for view in views])
        return tuple(replace(view, curve=curves[view.index]) for view in views)

    def _as_tool(
        self, dump: DumpReport, tool: ConventionSums, level: float | None, only: Collection[str] | None
    ) -> DumpReport:
        """The dump with every binned number and every bin as another tool computes them.

        Classes that the tool leaves out are not listed; if it has no class-wise errors, no class is.
        """
        from calibeval.core.conventions.metrics import class_errors, convention_metrics, remarks

        convention = CONVENTIONS[self.settings.convention]
        errors = class_errors(tool)
        classes = zip(dump.per_class, () if errors is None else errors.tolist(), strict=False)
        found = convention_metrics(self.sums, tool, convention, level, only)
        return replace(
            dump,
            metrics=found,
            equal_width=bin_table(tool.width.sums, tool.width.edges),
            equal_mass=None if tool.mass is None else bin_table(tool.mass.sums, tool.mass.edges),
            positive=None,
            per_class=tuple(
                replace(result, calibration_error=error, floor=None, floor_high=None) for result, error in classes
            ),
            warnings=(*dump.warnings, *remarks(tool, convention, dump.k)),
        )


def _groups(predictions: Predictions, settings: Settings, resources: Resources) -> Groups | None:
    """The groups of rows that depend on each other; None if there is no column of them, nor images."""
    if group_of(predictions, settings.group) is None and len(predictions.layout) < 2:
        return None
    from calibeval.core.evaluation.groups import find_groups

    return find_groups(predictions, settings, resources)


def _streamed(predictions: Predictions, groups: Groups, settings: Settings) -> StreamedGroups | None:
    """What adds up the rows of these groups on the way; None if their codes are in memory."""
    if groups.units is None:
        return None
    from calibeval.core.evaluation.stream_joints import StreamedGroups

    return StreamedGroups(predictions, groups.units, settings.bins)


def _curve_cells() -> CurveCells:
    from calibeval.core.evaluation.curves import CurveCells

    return CurveCells()


def _joints(sums: Sums, groups: Groups, predictions: Predictions, *, by_class: bool) -> Joints | None:
    from calibeval.core.evaluation.groups import joints_for

    return joints_for(sums, groups, predictions, by_class=by_class)


def _cut(
    predictions: Predictions,
    settings: Settings,
    resources: Resources,
    sums: Sums,
    groups: Groups | None,
    *,
    by_class: bool,
    fitted: bool,
) -> tuple[SlicedColumn, ...]:
    """The slices of each column that the settings name."""
    if not settings.slices:
        return ()
    from calibeval.core.evaluation.slices import SlicedColumn

    return tuple(
        SlicedColumn.of(
            predictions,
            column,
            settings,
            resources.quiet(),
            groups=groups,
            known=sums.rows,
            by_class=by_class,
            gain=sums.gain,
            fitted=fitted,
        )
        for column in settings.slices
    )


def _as_tool(predictions: Predictions, settings: Settings, resources: Resources) -> ConventionSums:
    from calibeval.core.conventions.sums import convention_sums

    return convention_sums(predictions, CONVENTIONS[settings.convention], settings.bins, resources)
