"""The metrics that are computed only on request, by name or as `all`: most need the results of every row."""

from __future__ import annotations

import math

from calibeval.core.metrics.corp_log import LOG_PARTS
from calibeval.core.metrics.cox import IN_THE_LARGE
from calibeval.core.metrics.debiased import DebiasedRootMeanSquare
from calibeval.core.metrics.gain import RecalibrationGain
from calibeval.core.metrics.ranked import single, top
from calibeval.core.metrics.selection import SELECTIVE, Table
from calibeval.core.metrics.thresholded import OTHER_BINS
from calibeval.core.metrics.without_bins import WITHOUT_BINS

REQUESTED = Table(
    (metric.name, metric)
    for metric in (
        *WITHOUT_BINS,
        *LOG_PARTS,
        IN_THE_LARGE,
        DebiasedRootMeanSquare(
            name="rmsce_debiased",
            short="RMSCE debiased",
            title="root mean square calibration error without the noise of its bins",
            over="top",
            least=0.0,
            most=1.0,
            better="lower",
            unit="%",
            source="Kumar, Liang & Ma, NeurIPS 2019",
        ),
        top(2),
        single(2),
        *OTHER_BINS,
        *SELECTIVE,
        RecalibrationGain(
            name="phi_nll",
            short="PHI of NLL",
            title="share of the NLL that recalibration would gain, out of fold",
            score="nll",
            shown=False,
            least=-math.inf,
            most=1.0,
            better="lower",
            unit="%",
            source="Berta et al., arXiv 2501.19195, 2025; interval: Bayle et al., NeurIPS 2020",
        ),
        RecalibrationGain(
            name="phi_brier",
            short="PHI of Brier",
            title="share of the Brier score that recalibration would gain, out of fold",
            score="brier",
            shown=False,
            least=-math.inf,
            most=1.0,
            better="lower",
            unit="%",
            source="Berta et al., arXiv 2501.19195, 2025; interval: Bayle et al., NeurIPS 2020",
        ),
    )
)
