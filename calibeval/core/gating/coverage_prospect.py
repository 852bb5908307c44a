"""What one sample says about others under a rule on a certified coverage."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from calibeval.core.gating.prospect import MOST_ROWS
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import RuleVerdict
from calibeval.core.metrics.coverage import CoverageAtError
from calibeval.core.metrics.table import EVERY
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.certifying import RiskProfile
from calibeval.core.uncertainty.level import POWER

# The rows of a slice (None: of all), ranked by their confidence; None where they were not kept.
PairsOf = Callable[[str | None], Pairs | None]

PLANNED = "--plan names the rows for it"
EARLY_ERRORS = (
    "errors among the most confident rows may stop it, however many rows there are: check their labels, or allow a "
    "larger error"
)
DIGITS = 3  # of the numbers of rows that chances are computed for


@dataclass(frozen=True, slots=True, eq=False)
class CoverageProspect:
    """The chance that a certified coverage passes, from the error that the confidences of one sample show.

    n: number of rows. limit: the certified error. wanted: the coverage that the rule asks for. level: of its interval.
    known: chances by numbers of rows.
    """

    n: int
    profile: RiskProfile
    limit: float
    wanted: float
    level: float
    known: dict[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, rule: Rule, pairs: Pairs, level: float) -> CoverageProspect | None:
        """The prospect of a rule on the coverage of these rows; None where they have weights or groups."""
        metric = EVERY[rule.metric]
        if not isinstance(metric, CoverageAtError) or pairs.weights is not None or pairs.groups is not None:
            return None
        profile = RiskProfile.of(pairs.confidence, pairs.correct, pairs.slack)
        return cls(pairs.rows, profile, metric.limit, rule.limit, level)

    @property
    def change(self) -> bool:
        """False: changes of a coverage have no interval."""
        return False

    @property
    def centre(self) -> float:
        """How far the coverage at which the error reaches the limit lies below the one that is asked for."""
        return self.wanted - self.profile.reach(self.limit)

    @property
    def unchanged(self) -> float:
        """As `centre`."""
        return self.centre

    @property
    def rows_to_detect(self) -> int | None:
        """None: a coverage is between 0 and 1, so few limits can be missed by as much again."""
        return None

    def pass_chance(self, excess: float, n: float | None = None) -> float:  # noqa: ARG002 - as that of other metrics
        """The chance of passing in a sample of n rows (None: of this size), of a model like this one."""
        rows = float(self.n if n is None else n)
        step = 10.0 ** max(math.floor(math.log10(max(rows, 1.0))) + 1 - DIGITS, 0)
        whole = int(round(rows / step) * step)
        if whole < 1:
            return 0.0
        if whole not in self.known:
            reach = math.sqrt(math.log(2.0 / (1.0 - self.level)) / (2.0 * whole))
            self.known[whole] = self.profile.chance(self.wanted + reach, whole, self.limit)
        return self.known[whole]

    def advice(self) -> str:
        """What would help a rule that these rows do not decide: more rows only where they would certify so much."""
        if self.centre >= 0.0:
            reach = 100.0 * self.profile.reach(self.limit)
            seen = f"of only {reach:.1f} % of the rows" if reach else "of no part of the rows"
            return (
                f"as measured, the error {seen} is within {100.0 * self.limit:g} %, so more rows will hardly help: "
                "allow a larger error or less coverage, or improve the model"
            )
        return PLANNED if self.pass_chance(self.unchanged, MOST_ROWS) >= POWER else EARLY_ERRORS


def with_advice(verdicts: Sequence[RuleVerdict], pairs: PairsOf, settings: GateSettings) -> tuple[RuleVerdict, ...]:
    """The verdicts; those on a coverage that is not certified yet say what would help."""
    return tuple(_with_advice(one, pairs, settings) for one in verdicts)


def _with_advice(judged: RuleVerdict, pairs: PairsOf, settings: GateSettings) -> RuleVerdict:
    part = judged.decisive
    if judged.verdict != "inconclusive" or part is None or part.interval_level is None:
        return judged
    if not EVERY[judged.rule.metric].certifies or judged.rule.is_change:
        return judged
    rows = pairs(part.slice)
    prospect = None if rows is None else CoverageProspect.of(judged.rule, rows, settings.level)
    if prospect is None:
        return judged
    told = part.reason.reworded(f"{part.reason}; {prospect.advice()}")
    whole = judged.reason.reworded(judged.reason.replace(part.reason, told, 1))
    slices = tuple(replace(one, reason=told) if one is part else one for one in judged.slices)
    return replace(judged, reason=whole, decisive=replace(part, reason=told), slices=slices)
