"""From two or more dumps, or from a saved report and dumps, to their differences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from calibeval.core.comparison.baseline import Baseline
from calibeval.core.comparison.comparison import Candidate, Comparison
from calibeval.core.comparison.matched import check_bins, compared, side
from calibeval.core.comparison.of_arrays import ArrayImages, counted, unpaired_with_images
from calibeval.core.comparison.pairing import pair_rows
from calibeval.core.comparison.risk import with_risk
from calibeval.core.conventions.table import OWN
from calibeval.core.data.positive import with_positive
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.progress import Progress
from calibeval.core.data.search import refuse_search
from calibeval.core.data.shot_names import SHOTS_TRUE
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.doubts import doubted
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.settings import checked, stamped
from calibeval.core.evaluation.shots import with_shots
from calibeval.core.evaluation.with_gain import with_gain, with_same_gain
from calibeval.core.evaluation.with_second_pass import with_second_pass
from calibeval.core.metrics.table import needs_gain, wanted_by
from calibeval.core.report.report import Report
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.resources import Resources
from calibeval.core.sums.sums import Sums
from calibeval.core.version import VERSION


def compare(
    base: Predictions | Report,
    candidates: Sequence[Predictions],
    *,
    bins: int | None = None,
    level: float = 0.95,
    slices: Sequence[str] = (),
    min_rows: int | None = None,
    group: str | None = None,
    positive: str | None = None,
    background: str | None = None,
    jobs: int = 1,
    max_memory: int | None = None,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
) -> Comparison:
    """Compare each candidate with the base: the difference of every metric, with interval, p and detectable difference.

    Rows are paired by id; without ids, by position, if labels and shared columns agree. base may be a saved report of
    one dump: then there are no rows to pair, and intervals are wider.
    bins: as for `evaluate`; None: 15, or the number of the report. level: confidence level of the intervals, in (0, 1).
    slices, min_rows: as for `evaluate`, but there are no slices by predicted class, which differs between models.
    group: as for `evaluate`; a column of the base, or else of the candidate. positive, background: as for `evaluate`.
    jobs, max_memory: as for `evaluate`. In addition to the dumps, this takes about 155 bytes per row (200 if a
    candidate has its rows in another order) and, for each job, the scores of one slice; more candidates or columns do
    not increase it.
    progress: is told about each dump before it is read, and about finished rows. only: limits the metrics to these.
    Returns: a Comparison.
    Raises: InputError for dumps that cannot be compared; UsageError for invalid settings.

    >>> base = Predictions(probs=[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]] * 100, labels=[0, 0, 1] * 100)
    >>> candidate = Predictions(probs=[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]] * 100, labels=[0, 0, 1] * 100)
    >>> nll = compare(base, [candidate])["nll"]
    >>> nll.difference < 0 and nll.likely
    True
    """
    if not candidates:
        raise UsageError("there is no candidate to compare with the base")
    bins = bins if isinstance(base, Predictions) else Baseline.of(base, bins).bins
    settings = checked(
        bins=bins,
        convention=OWN,
        level=level,
        slices=slices,
        min_rows=min_rows,
        group=group,
        positive=positive,
        background=background,
    )
    settings = stamped(settings, *(one.warnings for one in (base, *candidates) if isinstance(one, Predictions)))
    check_bins(settings)

    watched = Resources(jobs, max_memory, progress)
    if isinstance(base, Predictions):
        refuse_search(settings.slices, base, "a comparison")
        base, columns, _ = with_shots(base, settings.slices, (SHOTS_TRUE,))  # predicted classes differ between models
        cut = replace(settings, slices=columns)

        def summed(predictions: Predictions) -> tuple[Predictions, Sums]:
            chosen = with_positive(predictions, settings.positive)
            sums = summarise(chosen, settings.bins, watched, keep_rows=True)
            return doubted(chosen, sums), with_second_pass(sums, chosen, settings.bins, wanted_by(only))

        images = ArrayImages.of(base, settings, watched.quiet(), only)
        first, sums = summed(counted(base, settings))
        own = first, with_gain(sums, first, group) if needs_gain(only) else sums
        quiet = watched.quiet()

        def beside(whole: Predictions) -> Candidate:
            candidate = counted(whole, settings)
            pairing = pair_rows(own[0], candidate)
            dump, sums = summed(candidate)
            sums = with_same_gain(sums, dump, own[1], pairing.order)
            found = compared(own, (dump, sums), pairing, cut, quiet, level, only)
            found = replace(found, dump=with_risk(found.dump, sums, only))
            theirs = None if images is None else ArrayImages.of(whole, settings, quiet, only)
            return found if theirs is None else theirs.beside(images, found, level, only)

        return Comparison(VERSION, settings, with_risk(side(*own), own[1], only), tuple(map(beside, candidates)))
    baseline = Baseline.of(base, bins)
    gain, second = needs_gain(only), wanted_by(only)

    def apart(whole: Predictions) -> Candidate:
        candidate = counted(whole, settings)
        measured = Measurement.of(candidate, settings, watched, sliced=False, gain=gain, second=second)
        images = None
        if baseline.dump.per_image is not None:
            images = ArrayImages.of(whole, settings, watched.quiet(), only)
        return unpaired_with_images(baseline, measured, images, level, only)

    return Comparison(VERSION, settings, baseline.side, tuple(map(apart, candidates)))
