"""The metrics of selective prediction that are listed, and a table that has further ones, too, if they are named.

These are coverage at every other error, and the errors of more than two best classes.
"""

from __future__ import annotations

from typing import TypeVar

from calibeval.core.errors import UnknownMetric
from calibeval.core.metrics.coverage import coverage_at, coverage_named
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.of_images import of_images_named
from calibeval.core.metrics.ranked import ranked_named
from calibeval.core.metrics.selective import Area

T = TypeVar("T")

SELECTIVE: tuple[Metric, ...] = (
    Area(
        name="auroc",
        title="probability that a right row is more confident than a wrong one; ties count half",
        area="auroc",
        least=0.0,
        most=1.0,
        better="higher",
        unit="%",
        source="Hanley & McNeil, Radiology 1982; interval: DeLong et al., Biometrics 1988",
    ),
    Area(
        name="aurc",
        title="area under the risk-coverage curve: mean error of the most confident rows, over all coverages",
        area="aurc",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Geifman & El-Yaniv, NeurIPS 2017",
    ),
    Area(
        name="eaurc",
        short="E-AURC",
        title="excess AURC: minus that of the best order of the same rows",
        area="eaurc",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Geifman, Uziel & El-Yaniv, ICLR 2019",
    ),
    Area(
        name="augrc",
        title="area under the generalised risk-coverage curve: wrong answered rows as a share of all",
        area="augrc",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Traub et al., NeurIPS 2024",
    ),
    coverage_at(0.01),
    coverage_at(0.05),
)


class Table(dict[str, Metric]):
    """Metrics by name. Those whose name has another number are there, too, but not among those that are listed.

    >>> table = Table({metric.name: metric for metric in SELECTIVE})
    >>> table["coverage@error=0.2"].label, "coverage@error=2" in table, len(table)
    ('coverage@20%', False, 6)
    >>> table["ece_top5"].label, "ece_top1" in table
    ('ECE top 5', False)
    """

    def __missing__(self, name: str) -> Metric:
        """The coverage, or the error of best classes, of this name. Raises: KeyError for other names."""
        found = _numbered(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        """Whether it is the name of a metric."""
        return dict.__contains__(self, name) or (isinstance(name, str) and _numbered(name) is not None)

    def get(self, name: str, default: T = None) -> Metric | T:  # type: ignore[assignment]  # as that of a dict
        """The metric of this name, or the default."""
        try:
            return self[name]
        except KeyError:
            return default


def _numbered(name: str) -> Metric | None:
    """The coverage, or the error of best classes, whose name is written exactly so."""
    try:
        found = coverage_named(name) or ranked_named(name) or of_images_named(name)
    except UnknownMetric:
        return None
    return found if found is not None and found.name == name else None
