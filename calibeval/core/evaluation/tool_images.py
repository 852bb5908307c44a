"""Segmentations under the convention of a tool that averages over images: its numbers in place of calibeval's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from calibeval.core.conventions.images import IMAGE_CONVENTIONS, ImageConvention, image_convention
from calibeval.core.conventions.table import OWN
from calibeval.core.data.arrays import Codes
from calibeval.core.data.notices import reason
from calibeval.core.data.predictions import Predictions
from calibeval.core.dense.as_tools import Found
from calibeval.core.dense.case import Case, Cases
from calibeval.core.dense.of_dump import image_names, unit_codes
from calibeval.core.dense.tool_sums import ToolSums, tool_sums
from calibeval.core.dense.tools_of_cases import check_classes, tool_image_of
from calibeval.core.errors import UsageError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.resources import Resources


def tool_of(settings: Settings, *, images: bool) -> ImageConvention | None:
    """The tool that images are measured as; None for calibeval's own numbers, and for other rows.

    Raises: UsageError if it measures nothing but images, and there are none.
    """
    found = image_convention(settings.convention)
    if found is None or images:
        return found
    if settings.convention in IMAGE_CONVENTIONS:
        raise UsageError(
            f"convention {settings.convention} measures images one by one, so it needs a folder of cases, or scores of "
            "shape (n, k, h, w) without weights"
        )
    return None


def rows_settings(settings: Settings) -> Settings:
    """The settings for what is measured of all pixels: of tools that have nothing of them, calibeval's own."""
    return replace(settings, convention=OWN) if settings.convention in IMAGE_CONVENTIONS else settings


def dump_as_tool(
    report: DumpReport, predictions: Predictions, tool: ImageConvention, settings: Settings, resources: Resources
) -> DumpReport:
    """The report of one array of images, as the tool has it. report: of `rows_settings`."""
    sums = tool_sums(predictions, tool, settings.bins, resources)
    codes = unit_codes(predictions, settings.group)
    kept = report if settings.convention not in IMAGE_CONVENTIONS else without_bins(report, tool)
    return with_tool(kept, sums, image_names(predictions), codes, settings)


def cases_as_tool(cases: Cases, settings: Settings, *, renormalize: bool = False) -> CasesAsTool | None:
    """Cases as the tool of the settings measures them; None for calibeval's own convention.

    Raises: UsageError if the tool does not measure images; InputError for cases that it cannot measure.
    """
    if settings.convention == OWN:
        return None
    tool = image_convention(settings.convention)
    if tool is None:
        known = ", ".join(IMAGE_CONVENTIONS)
        raise UsageError(f"folders of cases cannot be measured by the convention {settings.convention}; but by {known}")
    return CasesAsTool(cases, tool, settings, renormalize=renormalize)


class CasesAsTool:
    """Cases that a tool measures beside calibeval, one after the other."""

    def __init__(self, cases: Cases, tool: ImageConvention, settings: Settings, *, renormalize: bool) -> None:
        check_classes(cases)
        self._facts, self._settings, self._tool = cases.facts, settings, tool
        self._sums, self._renormalize = ToolSums(tool, settings.bins), renormalize

    def found(self, case: Case) -> Found:
        """What the tool finds in a case; any thread may compute it. Raises: InputError naming it."""
        return self._sums.found(tool_image_of(case, self._facts, renormalize=self._renormalize))

    def add(self, found: Found) -> None:
        """The next case, in order."""
        self._sums.add(found)

    def report(self, report: DumpReport, codes: Codes) -> DumpReport:
        """The report of all cases, as the tool has it. codes: the number of the independent unit of each."""
        kept = without_bins(report, self._tool)
        return with_tool(kept, self._sums, self._facts.names, codes, self._settings)


def with_tool(report: DumpReport, sums: ToolSums, names: Sequence[str], codes: Codes, settings: Settings) -> DumpReport:
    """The report with the numbers of a tool, image by image, and what is to be known about them."""
    block = sums.block(settings.level, names, codes, settings.group)
    return replace(report, per_image=block, warnings=(*report.warnings, *sums.warnings(report.ignored)))


def without_bins(report: DumpReport, tool: ImageConvention) -> DumpReport:
    """The report without calibeval's binned numbers of all pixels, for which the tool has others.

    Its bins stay: a table and a diagram of what tools do not draw.
    """
    why = reason("not_in_convention", f"{tool.name} has nothing of all pixels, but means over images")
    metrics: Mapping[str, MetricResult] = {
        name: MetricResult(name, None, reason=why) if name in EVERY and EVERY[name].binned else found
        for name, found in report.metrics.items()
    }
    return replace(report, metrics=metrics, per_class=(), positive=None, class_views=None, curve=None)
