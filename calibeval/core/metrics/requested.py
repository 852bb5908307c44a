"""The metrics that are computed only on request, by name or as `all`: they need the results of every row."""

from __future__ import annotations

from calibeval.core.metrics.cumulative import Cumulative
from calibeval.core.metrics.metric import Metric

REQUESTED: dict[str, Metric] = {
    metric.name: metric
    for metric in (
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
    )
}
