"""The metrics that are computed only on request, by name or as `all`: most need the results of every row."""

from __future__ import annotations

from calibeval.core.metrics.corp_log import LOG_PARTS
from calibeval.core.metrics.debiased import DebiasedRootMeanSquare
from calibeval.core.metrics.ranked import Ranked
from calibeval.core.metrics.selection import SELECTIVE, Table
from calibeval.core.metrics.without_bins import WITHOUT_BINS

REQUESTED = Table(
    (metric.name, metric)
    for metric in (
        *WITHOUT_BINS,
        *LOG_PARTS,
        DebiasedRootMeanSquare(
            name="rmsce_debiased",
            short="RMSCE, debiased",
            title="root mean square calibration error without the noise of its bins",
            over="top",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Kumar, Liang & Ma, NeurIPS 2019",
        ),
        Ranked(
            name="ece_top2",
            short="ECE top 2",
            title="calibration error of the sum of the two largest probabilities, equal-width bins",
            rank="both",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Gupta et al., ICLR 2021",
        ),
        Ranked(
            name="ece_rank2",
            short="ECE 2nd",
            title="calibration error of the second largest probability, equal-width bins",
            rank="second",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Gupta et al., ICLR 2021",
        ),
        *SELECTIVE,
    )
)
