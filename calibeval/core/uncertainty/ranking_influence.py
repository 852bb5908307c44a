"""How far each row moves AUROC, AURC, E-AURC and AUGRC: what their standard errors and differences are made of."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.ranking import Ranking


class Influence(NamedTuple):
    """The influence of a right and of a wrong row of each step of a ranking, (m,) each.

    The statistic of all rows differs from its expectation by the mean influence of the rows, up to terms in 1/n.
    """

    right: Floats
    wrong: Floats

    def error(self, ranking: Ranking) -> float:
        """The standard error of the statistic, if rows are independent."""
        return math.sqrt(float(ranking.right @ self.right**2 + ranking.wrong @ self.wrong**2)) / ranking.n


def auroc_influence(ranking: Ranking) -> Influence:
    """For the AUROC: the share of wrong rows below a right one, and of right rows above a wrong one, minus the AUROC.

    There must be right and wrong rows.
    Source: DeLong, DeLong & Clarke-Pearson, Biometrics 44:837 (1988).
    """
    right, n, wrong = ranking.right, ranking.n, ranking.errors
    ahead = (ranking.rows_to - ranking.wrong_to - 0.5 * right) / (n - wrong)
    behind = 1.0 - (ranking.wrong_to - 0.5 * ranking.wrong) / wrong
    value = float(right @ behind) / (n - wrong)
    return Influence(n / (n - wrong) * (behind - value), n / wrong * (ahead - value))


def augrc_influence(ranking: Ranking) -> Influence:
    """For the AUGRC, which is the probability that a row is wrong and another is less confident.

    Source: Hoeffding, Annals of Mathematical Statistics 19:293 (1948), for such means over pairs.
    """
    n = ranking.n
    below = 1.0 - (ranking.rows_to - 0.5 * ranking.rows) / n
    above = (ranking.wrong_to - 0.5 * ranking.wrong) / n
    right = above - 2.0 * float(ranking.wrong @ below) / n
    return Influence(right, right + below)


def aurc_influence(ranking: Ranking) -> Influence:
    """For the AURC, the mean over rows of its error times -log of the coverage at its confidence.

    Source: Serfling, Approximation Theorems of Mathematical Statistics (1980), chapter 8, for such means of ranks.
    """
    n, rows, wrong = ranking.n, ranking.rows, ranking.wrong
    inverse = ranking.inverse
    weight = 1.0 - (ranking.rows_to - rows) / rows * inverse + np.cumsum(inverse[::-1])[::-1] - inverse
    lost = wrong / rows * inverse
    right = ranking.errors / n - (np.cumsum(lost[::-1])[::-1] - 0.5 * lost) - float(wrong @ weight) / n
    return Influence(right, right + weight)


def eaurc_influence(ranking: Ranking) -> Influence:
    """For the E-AURC. There must be right rows; the best AURC at an error e is e + (1 - e) log(1 - e)."""
    own, error = aurc_influence(ranking), ranking.errors / ranking.n
    slope = math.log1p(-error)
    return Influence(own.right - slope * error, own.wrong + slope * (1.0 - error))
