"""The rows of the table for measures of calibration without bins, which are computed on request."""

from __future__ import annotations

import math

from calibeval.core.metrics.corp import CalibrationIndex, Discrimination, Miscalibration, Uncertainty
from calibeval.core.metrics.cumulative import Cumulative
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.metrics.smooth_error import SmoothError
from calibeval.core.metrics.spiegelhalter import Spiegelhalter

WITHOUT_BINS: tuple[OfPairs, ...] = (
    Cumulative(
        name="ecce",
        title="range of the cumulative differences between correctness and confidence (Kuiper), without bins",
        reach="range",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Arrieta-Ibarra et al., JMLR 23(351), 2022; p: Feller, Ann. Math. Statist. 22:427, 1951",
    ),
    Cumulative(
        name="ks",
        short="KS",
        title="largest cumulative difference between correctness and confidence, without bins",
        reach="largest",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Gupta et al., ICLR 2021; Arrieta-Ibarra et al., JMLR 23(351), 2022",
    ),
    Spiegelhalter(
        name="spiegelhalter",
        short="Spiegelhalter z",
        title="Spiegelhalter's z: top label's Brier score against its expectation; above 0: over-confident",
        least=-math.inf,
        most=None,
        better="zero",
        unit="",
        source="Spiegelhalter, Statistics in Medicine 5:421, 1986",
    ),
    Miscalibration(
        name="mcb",
        title="miscalibration: the part of the top label's Brier score that isotonic regression takes away",
        least=0.0,
        most=1.0,
        better="lower",
        unit="",
        source="Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021",
    ),
    Discrimination(
        name="dsc",
        title="discrimination: how much the confidence tells right rows from wrong ones, in the Brier score",
        least=0.0,
        most=0.25,
        better="higher",
        unit="",
        source="Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021",
    ),
    Uncertainty(
        name="unc",
        title="uncertainty: the top label's Brier score with the accuracy as the confidence of every row",
        least=0.0,
        most=0.25,
        better="lower",
        unit="",
        source="Dimitriadis, Gneiting & Jordan, PNAS 118(8), 2021",
    ),
    CalibrationIndex(
        name="ici",
        title="integrated calibration index: mean distance of isotonic regression and confidence",
        share=None,
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Austin & Steyerberg, Statistics in Medicine 38:4051, 2019",
    ),
    CalibrationIndex(
        name="e50",
        title="median distance of isotonic regression and confidence over rows",
        share=0.5,
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Austin & Steyerberg, Statistics in Medicine 38:4051, 2019",
    ),
    CalibrationIndex(
        name="e90",
        title="90 % quantile of the distance of isotonic regression and confidence over rows",
        share=0.9,
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Austin & Steyerberg, Statistics in Medicine 38:4051, 2019",
    ),
    CalibrationIndex(
        name="emax",
        short="Emax",
        title="largest distance of isotonic regression and confidence",
        share=1.0,
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Austin & Steyerberg, Statistics in Medicine 38:4051, 2019",
    ),
    SmoothError(
        name="smece",
        short="smECE",
        title="smooth calibration error: residuals smoothed by a kernel as wide as the error itself",
        least=0.0,
        most=1.0,
        better="lower",
        unit="%",
        source="Blasiok & Nakkiran, ICLR 2024",
    ),
)
