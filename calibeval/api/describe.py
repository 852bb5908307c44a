"""`inspect`: what a file contains; `conventions`: what other tools would print for it."""

from __future__ import annotations

from os import PathLike
from typing import Unpack

from calibeval.api.arguments import ARGUMENTS, dump
from calibeval.api.cases import cases_in
from calibeval.api.dumps import Dump, Reading, predictions_of, resources_of
from calibeval.core.conventions.metrics import Explanations, explain_conventions
from calibeval.core.data.arguments import path as path_argument
from calibeval.core.data.inspection import Inspection
from calibeval.core.data.public import public
from calibeval.core.dense.tool_sums import explain_images
from calibeval.core.dense.tools_of_cases import explain_cases
from calibeval.core.evaluation.settings import checked
from calibeval.readers.describe import inspect_dump
from calibeval.readers.said import options_of
from calibeval.readers.stored.place import as_name


@public({**ARGUMENTS, "path": path_argument}, Reading.__annotations__)
def inspect(path: str | PathLike[str], *, max_memory: int | None = None, **reading: Unpack[Reading]) -> Inspection:
    """What a file contains and how it would be read: arrays, splits, kind, classes, columns; `print` shows it.

    reading, max_memory: as for `read`.
    Raises: InputError or FileProblem if the file as a whole cannot be opened.
    """
    return inspect_dump(as_name(path), options_of(max_memory=max_memory, **reading))


@public({**ARGUMENTS, "predictions": dump}, Reading.__annotations__)
def conventions(
    predictions: Dump,
    *,
    bins: int | None = None,
    jobs: int = 1,
    max_memory: int | None = None,
    layout: str | None = None,
    **reading: Unpack[Reading],
) -> Explanations:
    """The calibration errors that other tools would print for one dump; calibeval's own come first.

    It is a tuple that `print` and notebooks show as a table. Each item has `convention` (with its `name` and `facts`),
    `bins`, `metrics` and `remarks`. Of segmentations, its `images` are what tools print that measure image by image
    (MONAI, LTS, MbLS, CALS), with `convention`, `bins`, `images`, `numbers` and `remarks`; of a folder of cases with
    another one of `labels` there are only these. bins: number for all; None: each tool's own. predictions, jobs,
    max_memory, layout, reading: as for `evaluate`.
    Raises: InputError for data that cannot be used; FileProblem.

    >>> from calibeval import Predictions
    >>> found = conventions(Predictions(probs=[[0.0, 1.0], [0.4, 0.6]], labels=[1, 0]))
    >>> [(one.convention.name, round(one.metrics["ece"].value, 3)) for one in found[:2]]
    [('calibeval', 0.3), ('guo', 0.3)]
    """
    checked(bins=bins)
    resources = resources_of(jobs, max_memory, None)
    from_file = isinstance(predictions, str | PathLike)
    options = options_of(max_memory=max_memory, **reading) if from_file else options_of()
    cases = cases_in(predictions, options, layout)
    if cases is not None:
        of_cases = explain_cases(cases, bins=bins, renormalize=options.renormalize)
        return Explanations.of(of_cases.facts, (), of_cases.images)
    found = predictions_of(predictions, reading, max_memory)
    explained = explain_conventions(found, bins=bins, jobs=resources.jobs, max_memory=resources.memory)
    return explained.with_images(explain_images(found, bins=bins))
