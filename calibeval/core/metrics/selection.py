"""The metrics of selective prediction that are listed, and a table that has coverage at every other error, too."""

from __future__ import annotations

from typing import TypeVar

from calibeval.core.errors import UnknownMetric
from calibeval.core.metrics.coverage import coverage_at, coverage_named
from calibeval.core.metrics.metric import Metric
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
    """Metrics by name. Coverage at any other error is there, too, but not among those that are listed.

    >>> table = Table({metric.name: metric for metric in SELECTIVE})
    >>> table["coverage@error=0.2"].label, "coverage@error=2" in table, len(table)
    ('coverage@20%', False, 6)
    """

    def __missing__(self, name: str) -> Metric:
        """The coverage of this name. Raises: KeyError for other names."""
        found = _coverage(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        """Whether it is the name of a metric."""
        return dict.__contains__(self, name) or (isinstance(name, str) and _coverage(name) is not None)

    def get(self, name: str, default: T = None) -> Metric | T:  # type: ignore[assignment]  # as that of a dict
        """The metric of this name, or the default."""
        try:
            return self[name]
        except KeyError:
            return default

    def ordered(self, names: list[str]) -> list[str]:
        """The names in the order of the table; those that are not listed there last.

        >>> Table({metric.name: metric for metric in SELECTIVE}).ordered(["coverage@error=0.2", "x", "auroc"])
        ['auroc', 'coverage@error=0.2', 'x']
        """
        listed = [*self]
        return [*(name for name in listed if name in names), *(name for name in names if name not in listed)]


def _coverage(name: str) -> Metric | None:
    """The coverage whose name is written exactly so."""
    try:
        found = coverage_named(name)
    except UnknownMetric:
        return None
    return found if found is not None and found.name == name else None
